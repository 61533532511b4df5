"""PyPI releases as an upstream: every sdist becomes a commit in a mirror of ours.

`pypi:NAME` is the URL, a version specifier the branch. The tree of a commit is the sdist without
its top folder, its tag is the version, its time is that of the upload. Nothing in it is executed.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rdo import atomic
from rdo.cancellation import in_threads
from rdo.errors import RefusedError, UserError, in_short, is_of_the_machine
from rdo.lock import hold
from rdo.mirrors import unused_mirrors
from rdo.model.text.url import is_on_pypi, pypi_name
from rdo.package_index import PackageIndex, Sdist
from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.tools.walls.removal import remove_tree
from rdo.trunk.sources.history import History, ReleaseHistory
from rdo.trunk.sources.sdist import unpack

log = logging.getLogger(__name__)

_AT_ONCE = 8
_OFFERED = "rdo-releases.json"
_TAGS = "refs/tags/"

# An upstream in the metadata: the URL `pypi:NAME` and the version specifier.
Wanted: TypeAlias = tuple[str, str]
Found: TypeAlias = tuple[History | None, str]


def specifier(branch: str) -> SpecifierSet:
    """Return the versions that an upstream branch of a PyPI package means.

    A single version means itself, any other word means every final release.

    >>> [str(specifier(text)) for text in (">=10,<11", "10.6.1", "master")]
    ['<11,>=10', '==10.6.1', '']
    """
    try:
        return SpecifierSet(f"=={Version(branch)}")
    except InvalidVersion:
        pass
    try:
        return SpecifierSet(branch)
    except InvalidSpecifier:
        return SpecifierSet("")


@dataclass(frozen=True, slots=True)
class Releases:
    """The mirrors of all projects that are followed by their releases.

    `initial` is how many of the newest releases are fetched when a project is first seen; after
    that, all releases newer than the known ones.
    """

    folder: Path
    open_index: Callable[[], PackageIndex]
    initial: int = 1

    def path(self, url: str) -> Path:
        """Return the path of a project's mirror."""
        return self.folder / f"{canonicalize_name(pypi_name(url))}.git"

    def unused(self, urls: Iterable[str], before: float) -> list[Path]:
        """Return the mirrors of projects not in `urls` and not polled since `before` (a time())."""
        used = {self.path(url) for url in urls if is_on_pypi(url)}
        return unused_mirrors(self.folder, used, _OFFERED, before)

    def poll(self, wanted: Collection[Wanted]) -> dict[Wanted, Found]:
        """Return the history of each upstream, and what is wrong with it, if anything."""
        branches: dict[str, list[str]] = {}
        for url, branch in sorted(set(wanted)):
            branches.setdefault(url, []).append(branch)
        index = self.open_index()
        found = in_threads(
            lambda url: self._update(index, url, branches[url]),
            branches,
            at_once=_AT_ONCE,
            name="releases",
        )
        problems = dict(zip(branches, found, strict=True))
        return {(url, branch): self._readable(url, branch, problems[url]) for url, branch in wanted}

    def _readable(self, url: str, branch: str, problem: str) -> Found:
        try:
            return self._found(url, branch, problem)
        except Exception as error:
            if is_of_the_machine(error):
                raise
            return None, problem or f"{url} cannot be followed: {in_short(error)}"

    def _update(self, index: PackageIndex, url: str, branches: list[str]) -> str:
        """Bring the mirror up to date; return what went wrong, or nothing."""
        project, path = pypi_name(url), self.path(url)
        try:
            offered = [sdist for sdist in index.sdists(project) if _counts(sdist)]
            with hold(path.with_suffix(".lock"), purpose=f"fetch of {project}", wait=True):
                mirror = Mirror(path) if path.is_dir() else Mirror.create(path)
                mirror.remove_stale_locks()
                names = json.dumps([str(sdist.version) for sdist in offered])
                atomic.write_file(path / _OFFERED, names)
                missing = _missing(offered, _held(mirror), branches, self.initial)
                problems = [_add(mirror, index, sdist, project) for sdist in missing]
        except UserError as error:
            if error.is_of_the_machine:
                raise
            problems = [str(error)]
        except Exception as error:
            if is_of_the_machine(error):
                raise
            log.debug("releases of %s", project, exc_info=error)
            problems = [in_short(error)]
        found = "; ".join(problem for problem in problems if problem)
        if found:
            log.warning("releases of %s: %s", project, found)
        return f"releases of {project}: {found}" if found else ""

    def _found(self, url: str, branch: str, problem: str) -> Found:
        path = self.path(url)
        if not path.is_dir():
            return None, problem
        mirror, offered = Mirror(path), _offered(path)
        allowed = specifier(branch)
        commits = {
            version: commit
            for version, commit in sorted(_held(mirror).items())
            if version in allowed
        }
        yanked = frozenset(c.hash for version, c in commits.items() if version not in offered)
        if len(yanked) == len(commits):
            nothing = f"{url} has no final release with a source archive for {branch}"
            return None, problem or nothing
        return ReleaseHistory(mirror, branch, tuple(commits.values()), yanked, url), problem


def _counts(sdist: Sdist) -> bool:
    return not (sdist.is_yanked or sdist.version.is_prerelease)


def _held(mirror: Mirror) -> dict[Version, GitCommit]:
    """Return the releases in the mirror, by version."""
    tags = {
        Version(name.removeprefix(_TAGS)): hash_
        for name, hash_ in mirror.refs().items()
        if name.startswith(_TAGS)
    }
    commits = mirror.commits(tags.values())
    return {version: commits[hash_] for version, hash_ in tags.items()}


def _offered(path: Path) -> frozenset[Version]:
    """Return what the index offered when it last answered."""
    try:
        names = json.loads((path / _OFFERED).read_text())
    except FileNotFoundError:  # killed before the first poll ended
        return frozenset()
    return frozenset(Version(name) for name in names)


def _missing(
    offered: list[Sdist], held: Mapping[Version, GitCommit], branches: list[str], initial: int
) -> list[Sdist]:
    """Return the archives that a branch needs and the mirror lacks, lowest version first."""
    wanted: dict[Version, Sdist] = {}
    for branch in branches:
        allowed = specifier(branch)
        matching = [sdist for sdist in offered if sdist.version in allowed]
        newest = max((version for version in held if version in allowed), default=None)
        later = [sdist for sdist in matching if newest is not None and sdist.version > newest]
        wanted |= {sdist.version: sdist for sdist in (*matching[-initial:], *later)}
    return [wanted[version] for version in sorted(wanted) if version not in held]


def _add(mirror: Mirror, index: PackageIndex, sdist: Sdist, project: str) -> str:
    """Fetch one release; return its fault, which does not affect the other releases.

    Errors of the index itself are raised, because a later release must not be added before this
    one.
    """
    try:
        with _scratch(mirror.path) as scratch:
            archive, folder = scratch / sdist.file_name, scratch / "content"
            index.download(sdist, archive)
            newest_file = unpack(archive, folder)
            # Without an upload time (an index without the JSON form) the time of the content is
            # used: it is the same for everyone, unlike the time of our download.
            when = sdist.uploaded or datetime.fromtimestamp(newest_file, UTC)
            message = f"{project} {sdist.version}\n\n{sdist.file_name}\nsha256: {sdist.sha256}"
            commit = mirror.commit_folder(folder, parent=None, when=when, message=message)
    except RefusedError as error:
        return str(error)
    except Exception as error:
        if isinstance(error, UserError) or is_of_the_machine(error):
            raise
        log.debug("%s", sdist.file_name, exc_info=error)
        return f"{sdist.file_name} cannot be unpacked: {in_short(error)}"
    mirror.set_refs(_with_release(mirror.refs(), sdist.version, commit))
    log.info("fetched %s", sdist.file_name)
    return ""


@contextlib.contextmanager
def _scratch(mirror: Path) -> Iterator[Path]:
    """Return a folder beside the mirror, without old leftovers, for the holder of its lock."""
    folder = mirror.with_name(f".{mirror.name}.fetch")
    remove_tree(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        remove_tree(folder)


def _with_release(refs: Mapping[str, str], version: Version, commit: str) -> dict[str, str]:
    """Return the refs with one more tag, and master at the highest version."""
    tags = {name: hash_ for name, hash_ in refs.items() if name.startswith(_TAGS)}
    tags[f"{_TAGS}{version}"] = commit
    newest = max(tags, key=lambda name: Version(name.removeprefix(_TAGS)))
    return {**tags, "refs/heads/master": tags[newest]}
