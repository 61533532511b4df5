"""The answer of `rdo trunk queue`: the open builds of targets, and what each waits for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rdo.model.text.dates import minute
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.views.state import PackageView, read_target


@dataclass(frozen=True, slots=True)
class OpenBuild:
    """A queued or running build, and the state of its package."""

    target: str
    build: Build
    view: PackageView


def open_builds(trunks: Iterable[Trunk]) -> list[OpenBuild]:
    """Return running builds, then queued ones, for one target after another."""
    return [build for trunk in trunks for build in _of_target(trunk)]


def _of_target(trunk: Trunk) -> Iterator[OpenBuild]:
    for view in read_target(trunk, in_round=trunk.in_round).queue:
        assert view.facts.pending
        yield OpenBuild(trunk.name, view.facts.pending, view)


def as_line(one: OpenBuild) -> tuple[object, ...]:
    """Return an open build as a line of a table."""
    build, view = one.build, one.view
    since = minute(build.started or build.created)
    start = (one.target, build.id, build.package, build.commit.short_hash)
    return (*start, view.state, build.attempt, since, view.sentence)


def as_row(one: OpenBuild) -> dict[str, object]:
    """Return an open build as JSON data."""
    build, view = one.build, one.view
    return {
        "target": one.target,
        "build": build.id,
        "package": build.package,
        "commit": build.commit.short_hash,
        "state": view.unstopped,
        "try": build.attempt,
        "bootstrap": build.bootstrap,
        "since": build.started or build.created,
        "why": view.sentence,
        "waits_for": view.waits_for,
    }
