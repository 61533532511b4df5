"""The answer of `rdo trunk status`: the packages of a target, and what blocks `consistent`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.app import App
from rdo.errors import NotFoundError
from rdo.model.build import BUILD_LOG
from rdo.model.text.dates import minute
from rdo.publish.consistent import Blocker
from rdo.store import Store, Transaction
from rdo.store.people.acks import Ack
from rdo.store.people.holds import Hold, Pause
from rdo.store.work.builds import Build, BuildState
from rdo.trunk.context import Trunk
from rdo.trunk.views.state import PackageState, PackageView, TargetView, read_target


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target with where its names point, relative to the tree, and what blocks `consistent`."""

    view: TargetView
    names: Mapping[str, str]
    blocked: tuple[Blocker, ...]


def status(trunk: Trunk) -> TargetStatus:
    """Read the state of a target; no remote is asked and nothing changes."""
    with trunk.store.read() as at:
        names = {
            f"component/{component}/{name}" if component else name: repository.path
            for name in ("current", "consistent")
            for component, repository in at.names.components(trunk.name, name).items()
        }
    blockers = trunk.tree.blockers(trunk.members_now())
    blocked = tuple(blocker for of_component in blockers.values() for blocker in of_component)
    return TargetStatus(read_target(trunk, in_round=trunk.in_round), names, blocked)


def remark(view: PackageView) -> str:
    """Return in one line what a table leaves out about a package; nothing if it has no problem."""
    said = () if view.state is PackageState.BUILT else (view.sentence,)
    return "; ".join((*said, *view.remarks))


def status_row(found: TargetStatus) -> dict[str, object]:
    """Return a target in the JSON format that programs rely on."""
    view = found.view
    return {
        "target": view.target,
        "names": found.names,
        "packages": [_package_row(package) for package in view.packages.values()],
        "blocked": found.blocked,
        "paused": _stopped_by(view.pause),
    }


_CONDITIONS = {
    PackageState.RUNNING: "running",
    PackageState.QUEUED: "queued",
    PackageState.RESTING: "queued",
    PackageState.WAITING: "waiting",
    PackageState.FAILED: "FTBFS",
    PackageState.MISSING: "FTBFS",
    PackageState.CYCLE: "FTBFS",
    PackageState.FAULTY: "faulty metadata",
}
"""The words for states in JSON; any other state is `built` or `never built`."""


def _package_row(view: PackageView) -> dict[str, object]:
    facts = view.facts
    pending, newest, head = facts.pending, facts.newest, facts.head
    since = view.since
    if not pending and not (newest and newest.reason):
        since = newest.finished if newest else None  # not since when it is stale
    return {
        "package": view.package,
        "component": facts.package.component if facts.package else None,
        "condition": _CONDITIONS.get(view.unstopped, "built" if newest else "never built"),
        "since": since,
        "commit": view.commit,
        "build_id": view.build_id,
        "detail": f"{newest.reason}: {newest.detail}" if newest and newest.reason else "",
        "waiting_for": sorted(view.waits_for) if pending else [],
        "stale": head.error if head else "",
        "stale_since": head.error_since if head else None,
        "skip_tests": facts.package.skip_tests if facts.package else "",
        "held": _stopped_by(facts.hold),
        "stands_in": facts.stands_in,
        "ack": ack_row(facts.ack),
    }


def ack_row(ack: Ack | None) -> dict[str, object] | None:
    """Return an ack as JSON data; None if there is none."""
    if ack is None:
        return None
    return {"by": ack.by, "since": ack.since, "why": ack.why, "link": ack.link}


def _stopped_by(stop: Hold | Pause | None) -> str:
    """Return a hold or pause as JSON data; its time is UTC without a suffix."""
    return f"by {stop.by} since {minute(stop.since)}: {stop.why}" if stop else ""


def find_build(store: Store, targets: Iterable[str], text: str) -> Build:
    """Return the build that `text` means: a number, a package, or the start of an upstream hash.

    The newest build of that package or commit in the first target that has one; NotFoundError
    if none has.
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
        f"no build matches {text}",
        hint="pass a build number, a package, or the first digits of an upstream hash",
    )


def find_named_build(app: App, target: str | None, text: str) -> Build:
    """Return the build that `find_build` finds, or the newest of the package that `text` means.

    The package may also be given by a project or an RPM. Raises NotFoundError if there is no such
    build.
    """
    targets = app.settings.chosen_targets(target)
    try:
        return find_build(app.store, targets, text)
    except NotFoundError:
        if text.isdecimal():
            raise
    name = package_name(app, targets, text)
    try:
        return find_build(app.store, targets, name)
    except NotFoundError:
        raise NotFoundError(
            f"{name} has no build yet", hint=f"rdo why {name} says what it waits for"
        ) from None


def package_name(app: App, targets: Sequence[str], text: str) -> str:
    """Return the package that a name, project or RPM means in the first target that knows it.

    Raises NotFoundError if none does.
    """
    unknown = None
    for target in targets:
        try:
            return app.target(target).package(text).name
        except NotFoundError as error:
            unknown = unknown or error
    assert unknown
    raise NotFoundError(
        str(unknown), hint=unknown.hint or "rdo trunk status lists the packages"
    ) from unknown


def newest_builds(store: Store, targets: Iterable[str], limit: int = 200) -> list[str]:
    """Return the numbers of the newest builds that ended, newest first within a target."""
    with store.read() as at:
        return [str(one.id) for name in targets for one in at.reports.newest(name, limit=limit)]


def _newest_tried(at: Transaction, target: str, package: str) -> Build | None:
    """Return the package's newest build, except those that left the queue untried."""
    history = at.builds.history(target, package, limit=50)
    return next((build for build in history if not build.dropped), None)


def log_file(target_folder: Path, build: Build) -> Path:
    """Return the log of a build that has started; `target_folder` is `data/<target>`.

    Raises NotFoundError if there is no log, or no longer one.
    """
    file = target_folder / "builds" / str(build.id) / BUILD_LOG
    if not file.is_file():
        is_gone = build.state is BuildState.DONE and not file.parent.is_dir()
        state = "its folder was removed" if is_gone else f"it is {build.state}"
        raise NotFoundError(f"build {build.id} of {build.commit} has no log: {state}")
    return file
