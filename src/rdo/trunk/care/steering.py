"""People's commands to a target: recheck, cancel, hold, pause.

Each is one short transaction, possible while a round runs; the round notices it within a second.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.build import Failed
from rdo.store import Transaction
from rdo.store.people.holds import Hold
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.order.retry import rests_until

_WILD = re.compile(r"[*?\[]")
_AGO = re.compile(r"(\d+)\s*(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A build that is now queued; `is_new` is False if it was queued before."""

    build: Build
    is_new: bool


@dataclass(frozen=True, slots=True)
class HoldChange:
    """A hold that was made, and the repositories that names moved to because of it."""

    hold: Hold
    moved: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class HoldEnd:
    """A package whose hold has ended, and the repositories that names moved to."""

    package: str
    moved: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Paused:
    """A target that is paused now."""

    target: str
    paused: bool = True


@dataclass(frozen=True, slots=True)
class Resumed:
    """A target that is not paused now; it may not have been paused before."""

    target: str
    was_paused: bool


def parse_since(text: str, now: datetime) -> datetime:
    """Return the time that a person wrote: a date, a date with a time (UTC), or a span before now.

    Raises ConfigError if it is none of these.

    >>> noon = datetime(2026, 8, 2, 12, tzinfo=UTC)
    >>> f"{parse_since('36h', noon):%F %R}", f"{parse_since('2026-08-01', noon):%F %R}"
    ('2026-08-01 00:00', '2026-08-01 00:00')
    """
    if found := _AGO.fullmatch(text.strip()):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a time",
            hint="write 2026-08-01, '2026-08-01 13:00', 3d, 12h or 30m",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def recheck_failed(
    trunks: Iterable[Trunk], since: str | None = None, *, force: bool = False
) -> list[Rechecked]:
    """Recheck all packages of the targets that fail to build, or that fail since a moment.

    `since` is read by `parse_since`, which may raise ConfigError.
    """
    done: list[Rechecked] = []
    for trunk in trunks:
        moment = parse_since(since, trunk.now()) if since else None
        done += recheck(trunk, all_failed(trunk, moment), force=force)
    return done


def recheck(trunk: Trunk, names: Sequence[str], *, force: bool = False) -> list[Rechecked]:
    """Queue the newest commit of each package once more, with a release date of its own.

    A package that is already queued stays queued, but no longer waits for its next try. Raises
    NotFoundError for a package that the target does not have, and RefusedError for one whose newest
    build was good, unless `force`; then nothing is queued.
    """
    found = [trunk.package(name).name for name in names]
    with trunk.store.write() as at:
        return [_recheck(at, trunk, name, force=force) for name in found]


def all_failed(trunk: Trunk, since: datetime | None = None) -> list[str]:
    """Return the packages of the release whose newest outcome is a failure, since a moment."""
    with trunk.store.read() as at:
        states = at.packages.ftbfs(trunk.name)
        held = at.holds.all(trunk.name)
    return [
        state.package
        for state in states
        if state.package in trunk.packages
        and state.package not in held
        and (since is None or (state.newest and (state.newest.finished or trunk.now()) >= since))
    ]


def _recheck(at: Transaction, trunk: Trunk, name: str, *, force: bool) -> Rechecked:
    target, now = trunk.name, trunk.now()
    running = [build for build in at.builds.running(target) if build.package == name]
    queued = [build for build in at.builds.queue(target) if build.package == name]
    if running or (queued and rests_until(queued[-1], now) <= now):
        return Rechecked((queued or running)[-1], is_new=False)
    commit = at.commits.newest(target, name)
    if commit is None:
        raise NotFoundError(
            f"{name} has no commit in {target} yet", hint=f"rdo trunk run --target {target}"
        )
    if hold := at.holds.all(target).get(name):
        raise RefusedError(_held(hold), hint=f"rdo trunk release {name}")
    last = at.builds.newest(target, name)
    newest = at.packages.state(target, name).newest
    is_good = newest is not None and not isinstance(newest.outcome, Failed)
    if is_good and not force and not queued and not (last and last.dropped):
        raise RefusedError(
            f"{name} of {target} has not failed", hint="pass --force to build it again"
        )
    for build in queued:
        at.builds.drop(build.id, "it is built again", now=now)
    inputs = last.inputs if last and last.commit == commit else ""
    return Rechecked(at.builds.plan(target, commit, now=now, inputs=inputs), is_new=True)


def recheck_row(one: Rechecked) -> dict[str, object]:
    """Return a recheck as JSON data."""
    build = one.build
    return {
        "target": build.target,
        "package": build.package,
        "build": build.id,
        "is_new": one.is_new,
    }


def cancel(
    trunk: Trunk, texts: Sequence[str], *, by: str, why: str, but_head: bool = False
) -> list[Build]:
    """End queued or running builds, given by number, package, or pattern of packages.

    With `but_head` the newest open build of each package stays. Raises NotFoundError, and ends
    none, if one of `texts` matches none.
    """
    names = {text: _pattern(trunk, text) for text in texts}
    with trunk.store.write() as at:
        open_builds = (*at.builds.running(trunk.name), *at.builds.queue(trunk.name))
        found: set[int] = set()
        for text, name in names.items():
            named = {one.id for one in open_builds if _is_named(one, name)}
            if not named:
                raise NotFoundError(
                    f"no queued or running build of {trunk.name} matches {text}",
                    hint="rdo trunk queue lists them",
                )
            found |= named
        if but_head:
            found -= {one.id for one in _heads(open_builds)}
        reason = f"cancelled by {by}" + (f": {why}" if why else "")
        return [at.builds.ask_to_cancel(id_, reason, now=trunk.now()) for id_ in sorted(found)]


def _pattern(trunk: Trunk, text: str) -> str:
    is_package = not text.isdecimal() and not _WILD.search(text)
    return _name_in_queue(trunk, text) if is_package else text


def _is_named(build: Build, name: str) -> bool:
    return name == str(build.id) or fnmatchcase(build.package, name)


def _heads(builds: Iterable[Build]) -> Iterable[Build]:
    """Return the newest build of each package, by its commit."""
    heads: dict[str, Build] = {}
    for build in sorted(builds, key=lambda one: (one.position, one.id)):
        heads[build.package] = build
    return heads.values()


def _name_in_queue(trunk: Trunk, text: str) -> str:
    """Return the package that `text` means; one that has left the release may still be queued."""
    with trunk.store.read() as at:
        queued = {
            one.package for one in (*at.builds.running(trunk.name), *at.builds.queue(trunk.name))
        }
    return text if text in queued else trunk.package(text).name


def is_ending(build: Build) -> bool:
    """Whether a cancelled build is still running, until its round notices."""
    return build.is_running


def cancel_row(build: Build) -> dict[str, object]:
    """Return a cancelled build as JSON data."""
    return {"build": build.id, "package": build.package, "is_ending": is_ending(build)}


def hold(trunk: Trunk, name: str, build_id: int | None, *, by: str, why: str) -> HoldChange:
    """Keep a package at a build: its new commits are not built, and nothing waits for it.

    Without `build_id` it stays at the build that is published now. Raises NotFoundError if the
    target has no such package, or the package has no such published build.
    """
    name = trunk.package(name).name
    moved: tuple[Path, ...] = ()
    with trunk.store.read() as at:
        if build_id is not None and at.builds.to_stay_at(trunk.name, name, build_id) is None:
            raise NotFoundError(
                f"build {build_id} is not a published build of {name} in {trunk.name}",
                hint=f"rdo why {name} shows its last good build",
            )
    with trunk.store.write() as at:
        at.holds.hold(trunk.name, name, build_id, now=trunk.now(), by=by, why=why)
        found = at.holds.all(trunk.name)[name]
    if build_id is not None:
        _, moved = trunk.tree.stay_at(name, build_id, trunk.members_now(), by=by, why=_held(found))
    return HoldChange(found, moved)


def release(trunk: Trunk, name: str, *, by: str) -> HoldEnd:
    """End a hold, so that the package's newest good build is used again.

    Raises NotFoundError if the target has no such package, or it is not held.
    """
    name = trunk.package(name).name
    with trunk.store.write() as at:
        if not at.holds.release(trunk.name, name):
            raise NotFoundError(f"{name} is not held in {trunk.name}")
    why = f"{name} is no longer held"
    return HoldEnd(name, trunk.tree.stay_at(name, None, trunk.members_now(), by=by, why=why)[1])


def pause(trunk: Trunk, *, by: str, why: str) -> Paused:
    """Let rounds poll and build nothing more; running builds are finished and published."""
    with trunk.store.write() as at:
        at.holds.pause(trunk.name, now=trunk.now(), by=by, why=why)
    return Paused(trunk.name)


def resume(trunk: Trunk) -> Resumed:
    """End a pause, if there is one."""
    with trunk.store.write() as at:
        return Resumed(trunk.name, was_paused=at.holds.resume(trunk.name))


def _held(found: Hold) -> str:
    return f"{found.package} is {found}"
