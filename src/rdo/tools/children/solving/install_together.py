"""Find out which packages a host can have at once (a program of its own, behind walls).

The question is about pairs, or about as many packages of whole repositories as possible, always
with everything they require.

`rdo.checks.together` defines question and answer, both JSON.
"""

import sys
from typing import Any

import solv

from rdo.tools.children.shut_in import answer, asked
from rdo.tools.children.solving.check_installable import load
from rdo.tools.children.solving.solve import described, open_all, parse, shut_in_with


def fits(pool: Any, known: dict[tuple[str, str], Any], pair: list[list[str]]) -> bool:
    """Whether both packages of a pair can be installed; a missing package never can."""
    both = [known.get((repository, nevra)) for repository, nevra in pair]
    if not all(both):
        return False
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    flags = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE
    return not solver.solve([pool.Job(flags, one.id) for one in both if one])


def most(pool: Any, checked: set[str], names: set[str], also: list[str]) -> dict[str, Any]:
    """Return the packages of a host that has as many as possible of some repositories.

    With `names` only packages with these names. It also has what `also` names, if it exists.
    """
    asked_for = [
        one
        for repo in pool.repos
        if repo.name in checked
        for one in repo.solvables
        if one.arch not in {"src", "nosrc"} and (not names or one.name in names)
    ]
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    weak = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_WEAK
    jobs = [pool.Job(weak | solv.Job.SOLVER_SOLVABLE, one.id) for one in asked_for]
    for text in also:
        dependency = parse(pool, text)
        if pool.whatprovides(dependency):
            jobs.append(pool.Job(weak | solv.Job.SOLVER_SOLVABLE_PROVIDES, dependency.id))
    problems = [
        problem.findallproblemrules()[0].info().problemstr() for problem in solver.solve(jobs)
    ]
    if problems:
        return {"problems": problems, "packages": [], "left_out": []}
    chosen = list(solver.transaction().newsolvables())
    ids = {one.id for one in chosen}
    return {
        "problems": [],
        "packages": [described(one) for one in chosen],
        "left_out": [str(one) for one in asked_for if one.id not in ids],
    }


def main() -> int:
    """Answer the question on stdin: which packages can be installed together."""
    question, walls = asked()
    repositories = open_all(question["repositories"])
    shut_in_with(walls, repositories)
    pool = load(repositories, question["arch"], with_files=True)
    if "checked" in question:
        answer(most(pool, set(question["checked"]), set(question["names"]), question["also"]))
        return 0
    known = {(repo.name, str(one)): one for repo in pool.repos for one in repo.solvables}
    answer({"together": [fits(pool, known, pair) for pair in question["pairs"]]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
