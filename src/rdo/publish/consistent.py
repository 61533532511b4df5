"""Decide which repository is consistent, from the state of the packages alone."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rdo.model.package import Package
from rdo.store.work.packages import Pointers


@dataclass(frozen=True, slots=True)
class Blocker:
    """A package that blocks `consistent`; `since` is None if it was never built."""

    package: str
    reason: str
    since: datetime | None = None
    build_id: int | None = None


def set_digest(build_ids: Iterable[int]) -> str:
    """Return the digest of a set of builds, the same for every repository with exactly these."""
    text = ",".join(map(str, sorted(set(build_ids))))
    return hashlib.sha256(text.encode()).hexdigest()


def good_builds(members: Sequence[Package], states: Mapping[str, Pointers]) -> set[int]:
    """Return the newest good build of each member that has one."""
    found = (states.get(member.name) for member in members)
    return {state.good_id for state in found if state and state.good_id}


def blockers(
    members: Sequence[Package],
    held: frozenset[str],
    states: Mapping[str, Pointers],
    *,
    is_first: bool,
) -> tuple[Blocker, ...]:
    """Return what prevents the members' newest builds from being consistent, in their order.

    Before the first consistent repository (`is_first`) every member must have been built once;
    afterwards a new package blocks only after its first good build. A held package never blocks.
    """
    judged = (
        _blocker(member.name, states.get(member.name), is_first)
        for member in members
        if member.name not in held
    )
    return tuple(blocker for blocker in judged if blocker)


def _blocker(package: str, state: Pointers | None, is_first: bool) -> Blocker | None:
    if state is None or state.newest_id is None:
        return Blocker(package, "was never built") if is_first else None
    if state.failure:
        if state.good_id is None and not is_first:
            return None
        reason = f"fails to build: {state.failure}"
        return Blocker(package, reason, state.broken_since, state.newest_id)
    if state.good_id != state.newest_id:
        reason = "is built and not yet published"
        return Blocker(package, reason, state.newest_finished, state.newest_id)
    return None
