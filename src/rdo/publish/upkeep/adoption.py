"""Take repositories that another program published into a tree, unchanged.

Their files are hard-linked into our tree, so that no bytes are copied if both are on one file
system. DLRN puts the RPMs of other packages into a repository by links to other directories: here
each becomes a hard link to the RPM itself, so that a repository never needs another one.
"""

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.beneath import Beneath
from rdo.errors import RefusedError
from rdo.model.artifact import Artifact, Fragment
from rdo.publish import pool
from rdo.publish.change import Link, TreeChange
from rdo.publish.consistent import set_digest
from rdo.publish.references import REPOMD
from rdo.publish.tree import Tree, source_first
from rdo.repodata import read_rpms
from rdo.store import Store
from rdo.store.given.repositories import Repository

LARGEST = 8_000_000_000
"""The largest file that is taken over, in bytes."""
_MOST_FILES = 20_000
_DEEPEST = 3
_NAME = re.compile(r"[A-Za-z0-9._+~^%@,=-]+")
_DIRECTORY = re.compile(
    r"(component/[A-Za-z0-9][A-Za-z0-9._+-]*/)?[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f_]{40,150}"
)
_AGGREGATE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32}")
_AGGREGATE_FILES = 100_000


@dataclass
class Adopted:
    """What was taken, and a sentence for each file that was left out."""

    directories: int = 0
    files: int = 0
    copied: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Adoption:
    """Takes the directories of `source`, a published tree, into a tree of ours.

    `builds` are the builds of all directories by their path. The caller holds the round lock.
    """

    tree: Tree
    store: Store
    source: Beneath
    builds: Mapping[str, int]
    done: Adopted

    def has_repository(self, place: str) -> bool:
        """Whether there is a repository at a path of the source."""
        try:
            with self.source.open(f"{place}/{REPOMD}", limit=LARGEST):
                return True
        except (OSError, RefusedError):
            return False

    def take_repositories(self, repositories: Collection[Repository]) -> None:
        """Take repositories with all their RPMs into the tree and the store, one by one."""
        with self.tree.journal.alone("taking over repositories"):
            for repository in repositories:
                if self.has_repository(repository.path):
                    self._take_repository(repository)
                else:
                    self.done.faults.append(f"{repository.path} has no repodata in the tree")

    def take_logs(self, places: Collection[str]) -> None:
        """Take directories that are not repositories: the logs of failed builds."""
        with self.tree.journal.alone("taking over logs"):
            for place in places:
                if (self.tree.repos / place).exists() or not self._is_there(place):
                    continue
                fresh = self.tree.journal.fresh("taken-over")
                self._fill(place, fresh)
                with self.tree.journal.deciding() as (at, changes):
                    path = PurePosixPath(place)
                    changes.append(self.tree.change(at, fresh=fresh, path=path))
                self.done.directories += 1

    def name_of(self, link: str) -> str:
        """Return the directory that a link in the source points to; "" if it is not such a link."""
        parent, _, name = link.rpartition("/")
        try:
            targets = dict(self.source.links(parent or "."))
        except (OSError, RefusedError):
            return ""
        return _directory_of(parent, targets.get(name, ""))

    def point(self, links: Collection[Link]) -> None:
        """Point names where the store says."""
        with (
            self.tree.journal.alone("taking over names"),
            self.tree.journal.deciding() as (_, changes),
        ):
            changes.append(TreeChange(links=tuple(links)))

    def take_aggregates(self, name: str) -> str:
        """Take the files of a name that has components; return the hash it points to now."""
        top = self.tree.repos / name
        files = (f"{self.tree.site.reponame}.repo", f"{self.tree.site.reponame}.repo.md5")
        for place in self._aggregates(name):
            folder = top / place
            folder.mkdir(parents=True, exist_ok=True)
            for file in (*files, "versions.csv"):
                if not (folder / file).exists():
                    self._link(f"{name}/{place}/{file}", folder / file)
        try:
            targets = dict(self.source.links(name))
        except (OSError, RefusedError):
            return ""
        now = targets.get(files[0], "").rpartition("/")[0]
        if not _AGGREGATE.fullmatch(now) or not (top / now).is_dir():
            return ""
        for file in (*files, "versions.csv"):
            atomic.point_link(top / file, top / now / file)
        atomic.sync(top)
        return now.rpartition("/")[2]

    def _aggregates(self, name: str) -> Iterator[str]:
        seen = 0
        for one in self._folders(name):
            for two in self._folders(f"{name}/{one}"):
                for three in self._folders(f"{name}/{one}/{two}"):
                    seen += 1
                    if seen > _AGGREGATE_FILES:
                        return
                    if _AGGREGATE.fullmatch(place := f"{one}/{two}/{three}"):
                        yield place

    def _folders(self, place: str) -> list[str]:
        try:
            entries = self.source.entries(place)
        except (OSError, RefusedError):
            return []
        return sorted(name for name, mode in entries if stat.S_ISDIR(mode))

    def _is_there(self, place: str) -> bool:
        try:
            return bool(self.source.entries(place))
        except (OSError, RefusedError) as error:
            self.done.faults.append(f"{place}: {error}")
            return False

    def _take_repository(self, repository: Repository) -> None:
        fresh = self.tree.journal.fresh("taken-over")
        others = self._fill(repository.path, fresh)
        own = self._read(repository, fresh, others)
        with self.tree.journal.deciding() as (at, changes):
            assert repository.build_id is not None
            held = {repository.build_id, *(self.builds[one] for one in others.values())}
            at.artifacts.add(repository.build_id, own)
            at.takeovers.put_in_tree(repository.id, set_digest(held))
            path = PurePosixPath(repository.path)
            changes.append(self.tree.change(at, fresh=fresh, path=path))
        self.done.directories += 1

    def _read(
        self, repository: Repository, fresh: Path, others: Mapping[str, str]
    ) -> dict[Artifact, Fragment]:
        """Put the RPMs of a build into the pool and return them; record faults, do not raise."""
        rpms = sorted(one for one in fresh.glob("*.rpm") if one.name not in others)
        try:
            found = read_rpms(rpms)
        except RefusedError as error:
            self.done.faults.append(f"{repository.path}: {error}")
            return {}
        for one in found:
            place = pool.place(self.tree.repos / pool.NAME, one.artifact)
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                pool.link(fresh / one.artifact.file_name, place)
        return source_first(found)

    def _fill(self, place: str, fresh: Path) -> dict[str, str]:
        """Hard-link the files of a directory into `fresh`.

        Returns the RPMs that were links, each with the directory that it belongs to.
        """
        seen = 0
        todo = [("", 0)]
        while todo:
            folder, depth = todo.pop()
            for name, mode in self.source.entries(f"{place}/{folder}".rstrip("/")):
                seen += 1
                if seen > _MOST_FILES:
                    self.done.faults.append(f"{place} has more than {_MOST_FILES} files")
                    return self._links(place, fresh)
                inner = f"{folder}/{name}".lstrip("/")
                if not _NAME.fullmatch(name) or name in {".", ".."}:
                    self.done.faults.append(f"{place}: {name!r} is not taken over: invalid name")
                elif stat.S_ISDIR(mode) and depth < _DEEPEST:
                    (fresh / inner).mkdir()
                    todo.append((inner, depth + 1))
                elif stat.S_ISREG(mode):
                    self._link(f"{place}/{inner}", fresh / inner)
                elif not stat.S_ISLNK(mode) or folder:
                    self.done.faults.append(f"{place}/{inner} is not taken over: not a file")
        links = self._links(place, fresh)
        atomic.sync(fresh, *(one for one in fresh.iterdir() if one.is_dir()))
        return links

    def _links(self, place: str, fresh: Path) -> dict[str, str]:
        found = {}
        for name, target in self.source.links(place):
            directory = _directory_of(place, target.rpartition("/")[0])
            is_rpm = name.endswith(".rpm") and target.rpartition("/")[2] == name
            if not is_rpm or directory not in self.builds:
                self.done.faults.append(f"{place}/{name} leads to {target!r}: it is left out")
            elif self._link(f"{directory}/{name}", fresh / name):
                found[name] = directory
        return found

    def _link(self, name: str, place: Path) -> bool:
        try:
            self.done.copied += self.source.link(name, place, limit=LARGEST)
        except FileNotFoundError:
            self.done.faults.append(f"{name} is not there")
            return False
        except RefusedError as error:
            self.done.faults.append(str(error))
            return False
        self.done.files += 1
        return True


def _directory_of(folder: str, target: str) -> str:
    """Return the directory of a build that a link in a folder points to; empty if there is none.

    >>> _directory_of("ab/cd/" + 40 * "a", "../../../12/34/" + 40 * "b") == "12/34/" + 40 * "b"
    True
    >>> _directory_of("ab", "/etc"), _directory_of("ab", "../../../etc")
    ('', '')
    """
    if target.startswith("/"):
        return ""
    path = os.path.normpath(f"{folder}/{target}" if folder else target)
    return path if _DIRECTORY.fullmatch(path) else ""
