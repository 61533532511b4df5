"""Choose the fewest packages to hold back so that every clause is true, and prove it.

A package is a number from 1 on: `7` means that it is at its newer build, `-7` that it is held back.
A clause is a set of these, one of which must be true. If a clause is false while all undecided
packages are newer, it is broken: one of its newer packages must be held back.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Clause: TypeAlias = frozenset[int]


@dataclass(frozen=True, slots=True)
class BestChoice:
    """The packages to hold back; at least `at_least` must be held, whichever are chosen.

    `held` is None if no choice makes every clause true, or if none was found in time.
    """

    held: frozenset[int] | None
    at_least: int
    is_proven: bool


@dataclass(slots=True)
class _State:
    """A partial choice: what is held, what stays newer, and the clauses that are broken so far."""

    held: frozenset[int]
    newer: frozenset[int]
    broken: frozenset[Clause]


@dataclass(slots=True)
class HoldBackSearch:
    """The search over a set of clauses, which may grow between two searches."""

    clauses: set[Clause] = field(default_factory=set)
    _users: dict[int, set[Clause]] = field(default_factory=dict)

    def add(self, clause: Iterable[int]) -> bool:
        """Add a clause, unless it is always true; return whether it is a new one."""
        found = frozenset(clause)
        if found in self.clauses or any(-one in found for one in found):
            return False
        self.clauses.add(found)
        for literal in found:
            self._users.setdefault(literal, set()).add(found)
        return True

    def choose(self, deadline: float, clock: Callable[[], float] = time.monotonic) -> BestChoice:
        """Return the smallest choice, or the best one that was found before the deadline."""
        broken = frozenset(one for one in self.clauses if all(word < 0 for word in one))
        start = self._settled(_State(frozenset(), frozenset(), broken))
        if start is None:
            return BestChoice(None, 0, is_proven=True)
        at_least = len(start.held) + _disjoint(start)
        best: frozenset[int] | None = None
        left = [start]
        while left:
            state = left.pop()
            if best is not None and len(state.held) + _disjoint(state) >= len(best):
                continue
            if not state.broken:
                best = state.held
                if len(best) == at_least:
                    break
                continue
            left += self._branches(state)
            if clock() > deadline and left:
                return BestChoice(best, at_least, is_proven=False)
        return BestChoice(best, len(best) if best is not None else 0, is_proven=True)

    def _branches(self, state: _State) -> list[_State]:
        """Return the ways to make the shortest broken clause true, the most promising one last."""
        narrow = min(state.broken, key=lambda one: (len(_open(state, one)), sorted(one)))
        weight = {one: sum(-one in each for each in state.broken) for one in _open(state, narrow)}
        ordered = sorted(weight, key=lambda one: (-weight[one], one))
        found = []
        for place, one in enumerate(ordered):
            newer = state.newer | set(ordered[:place])
            if settled := self._settled(self._with(_State(state.held, newer, state.broken), one)):
                found.append(settled)
        return found[::-1]

    def _with(self, state: _State, one: int) -> _State:
        """Hold one more package back: this satisfies some clauses and breaks others."""
        held = state.held | {one}
        broken = {each for each in state.broken if -one not in each}
        broken |= {each for each in self._users.get(one, ()) if _is_broken(each, held)}
        return _State(held, state.newer, frozenset(broken))

    def _settled(self, state: _State) -> _State | None:
        """Hold back packages without an alternative; None if a clause cannot be made true."""
        while True:
            forced = None
            for clause in state.broken:
                can = _open(state, clause)
                if not can:
                    return None
                if len(can) == 1:
                    forced = can[0]
                    break
            if forced is None:
                return state
            state = self._with(state, forced)


def _is_broken(clause: Clause, held: frozenset[int]) -> bool:
    """Whether a clause is false while everything not held is newer."""
    return all((one in held) if one > 0 else (-one not in held) for one in clause)


def _open(state: _State, clause: Clause) -> list[int]:
    """Return the packages of a broken clause that may still be held back."""
    return [-one for one in clause if one < 0 and -one not in state.newer]


def _disjoint(state: _State) -> int:
    """Return how many more must be held at least: the number of disjoint broken clauses."""
    taken: set[int] = set()
    found = 0
    for clause in sorted(state.broken, key=len):
        can = _open(state, clause)
        if taken.isdisjoint(can):
            taken.update(can)
            found += 1
    return found
