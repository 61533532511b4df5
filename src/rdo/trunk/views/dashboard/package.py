"""The page of a package as a server shows it: with its graph and its newest commits."""

from dataclasses import replace

from rdo.logs.reader import clean
from rdo.pages.graph import graph
from rdo.pages.live_values import LivePackage, ShownCommit
from rdo.pages.values import ShownLevel
from rdo.trunk.context import Trunk
from rdo.trunk.views.gathered import Gathered
from rdo.trunk.views.headline import level_of
from rdo.trunk.views.package_page import Needs, package_page
from rdo.trunk.views.shown import Showing
from rdo.trunk.views.state import TargetView

HISTORY = 100
_SUBJECTS = 15


def live_package(trunk: Trunk, gathered: Gathered, name: str, needs: Needs) -> LivePackage | None:
    """Gather what is known of a package; None if the target has never had it."""
    view = gathered.view
    with trunk.store.read() as at:
        lines = at.reports.history(trunk.name, name, limit=HISTORY)
    shown = view.packages.get(name)
    if shown is None and not lines:
        return None
    page = package_page(trunk, name, shown, gathered.stories.get(name), gathered.files, needs)
    showing = Showing(trunk)
    subjects = showing.subjects(name, lines[:_SUBJECTS])
    builds = tuple(
        replace(showing.built(line), subject=subjects.get(line.commit.upstream_hash, ""))
        for line in lines
    )
    picture = graph(
        name, _with_looks(view, page.needs), _with_looks(view, page.needed_by), page.level
    )
    return LivePackage(
        replace(page, needs=(), needed_by=()), builds, picture, _changes(gathered, name)
    )


def _with_looks(view: TargetView, names: tuple[str, ...]) -> list[tuple[str, str]]:
    def look(name: str) -> str:
        found = view.packages.get(name)
        return level_of(found) if found else ShownLevel.NONE

    return [(name, look(name)) for name in names]


def _changes(gathered: Gathered, name: str) -> tuple[ShownCommit, ...]:
    """Return the commits after which the package failed."""
    story = gathered.stories.get(name)
    if story is None:
        return ()
    return tuple(
        ShownCommit(side, one.hash, clean(one.subject), clean(one.author), one.when, one.url)
        for side, changes in (("distgit", story.distgit), ("upstream", story.upstream))
        for one in changes.newest
    )
