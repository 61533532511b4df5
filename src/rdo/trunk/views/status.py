"""Where the packages of a target stand, and what keeps `consistent` from moving."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from rdo.errors import NotFoundError
from rdo.model.build import Failed, Waiting
from rdo.model.package import Package
from rdo.publish.consistent import Blocker
from rdo.store import Store, Transaction
from rdo.store.builds import Build, BuildState
from rdo.store.heads import Head
from rdo.store.packages import PackageState
from rdo.trunk.context import Trunk
from rdo.trunk.order.providers import Providers

LOG = "rpmbuild.log"


class Condition(StrEnum):
    """What is to be said first about a package."""

    BUILT = "built"
    FAILED = "FTBFS"
    RUNNING = "running"
    QUEUED = "queued"
    WAITING = "waiting"
    NEVER_BUILT = "never built"


@dataclass(frozen=True, slots=True)
class PackageStatus:
    """One package. `since` is when its condition began; `waiting_for` names packages or needs.

    `stale` says why its upstream or distgit cannot be followed now, `skip_tests` why its tests
    are not run, `held` by whom, since when and why it stays at a build.
    """

    package: str
    component: str | None
    condition: Condition
    since: datetime | None = None
    commit: str = ""
    build_id: int | None = None
    detail: str = ""
    waiting_for: tuple[str, ...] = ()
    stale: str = ""
    stale_since: datetime | None = None
    skip_tests: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target: where its names lead (relative to the tree), its packages, and its blockers.

    `paused` is by whom, since when and why nothing is built; empty: it is not paused.
    """

    target: str
    names: dict[str, str]
    packages: tuple[PackageStatus, ...]
    blocked: tuple[Blocker, ...]
    paused: str = ""


def status(trunk: Trunk) -> TargetStatus:
    """How a target stands; asks no remote and changes nothing."""
    target = trunk.name
    with trunk.store.read() as at:
        states = {state.package: state for state in at.packages.states(target)}
        open_builds = (*at.builds.running(target), *at.builds.queue(target))
        heads = at.heads.all(target)
        provides = at.artifacts.provides(target)
        holds = {name: f"by {one.by} since {one.since:%F %R}: {one.why}"
                 for name, one in at.holds.all(target).items()}  # fmt: skip
        pause = at.holds.pause_of(target)
        names = {
            f"component/{component}/{name}" if component else name: repository.path
            for name in ("current", "consistent")
            for component, repository in at.names.components(target, name).items()
        }
    providers = Providers(trunk.packages.values(), provides)
    pending = {build.package: build for build in reversed(open_builds)}  # the first one counts
    packages = tuple(
        replace(
            _package_status(
                package, states.get(name), pending.get(name), heads.get(name), providers
            ),
            held=holds.get(name, ""),
        )
        for name, package in trunk.packages.items()
    )
    blockers = trunk.tree.blockers(trunk.members_now())
    blocked = tuple(blocker for of_component in blockers.values() for blocker in of_component)
    paused = f"by {pause.by} since {pause.since:%F %R}: {pause.why}" if pause else ""
    return TargetStatus(target, names, packages, blocked, paused)


def _package_status(
    package: Package,
    state: PackageState | None,
    pending: Build | None,
    head: Head | None,
    providers: Providers,
) -> PackageStatus:
    build = pending or (state.newest if state else None)
    waiting = build.outcome.needs if build and isinstance(build.outcome, Waiting) else ()
    return PackageStatus(
        package=package.name,
        component=package.component,
        condition=_condition(build),
        since=_since(build, state),
        commit=build.commit.short_hash if build else "",
        build_id=build.id if build else None,
        detail=_detail(state),
        waiting_for=tuple(_awaited(waiting, providers)),
        stale=head.error if head else "",
        stale_since=head.error_since if head else None,
        skip_tests=package.skip_tests,
    )


def _condition(build: Build | None) -> Condition:
    if build is None:
        return Condition.NEVER_BUILT
    if build.is_running:
        return Condition.RUNNING
    if build.state is BuildState.QUEUED:
        return Condition.WAITING if isinstance(build.outcome, Waiting) else Condition.QUEUED
    return Condition.FAILED if isinstance(build.outcome, Failed) else Condition.BUILT


def _since(build: Build | None, state: PackageState | None) -> datetime | None:
    if build is None:
        return None
    if build.state is not BuildState.DONE:
        return build.started or build.created
    if state and isinstance(build.outcome, Failed):
        return state.broken_since
    return build.finished


def _detail(state: PackageState | None) -> str:
    match state.newest.outcome if state and state.newest else None:
        case Failed(reason, detail):
            return f"{reason}: {detail}"
    return ""


def _awaited(needs: Iterable[str], providers: Providers) -> list[str]:
    found = {name for need in needs for name in providers.of(need) or {need}}
    return sorted(found)


def find_build(store: Store, targets: Iterable[str], text: str) -> Build:
    """The build that `text` means: its number, its package, or how its upstream hash begins.

    Of several builds of a package or commit it is the newest; the first target that has one
    counts.
    """
    with store.read() as at:
        for target in targets:
            if text.isdecimal():
                try:
                    found: Build | None = at.builds.get(int(text))
                except NotFoundError:  # it may still be the beginning of a hash
                    found = None
                if found and found.target == target:
                    return found
            if found := _newest_tried(at, target, text):
                return found
            if re.fullmatch(r"[0-9a-f]{4,40}", text):
                for build in at.builds.with_prefix(target, text, limit=1):
                    return build
    raise NotFoundError(
        f"no build is called {text}",
        hint="give a build's number, a package, or the first digits of an upstream hash",
    )


def _newest_tried(at: Transaction, target: str, package: str) -> Build | None:
    """The package's newest build; one that was dropped from the queue tells nothing."""
    history = at.builds.history(target, package, limit=50)
    return next((build for build in history if not build.dropped), None)


def log_file(target_folder: Path, build: Build) -> Path:
    """The log of a build that has begun; `target_folder` is `data/<target>`."""
    file = target_folder / "builds" / str(build.id) / LOG
    if not file.is_file():
        is_gone = build.state is BuildState.DONE and not file.parent.is_dir()
        state = "its folder was cleaned up" if is_gone else f"it is {build.state}"
        raise NotFoundError(f"build {build.id} of {build.commit} has no log; {state}")
    return file
