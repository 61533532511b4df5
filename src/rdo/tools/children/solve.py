"""Answer one dependency question with libsolv, or list what is there (a program of its own).

libsolv keeps state per process and can crash on bad input, so every question gets a process.
The question arrives as JSON on stdin, the answer leaves as JSON on stdout; `rdo.solver` knows
both.
"""

import gzip
import json
import lzma
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import createrepo_c
import solv

_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".xml": bytes,
}
PROGRAM = re.compile(r"(/usr)?/s?bin/[^/]+$")
_REPO = "{http://linux.duke.edu/metadata/repo}"


KINDS = (("primary", 0), ("filelists", solv.Repo.REPO_EXTEND_SOLVABLES))


def load(pool: Any, asked: dict[str, Any]) -> None:
    pool.setarch(asked["arch"])
    hidden: list[int] = []
    for row in asked["repositories"]:
        repo = pool.add_repo(row["name"])
        repo.priority = -row["priority"]  # libsolv: the higher the better
        repo.appdata = row["folder"]
        fill(repo, Path(row["folder"]), row["cache"])
        if row["visible"]:
            visible = set(Path(row["visible"]).read_text().splitlines())
            hidden += [one.id for one in repo.solvables if str(one) not in visible]
        if row["installed"]:
            pool.installed = repo
    pool.set_disabled_list(hidden)


def fill(repo: Any, folder: Path, cache: str) -> None:
    """Read a repository's metadata, or libsolv's cached form of it, which the first use writes."""
    if cache and Path(cache).exists():
        file = solv.xfopen(cache)
        done = repo.add_solv(file)
        file.close()
        if done:
            return
        repo.empty(True)  # another version of libsolv wrote it
    read(repo, folder, KINDS)
    if cache:
        new = f"{cache}.{os.getpid()}"
        file = solv.xfopen(new, "w")
        done = repo.write(file)
        file.close()
        if done:
            Path(new).replace(cache)


def read(repo: Any, folder: Path, kinds: Sequence[tuple[str, int]]) -> None:
    for kind, flags in kinds:
        if path := _metadata(folder, kind):
            file = _memory_file(path)
            repo.add_rpmmd(file, None, flags)
            file.close()


def provided(pool: Any, asked: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return what provides each capability, and each program: RPMs with their versions."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in asked["repositories"]:
        repo = pool.add_repo(row["name"])
        read(repo, Path(row["folder"]), KINDS[:1])  # programs are in the primary metadata
        for one in repo.solvables:
            names = [
                each.str().split(" ")[0] for each in one.lookup_deparray(solv.SOLVABLE_PROVIDES)
            ]
            for name in names:
                found.setdefault(name, set()).add((one.name, one.evr))
        files = repo.Dataiterator(solv.SOLVABLE_FILELIST, None, solv.Dataiterator.SEARCH_FILES)
        for match in files:
            path, one = str(match), match.solvable
            if PROGRAM.match(path):
                found.setdefault(path, set()).add((one.name, one.evr))
    return {name: sorted(rows) for name, rows in found.items()}


def want(pool: Any, wanted: list[str]) -> Any:
    """Return a package of our own that requires what is wanted.

    libsolv looks up files only if some package's dependency names them, so the question must be a
    package before the index of providers is made.
    """
    question = pool.add_repo("question").add_solvable()
    question.name, question.evr, question.arch = "question", "1", "noarch"
    for text in wanted:
        question.add_deparray(solv.SOLVABLE_REQUIRES, parse(pool, text))
    pool.addfileprovides()
    pool.createwhatprovides()
    return question


def _metadata(folder: Path, kind: str) -> Path | None:
    """Return the newest file of one kind that repomd.xml names."""
    repomd = ElementTree.parse(folder / "repodata/repomd.xml").getroot()
    for data in repomd.iter(f"{_REPO}data"):
        location = data.find(f"{_REPO}location")
        if data.get("type") == kind and location is not None:
            return folder / location.attrib["href"]
    return None


def _memory_file(path: Path) -> Any:
    """Return the file as plain text, because libsolv fails silently on some compression formats."""
    descriptor = os.memfd_create("metadata")
    if path.suffix in _DECOMPRESS:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(_DECOMPRESS[path.suffix](path.read_bytes()))
    else:
        kind = createrepo_c.AUTO_DETECT_COMPRESSION
        createrepo_c.decompress_file(str(path), f"/proc/self/fd/{descriptor}", kind)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return solv.xfopen_fd(None, descriptor)


def parse(pool: Any, text: str) -> Any:
    """Parse a dependency as rpm writes it: plain, with a version, or rich."""
    if text.startswith("("):
        return pool.parserpmrichdep(text)
    name, *relation = text.split()
    dependency = pool.Dep(name)
    if len(relation) != 2:
        return dependency
    flags = sum(
        flag
        for sign, flag in (("<", solv.REL_LT), ("=", solv.REL_EQ), (">", solv.REL_GT))
        if sign in relation[0]
    )
    return dependency.Rel(flags, pool.Dep(relation[1]))


def missing(pool: Any, question: Any) -> Iterator[dict[str, str]]:
    """Yield requirements in the whole closure that no package provides, and the packages with them.

    For each requirement the solver's first choice is followed; the solver decides conditional ones.
    """
    asked = [(need, "") for need in question.lookup_deparray(solv.SOLVABLE_REQUIRES)]
    seen: set[str] = set()
    while asked:
        dependency, by = asked.pop()
        text = dependency.str()
        if text in seen or " if " in text or " unless " in text or text.startswith("rpmlib("):
            continue
        seen.add(text)
        providers = pool.whatprovides(dependency)
        if not providers:
            yield {"need": text, "by": by}
        elif not any(one.isinstalled() for one in providers):
            choice = _best(providers)
            asked += [
                (need, str(choice)) for need in choice.lookup_deparray(solv.SOLVABLE_REQUIRES)
            ]


def _best(providers: list[Any]) -> Any:
    best = providers[0]
    for one in providers[1:]:
        better = one.repo.priority - best.repo.priority or (
            one.evrcmp(best) if one.name == best.name else 0
        )
        best = one if better > 0 else best
    return best


def solve(pool: Any, question: Any) -> dict[str, Any]:
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    job = pool.Job(solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE, question.id)
    problems = [
        problem.findallproblemrules()[0].info().problemstr() for problem in solver.solve([job])
    ]
    if problems:
        return {"problems": problems, "packages": []}
    chosen = [one for one in solver.transaction().newsolvables() if one != question]
    return {"problems": [], "packages": [_row(one) for one in chosen]}


def _row(solvable: Any) -> dict[str, Any]:
    location = solvable.lookup_location()[0]
    checksum = solvable.lookup_checksum(solv.SOLVABLE_CHECKSUM)
    return {
        "name": solvable.name,
        "nevra": str(solvable),
        "repository": solvable.repo.name,
        "path": str(Path(solvable.repo.appdata, location)),
        "checksum": checksum.hex() if checksum else "",
    }


def main() -> int:
    asked = json.load(sys.stdin)
    pool = solv.Pool()
    if asked["lists"]:
        pool.setarch(asked["arch"])
        json.dump({"provided": provided(pool, asked)}, sys.stdout)
        return 0
    load(pool, asked)
    question = want(pool, asked["install"])
    answer: dict[str, Any] = {
        "missing": list(missing(pool, question)),
        "problems": [],
        "packages": [],
    }
    if not answer["missing"]:
        answer |= solve(pool, question)
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
