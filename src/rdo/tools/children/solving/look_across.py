"""Find how a new state of some repositories affects the others (a program of its own).

Two states of the same set of repositories are loaded. The answer lists what can no longer be
installed in the second state, as `check_installable` does. A requirement that nothing meets in the
first state is left out: either a repository that is not listed here meets it, or it was never met.
`rdo.checks.across` defines question and answer, both JSON.
"""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import solv

from rdo.model.rich_dependency import operands
from rdo.tools.children.shut_in import answer, asked
from rdo.tools.children.solving.check_installable import (
    MissingNeed,
    binaries,
    check,
    lacks,
    load,
    needs_of,
    package_row,
)
from rdo.tools.children.solving.solve import (
    Opened,
    open_all,
    parse,
    requirements,
    shut_in_with,
)

_WORLD = "world"


@dataclass(slots=True)
class World:
    """All repositories in one state, with libsolv's pool of them.

    `needs` are the requirements of the packages in the repositories `checked`, of their providers,
    and so on.
    """

    opened: list[Opened]
    arch: str
    checked: set[str]
    with_files: bool = False
    pool: Any = field(init=False)
    needs: dict[int, list[tuple[str, list[int]]]] = field(init=False)
    lacking: dict[int, MissingNeed] = field(init=False)

    def __post_init__(self) -> None:
        self.pool = load(self.opened, self.arch, with_files=self.with_files)
        self.needs = needs_of(self.pool, binaries(self.pool, self.checked))

    def unmet(self) -> tuple[str, ...]:
        """Return the requirements that no repository provides."""
        texts = {text for one in self._required() for text in requirements(one)}
        return tuple(sorted(text for text in texts if self._is_unmet(text)))

    def _is_unmet(self, text: str) -> bool:
        """Whether something is missing for a requirement, whatever its conditions are."""
        operator, parts = operands(text)
        match operator:
            case "and":
                return any(map(self._is_unmet, parts))
            case "or":
                return all(map(self._is_unmet, parts))
            case "if" | "unless":
                return any(self._is_unmet(one) for one in (parts[0], *parts[2:]))
        return not any(self.pool.whatprovides(parse(self.pool, text)))

    def look_up(self, capabilities: Iterable[str], assumed: Collection[str]) -> None:
        """Prepare for questions about capabilities; assumed ones count as met from now on.

        libsolv looks up files only if some package's dependency names them.
        """
        repo = self.pool.add_repo(_WORLD)
        repo.appdata = len(self.opened)
        self.opened = [*self.opened, Opened({"name": _WORLD, "side": ""})]
        package = repo.add_solvable()
        package.name, package.evr, package.arch = _WORLD, "1", "noarch"
        for text in capabilities:
            package.add_deparray(solv.SOLVABLE_REQUIRES, parse(self.pool, text))
        self.pool.addfileprovides()
        self.pool.createwhatprovides()
        self._drop(frozenset(assumed))
        self.lacking = lacks(self.needs)

    def _drop(self, assumed: Collection[str]) -> None:
        """Remove requirements from all packages."""
        for one in self._required():
            texts = requirements(one)
            left = [text for text in texts if text not in assumed]
            if len(left) < len(texts):
                one.unset(solv.SOLVABLE_REQUIRES)
                for text in left:
                    one.add_deparray(solv.SOLVABLE_REQUIRES, parse(self.pool, text))
        self.needs = {
            one: [(text, givers) for text, givers in rows if text not in assumed]
            for one, rows in self.needs.items()
        }

    def _required(self) -> list[Any]:
        return [self.pool.id2solvable(one) for one in self.needs]

    def label(self, one: Any) -> str:
        """Return the name of a package in a chain, with its side."""
        side = self.opened[one.repo.appdata].row["side"]
        return f"{side}: {one}" if side else str(one)

    def side(self, one: Any) -> str:
        """Return the side that has a package; empty for assumed ones."""
        return str(self.opened[one.repo.appdata].row["side"])

    def broken(self) -> list[dict[str, Any]]:
        """Return the packages of the checked repositories that cannot be installed."""
        return check(self.pool, self.checked, self.label, self.lacking)

    def providers(self, text: str) -> list[dict[str, Any]]:
        """Return the packages that provide a capability and are installable."""
        return [
            package_row(one)
            for one in self.pool.whatprovides(parse(self.pool, text))
            if one
            and self.side(one)
            and one.arch not in {"src", "nosrc"}
            and one.id not in self.lacking
        ]

    def packages(self) -> list[Any]:
        """Return the binary packages of all sides that may be chosen."""
        names = {one.row["name"] for one in self.opened if one.row["side"]}
        return binaries(self.pool, names)


def uses(world: World, givers: Collection[str]) -> list[dict[str, Any]]:
    """Return what packages of the checked repositories require from the sides `givers`.

    That is what no package of their own side provides, and a package of such a side provides first.
    """
    found = []
    for one in binaries(world.pool, world.checked):
        for text, ids in world.needs.get(one.id, []):
            providers = [world.pool.id2solvable(number) for number in ids]
            sides = {world.side(each) for each in providers}
            if not sides & set(givers) or world.side(one) in sides:
                continue
            best = max(providers, key=lambda each: each.repo.priority)
            if world.side(best) in givers:
                found.append({"need": text, "by": package_row(one), "of": package_row(best)})
    return found


def replaced(world: World) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return which package of one side replaces one of another side.

    It has the same name, and dnf prefers it by the priority of its repository or else by its
    version, or it obsoletes the other.
    """
    newest: dict[tuple[str, str], Any] = {}
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    packages = world.packages()
    for one in packages:
        best = newest.setdefault((one.name, world.side(one)), one)
        if _goes_before(one, best):
            newest[one.name, world.side(one)] = one
    by_name: dict[str, list[Any]] = {}
    for (name, _), one in newest.items():
        by_name.setdefault(name, []).append(one)
    for same in by_name.values():
        first = same[0]
        for one in same[1:]:
            first = one if _goes_before(one, first) else first
        for other in same:
            by_priority = first.repo.priority != other.repo.priority
            if other.id != first.id and (by_priority or first.evrcmp(other)):
                _add(found, world, "priority" if by_priority else "version", first, other)
    for one in packages:
        for obsolete in one.lookup_deparray(solv.SOLVABLE_OBSOLETES):
            for other in world.pool.Job(solv.Job.SOLVER_SOLVABLE_NAME, obsolete.id).solvables():
                if world.side(other) not in {"", world.side(one)}:
                    _add(found, world, "obsoletes", one, other)
    return found


def _goes_before(one: Any, other: Any) -> bool:
    by_priority = one.repo.priority - other.repo.priority
    return bool((by_priority or one.evrcmp(other)) > 0)


def _add(
    found: dict[tuple[str, ...], dict[str, Any]], world: World, how: str, one: Any, other: Any
) -> None:
    key = (how, world.side(one), one.name, world.side(other), other.name)
    found.setdefault(key, {"how": how, "by": package_row(one), "what": package_row(other)})


def look(question: Mapping[str, Any], now: list[Opened], then: list[Opened]) -> dict[str, Any]:
    """Return the answer; without repositories in `now`, there is only one state to examine."""
    names, wanted = set(question["checked"]), question["capabilities"]

    def world(opened: list[Opened], *, with_files: bool = False) -> World:
        return World(opened, question["arch"], names, with_files)

    before = world(now or then)
    if _has_path((*before.unmet(), *wanted)):
        before = world(now or then, with_files=True)
    assumed = before.unmet() if now or question["assumes"] else ()
    before.look_up(wanted, assumed)
    if not now:
        used = {"uses": uses(before, question["givers"])}
        return used | _answer(before, None, before.broken(), wanted, assumed)
    after = world(then, with_files=before.with_files)
    after.look_up(wanted, assumed)
    found = after.broken()
    if not after.with_files and _has_path(lack["need"] for row in found for lack in row["missing"]):
        after = world(then, with_files=True)
        after.look_up(wanted, assumed)
        found = after.broken()
    sides = {one["name"]: one["side"] for one in (*question["before"], *question["repositories"])}
    known = {(sides[row["repository"]], row["nevra"]) for row in before.broken()}
    for row in found:  # the same package may be in another repository of its side
        row["is_new"] = (sides[row["repository"]], row["nevra"]) not in known
    used = {"uses": uses(after, question["givers"])}
    return used | _answer(after, before, found, wanted, assumed)


def _has_path(needs: Iterable[str]) -> bool:
    return any(need.startswith("/") for need in needs)


def _answer(
    after: World,
    before: World | None,
    broken: list[dict[str, Any]],
    wanted: list[str],
    assumed: Sequence[str],
) -> dict[str, Any]:
    known = replaced(before) if before else {}
    for lack in (lack for row in broken for lack in row["missing"]):
        lack["was"] = _was(before, lack["need"]) if before else None
    return {
        "broken": [{"is_new": True, **row} for row in broken],
        "assumed": list(assumed),
        "offers": {
            text: {
                "before": before.providers(text) if before else None,
                "after": after.providers(text),
            }
            for text in wanted
        },
        "replaced": [
            {**row, "is_new": before is not None and key not in known}
            for key, row in replaced(after).items()
        ],
    }


def _was(before: World, need: str) -> dict[str, Any] | None:
    """Return the package that provided the missing requirement before."""
    providers = before.pool.whatprovides(parse(before.pool, need))
    found = (one for one in providers if one and before.side(one))
    return next((package_row(one) for one in found), None)


def main() -> int:
    question, walls = asked()
    now, then = open_all(question["before"]), open_all(question["repositories"])
    shut_in_with(walls, (*now, *then))
    answer(look(question, now, then))
    return 0


if __name__ == "__main__":
    sys.exit(main())
