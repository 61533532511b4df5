"""Push repositories to a place outside, in an order in which nothing points to missing files.

First come RPMs and metadata that nobody can find yet, then the `repomd.xml` files that name them,
then the files that contain a repository's address, and last the names. What no name needs any more
is removed after some days, in the opposite order. If a push is killed at any point, the next one
asks what is there and continues. The state after the last push is in a file beside the tree, so a
push without changes contacts no server.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from rdo import atomic, lock
from rdo.errors import NotFoundError
from rdo.model.outside import OutsideListing
from rdo.publish import pool
from rdo.publish.pushing.mirror_lists import list_mirrors
from rdo.publish.pushing.wanted import DEPS, REPOSITORIES, WantedFiles, wanted_files
from rdo.publish.references import REPOMD
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.store.given.repositories import Repository

PUSHED = "pushed"
"""The folder beside the tree with the known state of the places outside."""


class Outside(Protocol):
    """A place outside: how to list its content, and three ways to change it."""

    @property
    def has_links(self) -> bool: ...

    def listing(self) -> OutsideListing: ...

    def send(self, stage: Path, paths: Iterable[str]) -> None: ...

    def point(self, links: Mapping[str, str]) -> None: ...

    def remove(self, paths: Iterable[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class PushPlace:
    """A place outside by its name in rdo.toml; empty `names` means the whole tree.

    `to` and `url` are its address for us and for users; `listed`: mirror lists contain it.
    """

    name: str
    to: str
    url: str
    outside: Outside
    names: tuple[str, ...] = ()
    keep: timedelta = timedelta(days=3)
    listed: bool = True


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """The known state of a place: the digest of its content after a complete push.

    `texts` are the hashes of its changing files, `places` is where it has the files at the paths of
    the tree, and `unneeded` is since when no name has needed something. `url` is empty if no mirror
    list contains the place.
    """

    digest: str = ""
    url: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    unneeded: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "KnownPlace":
        """Read the state from a file; it is empty without a file, or for another version."""
        try:
            return cls(**json.loads(file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, file: Path) -> None:
        """Replace the file."""
        file.parent.mkdir(exist_ok=True)
        atomic.write_file(file, json.dumps(asdict(self), indent=1, sort_keys=True), is_synced=True)


@dataclass(frozen=True, slots=True)
class PushSummary:
    """What a push has done, or would do: files and their size, links, old folders."""

    place: str
    files: int = 0
    size: int = 0
    links: int = 0
    removed: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether the place had everything already."""
        return not (self.files or self.links or self.removed)


def push(
    tree: Tree, store: Store, place: PushPlace, *, dry_run: bool = False, looks: bool = False
) -> PushSummary:
    """Push the names of a tree, and everything they need, to a place.

    With `looks` the place is asked for its content even if nothing is new, so that files it has
    lost are sent again: those that are missing or of another size.

    Raises NotFoundError for a name that points nowhere, or if there is none, DamagedError for a
    repository that is not intact, RefusedError while another push to the place is running,
    OutsideError if it cannot be reached.
    """
    with store.read() as at:
        if not at.names.all(tree.site.target):  # as after a loss: the place keeps what it has
            raise NotFoundError(
                f"{tree.site.target} has nothing to push: no name points to a repository",
                hint=f"rdo trunk run --target {tree.site.target} publishes the first one",
            )
    folder = tree.folder / PUSHED
    folder.mkdir(exist_ok=True)
    with lock.hold(folder / f"{place.name}.lock", purpose=f"pushing to {place.name}"):
        one = _Push(tree, store, place, folder / f"{place.name}.json")
        return one.run(dry_run=dry_run, looks=looks)


@dataclass(frozen=True, slots=True)
class _Push:
    tree: Tree
    store: Store
    place: PushPlace
    file: Path

    def run(self, *, dry_run: bool, looks: bool) -> PushSummary:
        """Push what the place lacks; with `looks`, ask the place even if nothing is new."""
        known = KnownPlace.read(self.file)
        with self.tree.journal.alone(f"finding out what {self.place.name} should have"):
            wanted = self._wanted()
        if not looks and known.digest == self._digest(wanted) and not self._due(known):
            return PushSummary(self.place.name)
        there = self.place.outside.listing()
        stage = self.file.with_name(f".{self.place.name}")
        shutil.rmtree(stage, ignore_errors=True)  # leftover of a killed push
        with self.tree.journal.alone(f"collecting what {self.place.name} should have"):
            wanted = self._wanted()
            step = _Step.between(there, known, wanted)
            if not dry_run:
                _link(step, wanted, stage)
        known = self._marked(known, there, wanted)
        gone = self._due(known)
        links = len(step.inner_links) + len(step.links)
        size = sum(_size(path, wanted) for path in step.all_files)
        done = PushSummary(self.place.name, len(step.all_files), size, links, len(gone))
        if not dry_run:
            self._send(step, stage, known)
            self._note(step, wanted, known)
            self._remove(there, wanted, known, gone)
            shutil.rmtree(stage, ignore_errors=True)
        return done

    def _send(self, step: "_Step", stage: Path, known: KnownPlace) -> None:
        texts = {key: one for key, one in known.texts.items() if key not in step.all_files}
        replace(known, digest="", texts=texts).write(self.file)  # true wherever we are killed
        outside = self.place.outside
        outside.point(step.inner_links)
        for files in (step.content, step.signatures, step.indexes, step.texts):
            outside.send(stage, files)
        outside.point(step.links)
        outside.send(stage, step.pointers)

    def _note(self, step: "_Step", wanted: WantedFiles, known: KnownPlace) -> None:
        """Record what the place has, and list it in the mirror lists of the tree."""
        url = self.place.url if self.place.listed else ""
        others = [
            KnownPlace.read(file)
            for file in sorted(self.file.parent.glob("*.json"))
            if file != self.file
        ]
        mirrors = [(one.url, one.places) for one in others] + [(url, wanted.places)]
        list_mirrors(self.tree, mirrors, {*known.places, *wanted.places})
        texts = {**known.texts, **step.hashes}
        now = replace(known, digest="", url=url, texts=texts, places=wanted.places)
        now.write(self.file)

    def _remove(
        self, there: OutsideListing, wanted: WantedFiles, known: KnownPlace, gone: Collection[str]
    ) -> None:
        """Remove what nobody needs any more: names, then indexes, then everything else."""
        known = KnownPlace.read(self.file)
        old = [
            path
            for path in known.texts
            if path not in wanted.texts and path not in wanted.pointers and not _folder(path)
        ]
        old += [
            path
            for path, leads in there.links.items()
            if path not in wanted.links
            and _folder(os.path.normpath(f"{path}/../{leads}/x")) in gone
        ]
        outside = self.place.outside
        outside.remove(old)
        outside.remove(one for one in there.files if one.endswith(REPOMD) and _folder(one) in gone)
        outside.remove(gone)
        changing = {*wanted.texts, *wanted.pointers}
        replace(
            known,
            digest=self._digest(wanted),
            texts={key: one for key, one in known.texts.items() if key in changing},
            unneeded={key: since for key, since in known.unneeded.items() if key not in gone},
        ).write(self.file)

    def _wanted(self) -> WantedFiles:
        with self.store.read() as at:
            names = at.names.all(self.tree.site.target)
        known = {name for name, _ in names}
        for name in self.place.names:
            if name not in known:
                raise NotFoundError(f"{self.tree.site.target} has no name {name} to push")
        chosen: list[tuple[str, Repository]] = [
            row for row in names if not self.place.names or row[0] in self.place.names
        ]
        return wanted_files(
            self.tree.repos,
            self.tree.site,
            chosen,
            self.place.url,
            has_links=self.place.outside.has_links,
        )

    def _digest(self, wanted: WantedFiles) -> str:
        return f"{self.place.to} {self.place.url} {self.place.listed} {wanted.digest}"

    def _marked(self, known: KnownPlace, there: OutsideListing, wanted: WantedFiles) -> KnownPlace:
        """Return the known state, marking what no name needs any more, since now or earlier."""
        now = self.tree.now().isoformat()
        needed = {_folder(path) for path in (*wanted.files, *wanted.texts)}
        left = {_folder(path) for path in there.files} - needed - {""}
        return replace(known, unneeded={one: known.unneeded.get(one, now) for one in sorted(left)})

    def _due(self, known: KnownPlace) -> list[str]:
        """Return what has been unneeded for so long that it is removed now."""
        before = self.tree.now() - self.place.keep
        due = known.unneeded.items()
        return [one for one, since in due if datetime.fromisoformat(since) <= before]


@dataclass(frozen=True, slots=True)
class _Step:
    """What one push sends, in the order of its fields; `hashes` are those of changing files."""

    inner_links: dict[str, str]
    content: list[str]
    signatures: list[str]
    indexes: list[str]
    texts: list[str]
    links: dict[str, str]
    pointers: list[str]
    hashes: dict[str, str]

    @classmethod
    def between(cls, there: OutsideListing, known: KnownPlace, wanted: WantedFiles) -> "_Step":
        """Return what a place lacks. Files that never change are compared by path and size."""
        new = [
            path
            for path, file in sorted(wanted.files.items())
            if there.files.get(path) != file.stat().st_size
        ]
        changing = {**wanted.texts, **wanted.pointers}
        hashes = {path: hashlib.sha256(one).hexdigest() for path, one in changing.items()}
        differing = [
            path
            for path, content in sorted(changing.items())
            if known.texts.get(path) != hashes[path] or there.files.get(path) != len(content)
        ]
        links = {key: to for key, to in wanted.links.items() if there.links.get(key) != to}
        return cls(
            inner_links={key: to for key, to in links.items() if _folder(key)},
            content=[path for path in new if not path.endswith((REPOMD, f"{REPOMD}.asc"))],
            signatures=[path for path in new if path.endswith(f"{REPOMD}.asc")],
            indexes=[path for path in new if path.endswith(REPOMD)],
            texts=[path for path in differing if path in wanted.texts],
            links={key: to for key, to in links.items() if not _folder(key)},
            pointers=[path for path in differing if path in wanted.pointers],
            hashes=hashes,
        )

    @property
    def all_files(self) -> list[str]:
        files = (self.content, self.signatures, self.indexes, self.texts, self.pointers)
        return [path for some in files for path in some]


def _link(step: _Step, wanted: WantedFiles, stage: Path) -> None:
    """Hard-link what will be sent into a folder, so that a purge of the tree does not remove it."""
    changing = {**wanted.texts, **wanted.pointers}
    for path in step.all_files:
        place = stage / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if path in changing:
            place.write_bytes(changing[path])
        else:
            pool.link(wanted.files[path].resolve(), place)


def _size(path: str, wanted: WantedFiles) -> int:
    changing = wanted.texts.get(path) or wanted.pointers.get(path)
    return wanted.files[path].stat().st_size if changing is None else len(changing)


def _folder(path: str) -> str:
    """Return the folder that is removed as a whole once nobody needs it; empty for other files."""
    words = path.split("/")
    is_ours = len(words) > 2 and words[0] in {REPOSITORIES, pool.NAME, DEPS}
    return "/".join(words[:2]) if is_ours else ""
