"""The data of all pages of a target, read once for any number of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from rdo.notify.story import EventKind, Story
from rdo.pages.values import TargetPage
from rdo.trunk.context import Trunk
from rdo.trunk.views.headline import headline_of
from rdo.trunk.views.shown import Showing, stopped
from rdo.trunk.views.state import TargetView


@dataclass(frozen=True, slots=True)
class Gathered:
    """A target as its pages show it.

    `files` are the RPMs of each package's good build, by its number; `stories` are those of failing
    packages.
    """

    view: TargetView
    page: TargetPage
    files: Mapping[int, list[str]]
    stories: Mapping[str, Story]


def gather(trunk: Trunk, view: TargetView) -> Gathered:
    """Read what the pages need besides the view."""
    breaks = [
        (name, one.facts.broken_by.id) for name, one in view.packages.items() if one.facts.broken_by
    ]
    with trunk.store.read() as at:
        files = at.reports.files(trunk.name)
        events = at.events.of_breaks(trunk.name, EventKind.BROKEN, breaks) if breaks else []
        moves = at.names.last_moves(trunk.name)
    stories = {event.package: Story.from_json(event.payload) for event in events if event.payload}
    showing = Showing(trunk)
    names = tuple(showing.name(move, path) for move, path in moves)
    level, headline = headline_of(view, [one.name for one in names if one.is_broken])
    page = TargetPage(
        level=level,
        headline=headline,
        names=names,
        blocked=tuple(showing.blocked()),
        failing=showing.failing(view, stories),
        packages=tuple(
            showing.package(view.packages[name], files) for name in sorted(view.packages)
        ),
        queue=tuple(showing.queued(one) for one in view.queue),
        stopped=tuple(stopped(view)),
    )
    return Gathered(view, page, files, stories)
