"""Answer one dependency question with libsolv, or list packages (a program of its own).

libsolv keeps state per process and can crash on bad input, so every question gets a process of its
own. The metadata describes strangers' packages: it is opened first, and read behind walls.
`rdo.solver` defines question and answer, both JSON.
"""

import gzip
import lzma
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

import solv

from rdo.model.rich_dependency import required
from rdo.tools.children.shut_in import answer, asked, shut_in

_DECOMPRESS: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".xz": lzma.open}
_CHUNK = 1 << 20
_MOST_FILES = 1000
_SCRATCH_BYTES = 2 << 30
PROGRAM = re.compile(r"(/usr)?/s?bin/[^/]+$")
_RELATION = re.compile(r"(?P<name>.*\S) (?P<signs>[<=>]{1,2}) (?P<version>\S+)")
_REPO = "http://linux.duke.edu/metadata/repo"

KINDS = (("primary", 0), ("filelists", solv.Repo.REPO_EXTEND_SOLVABLES))


@dataclass(slots=True)
class Opened:
    """A repository in the question, with its open files: those of `repodata` by name."""

    row: dict[str, Any]
    files: dict[str, int] = field(default_factory=dict)
    visible: frozenset[str] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether Python can decompress all files."""
        return all(PurePosixPath(name).suffix in {".xml", *_DECOMPRESS} for name in self.files)


def open_all(rows: list[dict[str, Any]]) -> list[Opened]:
    """Open the metadata of every repository, without reading it.

    Raises ValueError for a folder with implausible metadata.
    """
    found = []
    for row in rows:
        one = Opened(row)
        names = sorted(path.name for path in Path(row["folder"], "repodata").iterdir())
        if len(names) > _MOST_FILES:
            raise ValueError(f"{row['folder']} has more than {_MOST_FILES} files of metadata")
        for name in names:
            if is_read(name):
                one.files[name] = open_file(Path(row["folder"], "repodata", name))
        if row["visible"]:  # this file is our own
            one.visible = frozenset(Path(row["visible"]).read_text().splitlines())
        found.append(one)
    return found


def is_read(name: str) -> bool:
    """Whether a metadata file may be needed here, by createrepo_c's name for it."""
    if name == "repomd.xml":
        return True
    return ".sqlite" not in name and any(kind in name for kind, _ in KINDS)


def open_file(path: Path) -> int:
    """Return the descriptor of a regular file; ValueError for anything else."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise ValueError(f"{path} is not a regular file")
    return file


def load(pool: Any, repositories: list[Opened]) -> None:
    hidden: list[int] = []
    for number, one in enumerate(repositories):
        repo = pool.add_repo(one.row["name"])
        repo.priority = -one.row["priority"]  # in libsolv, a higher number is better
        repo.appdata = number
        read(repo, one, KINDS)
        if one.visible is not None:
            hidden += [each.id for each in repo.solvables if str(each) not in one.visible]
        if one.row["installed"]:
            pool.installed = repo
    pool.set_disabled_list(hidden)


def read(repo: Any, opened: Opened, kinds: Sequence[tuple[str, int]]) -> None:
    places = locations(opened)
    for kind, flags in kinds:
        if name := places.get(kind):
            file = memory_file(name, opened.files[name])
            repo.add_rpmmd(file, None, flags)
            file.close()


def provided(pool: Any, repositories: list[Opened]) -> dict[str, list[tuple[str, str]]]:
    """Return what provides each capability, and each program: RPMs with their versions."""
    found: dict[str, set[tuple[str, str]]] = {}
    for opened in repositories:
        repo = pool.add_repo(opened.row["name"])
        read(repo, opened, KINDS[:1])  # programs are in the primary metadata
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


def packages(pool: Any, repositories: list[Opened]) -> list[tuple[str, str, list[str]]]:
    """Return each package: its name, its version, and the Python projects that it provides."""
    found = []
    for opened in repositories:
        repo = pool.add_repo(opened.row["name"])
        read(repo, opened, KINDS[:1])
        for one in repo.solvables:
            provides = (each.str() for each in one.lookup_deparray(solv.SOLVABLE_PROVIDES))
            found.append((one.name, one.evr, [text for text in provides if "dist(" in text]))
    return found


def files(pool: Any, repositories: list[Opened]) -> list[tuple[str, str]]:
    """Return the location of each package in its repository, with its checksum."""
    found = []
    for opened in repositories:
        repo = pool.add_repo(opened.row["name"])
        read(repo, opened, KINDS[:1])
        found += [located(one) for one in repo.solvables]
    return found


def located(solvable: Any) -> tuple[str, str]:
    """Return the path of a package in its repository, and its checksum; empty if there is none."""
    checksum = solvable.lookup_checksum(solv.SOLVABLE_CHECKSUM)
    return solvable.lookup_location()[0], checksum.hex() if checksum else ""


def want(pool: Any, wanted: list[str]) -> Any:
    """Return a package of our own that requires everything wanted.

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


def locations(opened: Opened) -> dict[str, str]:
    """Return the file of each kind in repomd.xml, if it is one of the open ones."""
    found: dict[str, str] = {}
    kinds: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == f"{_REPO} data":
            kinds.append(attributes.get("type", ""))
        elif name == f"{_REPO} location" and kinds:
            href, kind = attributes.get("href", ""), kinds[-1]
            folder, _, file = href.rpartition("/")
            if folder == "repodata" and file in opened.files:
                found.setdefault(kind, file)
            elif kind in dict(KINDS):
                raise ValueError(f"repomd.xml names {href[:200]!a}, which is not there")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    with os.fdopen(os.dup(opened.files["repomd.xml"]), "rb") as file:
        parser.ParseFile(file)
    return found


def memory_file(name: str, descriptor: int) -> Any:
    """Return the file as plain text, because libsolv fails silently on some compression formats."""
    plain = os.memfd_create("metadata")
    suffix = PurePosixPath(name).suffix
    if suffix in {".xml", *_DECOMPRESS}:
        opener = _DECOMPRESS.get(suffix, lambda file: file)
        with (
            os.fdopen(os.dup(descriptor), "rb") as packed,
            opener(packed) as text,
            os.fdopen(os.dup(plain), "wb") as whole,
        ):
            while chunk := text.read(_CHUNK):
                whole.write(chunk)
    else:
        unpack_otherwise(descriptor, plain)
    os.lseek(plain, 0, os.SEEK_SET)
    return solv.xfopen_fd(None, plain)


def unpack_otherwise(packed: int, plain: int) -> None:
    """Decompress what Python cannot, with createrepo_c, which needs file names."""
    import createrepo_c  # already loaded if it is needed

    Path("packed").write_bytes(os.read(packed, os.fstat(packed).st_size))
    createrepo_c.decompress_file("packed", "plain", createrepo_c.AUTO_DETECT_COMPRESSION)
    with Path("plain").open("rb") as text:
        while os.sendfile(plain, text.fileno(), None, _CHUNK):
            pass
    Path("packed").unlink()
    Path("plain").unlink()


def parse(pool: Any, text: str) -> Any:
    """Parse a dependency in rpm's form: plain, with a version, or rich."""
    if text.startswith("("):
        return pool.parserpmrichdep(text)
    relation = _RELATION.fullmatch(text)
    if not relation:
        return pool.Dep(text)
    flags = sum(
        flag
        for sign, flag in (("<", solv.REL_LT), ("=", solv.REL_EQ), (">", solv.REL_GT))
        if sign in relation["signs"]
    )
    return pool.Dep(relation["name"]).Rel(flags, pool.Dep(relation["version"]))


def is_conditional(text: str) -> bool:
    """Whether a requirement depends on what else is installed."""
    return " if " in text or " unless " in text


def requirements(one: Any) -> list[str]:
    """Return what a package requires, with the parts of `(a and b)` apart."""
    plain = one.lookup_deparray(solv.SOLVABLE_REQUIRES, -1)
    of_scriptlets = one.lookup_deparray(solv.SOLVABLE_REQUIRES, 1)
    texts = (dependency.str() for dependency in (*plain, *of_scriptlets))
    return [part for text in texts if not text.startswith("rpmlib(") for part in required(text)]


def missing(pool: Any, question: Any) -> Iterator[dict[str, str]]:
    """Yield direct and indirect requirements that no package provides, and the packages with them.

    For each requirement the solver's first choice is followed; the solver decides conditional ones.
    """
    asked = [(need, "") for need in requirements(question)]
    seen: set[str] = set()
    while asked:
        text, by = asked.pop()
        if text in seen or is_conditional(text):
            continue
        seen.add(text)
        providers = pool.whatprovides(parse(pool, text))
        if not providers:
            yield {"need": text, "by": by}
        elif not any(one.isinstalled() for one in providers):
            choice = _best(providers)
            asked += [(need, str(choice)) for need in requirements(choice)]


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
    return {"problems": [], "packages": [described(one) for one in chosen]}


def described(solvable: Any) -> dict[str, Any]:
    """Return a package in the form of the answer."""
    location, checksum = located(solvable)
    return {
        "name": solvable.name,
        "nevra": str(solvable),
        "repository": solvable.repo.name,
        "number": solvable.repo.appdata,
        "location": location,
        "checksum": checksum,
    }


def shut_in_with(walls: Mapping[str, Any], opened: Sequence[Opened]) -> None:
    """Return behind walls, with the open files of these repositories."""
    needs_scratch = not all(one.is_plain for one in opened)
    if needs_scratch:
        import createrepo_c  # noqa: F401 - slow to load, and later we cannot

    files = [file for one in opened for file in one.files.values()]
    shut_in(walls, files, _SCRATCH_BYTES if needs_scratch else 0)


def main() -> int:
    """Answer the question on stdin with libsolv, behind walls."""
    question, walls = asked()
    repositories = open_all(question["repositories"])
    shut_in_with(walls, repositories)
    pool = solv.Pool()
    pool.setarch(question["arch"])
    if what := question["lists"]:
        answer({what: LISTS[what](pool, repositories)})
        return 0
    load(pool, repositories)
    wanted = want(pool, question["install"])
    found: dict[str, Any] = {
        "missing": list(missing(pool, wanted)),
        "problems": [],
        "packages": [],
    }
    if not found["missing"]:
        found |= solve(pool, wanted)
    answer(found)
    return 0


LISTS = {"provided": provided, "packages": packages, "files": files}

if __name__ == "__main__":
    sys.exit(main())
