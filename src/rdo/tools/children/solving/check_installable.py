"""Find the packages of repositories that cannot be installed, with reasons (a program of its own).

A package may lack a provider, somewhere in what it requires. This is followed here, because libsolv
takes seconds for it if many packages depend on what is missing. Or its requirements conflict. To
find these, all other packages are requested at once, weakly, and only those that libsolv leaves out
are solved alone. `rdo.solver` defines question and answer, both JSON.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import solv

from rdo.tools.children.shut_in import answer, asked
from rdo.tools.children.solving.solve import (
    KINDS,
    Opened,
    is_conditional,
    open_all,
    parse,
    read,
    requirements,
    shut_in_with,
    want,
)

MOST_SENTENCES = 30


def load(repositories: list[Opened], arch: str, *, with_files: bool) -> Any:
    """Return a pool with the repositories; reading their lists of files is slow."""
    pool = solv.Pool()
    pool.setarch(arch)
    for number, one in enumerate(repositories):
        repo = pool.add_repo(one.row["name"])
        repo.priority = -one.row["priority"]  # in libsolv, a higher number is better
        repo.appdata = number
        for file in one.files.values():  # they may have been read before
            os.lseek(file, 0, os.SEEK_SET)
        read(repo, one, KINDS if with_files else KINDS[:1])
        if one.row["installed"]:
            pool.installed = repo
    pool.set_disabled_list(sorted(hidden(pool, repositories)))
    pool.addfileprovides()
    pool.createwhatprovides()
    return pool


def hidden(pool: Any, repositories: list[Opened]) -> frozenset[int]:
    """Return the packages of a pool that may not be chosen."""
    return frozenset(
        each.id
        for repo in pool.repos
        if (visible := repositories[repo.appdata].visible) is not None
        for each in repo.solvables
        if str(each) not in visible
    )


def suspects(pool: Any, asked_for: list[Any]) -> list[Any]:
    """Return the packages that cannot be installed together with as many others as possible."""
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    flags = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE | solv.Job.SOLVER_WEAK
    if solver.solve([pool.Job(flags, one.id) for one in asked_for]):
        return asked_for  # weak jobs cause no problem, so the installed packages have one
    chosen = {one.id for one in solver.transaction().newsolvables()}
    return [one for one in asked_for if one.id not in chosen]


@dataclass(frozen=True, slots=True)
class MissingNeed:
    """Why a package cannot be installed: a requirement, and a provider that is broken as well.

    If there is no provider in it, nothing provides the requirement.
    """

    need: str
    provider: int = 0


def needs_of(pool: Any, starts: list[Any]) -> dict[int, list[tuple[str, list[int]]]]:
    """Return the requirements of packages with their providers, and those of the providers too."""
    found: dict[int, list[tuple[str, list[int]]]] = {}
    left = list(starts)
    while left:
        one = left.pop()
        if one.id in found or one.isinstalled():
            continue
        rows = found[one.id] = []
        for text in requirements(one):
            if is_conditional(text):
                continue  # the solver decides
            providers = [each for each in pool.whatprovides(parse(pool, text)) if each]
            rows.append((text, [each.id for each in providers]))
            left += providers
    return found


def lacks(needs: dict[int, list[tuple[str, list[int]]]]) -> dict[int, MissingNeed]:
    """Return each package that has a requirement without an installable provider.

    The nearest reason is found first, so that chains are short.
    """
    found: dict[int, MissingNeed] = {}
    users: dict[int, list[tuple[int, str]]] = {}
    remaining: dict[tuple[int, str], int] = {}
    ready: deque[int] = deque()
    for one, rows in needs.items():
        for text, providers in rows:
            remaining[one, text] = len(set(providers))
            for provider in set(providers):
                users.setdefault(provider, []).append((one, text))
            if not providers and one not in found:
                found[one] = MissingNeed(text)
                ready.append(one)
    while ready:
        broken = ready.popleft()
        for user, text in users.get(broken, []):
            remaining[user, text] -= 1
            if remaining[user, text] == 0 and user not in found:
                found[user] = MissingNeed(text, broken)
                ready.append(user)
    return found


def described(
    pool: Any,
    ids: Sequence[int],
    found: dict[int, MissingNeed],
    label: Callable[[Any], str] = str,
) -> list[dict[str, Any]]:
    """Return packages that lack something, with the chains that lead to what is missing.

    `label` returns the name of a package in a chain.
    """
    names = {one: label(pool.id2solvable(one)) for one in found}
    rows = []
    for one in ids:
        at, sentences = one, list[str]()
        while provider := found[at].provider:
            need = found[at].need
            if len(sentences) < MOST_SENTENCES - 1:
                sentences.append(
                    f"{names[at]} requires {need}, but none of its providers can be installed"
                )
            at = provider
        need, last = found[at].need, pool.id2solvable(at)
        sentences.append(f"nothing provides {need}, which {names[at]} requires")
        rows.append(
            {
                **package_row(pool.id2solvable(one)),
                "chain": sentences,
                "missing": [{"need": need, "by": str(last), "last": package_row(last)}],
            }
        )
    return rows


def package_row(one: Any) -> dict[str, Any]:
    """Return a package in the form of the answer, with the repository that has it."""
    return {"name": one.name, "nevra": str(one), "repository": one.repo.name}


@dataclass(frozen=True, slots=True)
class Reason:
    """One of libsolv's reasons: a package, the text, and the packages that it mentions."""

    solvable: int
    sentence: str
    others: frozenset[int]


def reasons(pool: Any, one: Any) -> list[Reason]:
    """Return libsolv's reasons why a package cannot be installed alone; none if it can.

    They are copied while the solver lives, because libsolv's own values point into it.
    """
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    job = pool.Job(solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE, one.id)
    found = []
    for problem in solver.solve([job]):
        for rule in problem.findallproblemrules():
            found += [reason(pool, info) for info in rule.allinfos() if info.solvable]
    return list(dict.fromkeys(found))


def reason(pool: Any, info: Any) -> Reason:
    dep, other = info.dep, info.othersolvable
    others = {each.id for each in pool.whatprovides(dep) if each} if dep is not None else set()
    others |= {other.id} if other else set()
    return Reason(info.solvable.id, info.problemstr(), frozenset(others))


def in_order(first: Any, found: list[Reason]) -> list[Reason]:
    """Sort reasons into a chain: from the requested package to what it fails on."""
    left, ordered, known = list(found), [], {first.id}
    while left:
        following = next((one for one in left if one.solvable in known), left[0])
        left.remove(following)
        ordered.append(following)
        known |= following.others
    return ordered


def conflict_of(pool: Any, one: Any) -> dict[str, Any] | None:
    """Return a package whose requirements conflict; None if it can be installed."""
    if not (found := reasons(pool, one)):
        return None
    sentences = dict.fromkeys(each.sentence for each in in_order(one, found))
    chain = list(sentences)[:MOST_SENTENCES]
    return {**package_row(one), "chain": chain, "missing": []}


def binaries(pool: Any, names: set[str]) -> list[Any]:
    """Return the binary packages of the repositories with these names that may be chosen."""
    return [
        one
        for repo in pool.repos
        if repo.name in names
        for one in repo.solvables
        if one.installable()  # not a source package, not hidden, not of another architecture
    ]


def check(
    pool: Any,
    names: set[str],
    label: Callable[[Any], str] = str,
    known: dict[int, MissingNeed] | None = None,
) -> list[dict[str, Any]]:
    """Return every binary package of the repositories with these names that cannot be installed.

    `known` are those that lack something, if they were searched for already.
    """
    asked_for = binaries(pool, names)
    lacking = lacks(needs_of(pool, asked_for)) if known is None else known
    left_out = suspects(pool, [one for one in asked_for if one.id not in lacking])
    found = described(pool, [one.id for one in asked_for if one.id in lacking], lacking, label)
    found += [row for one in left_out if (row := conflict_of(pool, one))]
    return sorted(found, key=lambda row: str(row["nevra"]))


def was_provided(found: list[dict[str, Any]], older: list[Opened], arch: str) -> None:
    """Add to each missing requirement the package of an older repository that provided it."""
    missing = [lack for row in found for lack in row["missing"]]
    needs = sorted({lack["need"] for lack in missing})
    before = load(older, arch, with_files=any(need.startswith("/") for need in needs))
    want(before, needs)
    gone = {need: before.whatprovides(parse(before, need)) for need in needs}
    for lack in missing:
        lack["was"] = next((str(one) for one in gone[lack["need"]] if one), "")


def main() -> int:
    question, walls = asked()
    repositories, older = open_all(question["repositories"]), open_all(question["before"])
    shut_in_with(walls, (*repositories, *older))
    arch, names = question["arch"], set(question["checked"])
    pool = load(repositories, arch, with_files=False)
    found = check(pool, names)
    if any(lack["need"].startswith("/") for row in found for lack in row["missing"]):
        found = check(load(repositories, arch, with_files=True), names)
    was_provided(found, older, arch)
    answer({"uninstallable": found, "checked": len(pool.solvables)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
