"""The queue of targets: what is queued or runs, and what each build waits for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rdo.model.commit import Commit
from rdo.trunk.context import Trunk
from rdo.trunk.views.why import Known, State, pending_step


@dataclass(frozen=True, slots=True)
class OpenBuild:
    """A build that is queued or runs. `since` is when it was started, or else queued.

    `waits_for` are packages of the release, or requirements where no package is known.
    """

    target: str
    build_id: int
    commit: Commit
    state: State
    attempt: int
    bootstrap: bool
    since: datetime
    why: str
    waits_for: tuple[str, ...] = ()


def open_builds(trunks: Iterable[Trunk]) -> list[OpenBuild]:
    """Return the builds that run, then those that are queued, of one target after another."""
    return [build for trunk in trunks for build in _of_target(trunk)]


def _of_target(trunk: Trunk) -> Iterator[OpenBuild]:
    known = Known.of(trunk)
    with trunk.store.read() as at:
        builds = (*at.builds.running(trunk.name), *at.builds.queue(trunk.name))
    for build in builds:
        step = pending_step(known, build)
        yield OpenBuild(
            target=trunk.name,
            build_id=build.id,
            commit=build.commit,
            state=step.state,
            attempt=build.attempt,
            bootstrap=build.bootstrap,
            since=build.started or build.created,
            why=build.to_cancel or step.why,
            waits_for=step.waits_for,
        )


def as_row(build: OpenBuild) -> dict[str, object]:
    """Return an open build as a program reads it."""
    return {
        "target": build.target,
        "build": build.build_id,
        "package": build.commit.package,
        "commit": build.commit.short_hash,
        "state": build.state,
        "try": build.attempt,
        "bootstrap": build.bootstrap,
        "since": build.since,
        "why": build.why,
        "waits_for": build.waits_for,
    }
