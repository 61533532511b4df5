"""Find the fewest packages to hold back so that all others of a repository can be installed.

A program of its own. Some packages are there twice, at their newer and their older build. What RPMs
require becomes clauses over these choices; the fewest packages are chosen (`fewest_held.py`);
libsolv tries to install all of that choice. Each RPM that it cannot install adds a clause: the
choices that alone prevent it. `rdo.solver` defines question and answer, both JSON.
"""

import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import solv

from rdo.tools.children.shut_in import answer, asked
from rdo.tools.children.solving.check_installable import hidden, load, reasons, suspects
from rdo.tools.children.solving.fewest_held import BestChoice, HoldBackSearch
from rdo.tools.children.solving.solve import Opened, open_all, shut_in_with

_MOST_LEARNED = 50
"""How many RPMs of one attempt are explained; the next attempt shows whether others are left."""


@dataclass(slots=True)
class Choices:
    """The RPMs of a pool by the choice that brings them: `7`, `-7`, or 0 for those always there.

    RPMs that are not the target's own, such as those of the base system, are not included.
    """

    pool: Any
    literals: Mapping[int, int]
    hidden: frozenset[int]

    def show(self, held: Collection[int], free: Collection[int] = ()) -> None:
        """Let libsolv see only one choice; of the packages in `free` it sees both builds."""
        unseen = [
            one
            for one, literal in self.literals.items()
            if literal and abs(literal) not in free and (literal < 0) != (abs(literal) in held)
        ]
        self.pool.set_disabled_list([*self.hidden, *unseen])

    def chosen(self, held: Collection[int]) -> list[Any]:
        """Return the binary RPMs of one choice."""
        return [
            solvable
            for one, literal in self.literals.items()
            if (literal < 0) == (abs(literal) in held)
            and (solvable := self.pool.id2solvable(one)).arch not in {"src", "nosrc"}
        ]


def choices(pool: Any, question: Mapping[str, Any], unseen: frozenset[int]) -> Choices:
    """Return the choice that brings each RPM of the newer and the older repositories."""
    literals: dict[int, int] = {}
    for repo in pool.repos:
        for side, sign in (("newer", 1), ("older", -1)):
            if repo.name not in question[side]:
                continue
            owners = question["owners"][side]
            for one in repo.solvables:
                if one.id not in unseen:
                    literals[one.id] = sign * owners.get(str(one), 0)
    return Choices(pool, literals, unseen)


def requirements(found: Choices) -> Iterator[list[int]]:
    """Yield a clause for each requirement of an RPM that only some choices meet.

    Rich dependencies are left to libsolv, and so are the requirements of the base system's own
    packages.
    """
    met: dict[int, frozenset[int] | None] = {}
    for id_, literal in found.literals.items():
        one = found.pool.id2solvable(id_)
        if one.arch in {"src", "nosrc"}:
            continue
        for dependency in one.lookup_deparray(solv.SOLVABLE_REQUIRES):
            if dependency.id not in met:
                met[dependency.id] = _met_by(found, dependency)
            if (by := met[dependency.id]) is not None:
                yield [-literal, *by] if literal else [*by]


def _met_by(found: Choices, dependency: Any) -> frozenset[int] | None:
    """Return the choices that meet a requirement; None if it is always met, or not decided here."""
    text = dependency.str()
    if text.startswith(("rpmlib(", "(")):
        return None
    literals: set[int] = set()
    for one in found.pool.whatprovides(dependency):
        if not one:
            continue
        literal = found.literals.get(one.id, 0)
        if not literal:
            return None
        literals.add(literal)
    return frozenset(literals)


def needs_files(found: Choices) -> bool:
    """Whether a file is required that only the long lists of files contain."""
    seen: set[int] = set()
    for id_ in found.literals:
        needs = found.pool.id2solvable(id_).lookup_deparray(solv.SOLVABLE_REQUIRES)
        for dependency in needs:
            if dependency.id in seen:
                continue
            seen.add(dependency.id)
            is_file = dependency.str().startswith("/")
            if is_file and not any(found.pool.whatprovides(dependency)):
                return True
    return False


def learn(found: Choices, held: frozenset[int], failing: Any, deadline: float) -> list[int]:
    """Return the clause that says why an RPM of a choice cannot be installed.

    Both builds of a package are shown if its choice may not matter: if the RPM still fails, no
    other choice for that package can help.
    """
    everything = {abs(literal) for literal in found.literals.values() if literal}
    found.show(held)
    core = _involved(found, failing)
    if not _fails(found, held, failing, everything - core):
        core = set(everything)
    size = max(len(core) // 2, 1)
    while time.monotonic() < deadline:
        for part in _parts(sorted(core), size):
            smaller = core - part
            if _fails(found, held, failing, everything - smaller):
                core = smaller
        if size == 1:
            break
        size //= 2
    return [one if one in held else -one for one in core]


def _parts(members: list[int], size: int) -> list[set[int]]:
    return [set(members[start : start + size]) for start in range(0, len(members), size)]


def _fails(found: Choices, held: frozenset[int], failing: Any, free: set[int]) -> bool:
    found.show(held, free)
    return bool(reasons(found.pool, failing))


def _involved(found: Choices, failing: Any) -> set[int]:
    """Return the packages that libsolv mentions, and those whose other build might help."""
    ids = {failing.id}
    for one in reasons(found.pool, failing):
        ids |= {one.solvable, *one.others}
    return {abs(found.literals.get(one, 0)) for one in ids} - {0}


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """The last choice, and whether libsolv can install all of it."""

    choice: BestChoice
    is_whole: bool


def search(found: Choices, clauses: HoldBackSearch, deadline: float) -> LastAttempt:
    """Choose, try, learn, and choose again, until everything in a choice can be installed."""
    while True:
        now = time.monotonic()
        choice = clauses.choose(now + (deadline - now) / 2)
        if choice.held is None:
            return LastAttempt(choice, is_whole=False)
        found.show(choice.held)
        left_out = suspects(found.pool, found.chosen(choice.held))
        failing = [one for one in left_out if reasons(found.pool, one)]
        if not failing:
            return LastAttempt(choice, is_whole=True)
        is_new = False
        for one in failing[:_MOST_LEARNED]:
            if time.monotonic() < deadline:
                is_new |= clauses.add(learn(found, choice.held, one, deadline))
        if not is_new:
            return LastAttempt(choice, is_whole=False)


def opened_pool(repositories: list[Opened], question: Mapping[str, Any]) -> Choices:
    """Load the repositories, with their lists of files only if they are needed."""
    for with_files in (False, True):
        pool = load(repositories, question["arch"], with_files=with_files)
        found = choices(pool, question, hidden(pool, repositories))
        if with_files or not needs_files(found):
            break
    return found


def main() -> int:
    """Answer the question on stdin: which packages must be held back."""
    question, walls = asked()
    started = time.monotonic()
    repositories = open_all(question["repositories"])
    shut_in_with(walls, repositories)
    found = opened_pool(repositories, question)
    clauses = HoldBackSearch()
    for clause in (*question["clauses"], *requirements(found)):
        clauses.add(clause)
    done = search(found, clauses, started + question["seconds"])
    held = sorted(done.choice.held) if done.choice.held is not None and done.is_whole else None
    answer(
        {
            "held": held,
            "at_least": done.choice.at_least,
            "proven": done.choice.is_proven and (done.is_whole or done.choice.held is None),
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
