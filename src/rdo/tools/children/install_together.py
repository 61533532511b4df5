"""Tell which pairs of packages a host may have at once (a program of its own, behind walls).

`rdo.checks.together` knows question and answer, both JSON.
"""

import sys
from typing import Any

import solv

from rdo.tools.children.check_installable import load
from rdo.tools.children.shut_in import answer, asked, shut_in
from rdo.tools.children.solve import open_all


def fits(pool: Any, known: dict[tuple[str, str], Any], pair: list[list[str]]) -> bool:
    """Whether both packages of a pair can be installed; one that is not there fits nothing."""
    both = [known.get((repository, nevra)) for repository, nevra in pair]
    if not all(both):
        return False
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    flags = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE
    return not solver.solve([pool.Job(flags, one.id) for one in both if one])


def main() -> int:
    question, walls = asked()
    repositories = open_all(question["repositories"])
    is_plain = all(one.is_plain for one in repositories)
    if not is_plain:
        import createrepo_c  # noqa: F401 - slow to load, and later we cannot

    files = [file for one in repositories for file in one.files.values()]
    shut_in(walls, files, 0 if is_plain else 2 << 30)
    pool = load(repositories, question["arch"], with_files=True)
    known = {(repo.name, str(one)): one for repo in pool.repos for one in repo.solvables}
    answer({"together": [fits(pool, known, pair) for pair in question["pairs"]]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
