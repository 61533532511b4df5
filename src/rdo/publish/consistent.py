"""Which repository is consistent, computed from the state and from nothing else."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rdo.model.build import Failed
from rdo.model.package import Package
from rdo.store.packages import PackageState


@dataclass(frozen=True, slots=True)
class Blocker:
    """A package that keeps `consistent` where it is; `since` is None if it never was good."""

    package: str
    reason: str
    since: datetime | None = None
    build_id: int | None = None


def set_digest(build_ids: Iterable[int]) -> str:
    """The name of a set of builds: the same for every repository that holds just these."""
    text = ",".join(map(str, sorted(set(build_ids))))
    return hashlib.sha256(text.encode()).hexdigest()


def good_builds(members: Sequence[Package], states: Mapping[str, PackageState]) -> set[int]:
    """The newest good build of each member that has one."""
    found = (states.get(member.name) for member in members)
    return {state.good.id for state in found if state and state.good}


def blockers(
    members: Sequence[Package],
    held: frozenset[str],
    states: Mapping[str, PackageState],
    *,
    is_first: bool,
) -> tuple[Blocker, ...]:
    """What keeps the members' newest builds from being consistent, in the members' order.

    Before the first consistent repository (`is_first`) every member must have been built once;
    afterwards a newcomer counts from its first good build on. A held package never counts.
    """
    judged = (
        _blocker(member.name, states.get(member.name), is_first)
        for member in members
        if member.name not in held
    )
    return tuple(blocker for blocker in judged if blocker)


def _blocker(package: str, state: PackageState | None, is_first: bool) -> Blocker | None:
    if state is None or state.newest is None:
        return Blocker(package, "was never built") if is_first else None
    if state.good is None and not is_first and state.is_ftbfs:
        return None
    if isinstance(state.newest.outcome, Failed):
        reason = f"fails to build: {state.newest.outcome.reason}"
        return Blocker(package, reason, state.broken_since, state.newest.id)
    if state.good != state.newest:
        reason = "is built and not yet published"
        return Blocker(package, reason, state.newest.finished, state.newest.id)
    return None
