"""Maintenance of a lookaside cache: find damaged files, and files that no distgit names."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import NotFoundError, RefusedError, UserError
from rdo.lookaside.sources_file import SOURCES, SourceEntry, parse_sources
from rdo.lookaside.storage import Storage, StoredFile
from rdo.tools.git.mirror import Mirror

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Health:
    """The result of `verify`: files whose hash is not that in their path, and stray files."""

    files: int
    damaged: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def verify(storage: Storage, watch: Callable[[str], None] = lambda _: None) -> Health:
    """Read every file, and compare it with its hash. `watch` is called with each path."""
    damaged, count = [], 0
    for file in storage.files():
        watch(file.path)
        count += 1
        if not storage.is_whole(file):
            damaged.append(file.path)
    return Health(count, tuple(damaged), tuple(storage.strays()))


def unnamed(storage: Storage, distgits: Path, *, days: float) -> Iterator[StoredFile]:
    """Yield the files, older than `days` days, that no commit of any distgit names.

    `distgits` contains bare repositories or clones, at any depth. Raises NotFoundError if it
    contains none, and RefusedError if one cannot be read, because its files would be taken for
    unnamed ones.
    """
    named = {entry.digest for entry in _named(distgits)}
    for file in storage.files():
        if file.entry.digest not in named and file.age_seconds >= days * DAY_SECONDS:
            yield file


def _named(distgits: Path) -> Iterator[SourceEntry]:
    found = list(_repositories(distgits))
    if not found:
        raise NotFoundError(f"{distgits} has no git repository")
    for place in found:
        try:
            texts = Mirror(place).versions(_is_list)
        except UserError as error:
            raise RefusedError(f"{place} cannot be read: {error}") from error
        for text in texts:
            yield from _entries(text)


def _repositories(folder: Path) -> Iterator[Path]:
    """Yield the git directories in a folder, at any depth; links are not followed."""
    for place, folders, _ in os.walk(folder):
        here = Path(place)
        if (here / "HEAD").is_file() and (here / "objects").is_dir():
            folders.clear()
            yield here


def _is_list(path: str) -> bool:
    return path == SOURCES or (path.startswith(".") and path.endswith(".metadata"))


def _entries(text: str) -> Iterator[SourceEntry]:
    """Yield the entries of a list; skip the lines that are not one."""
    for line in text.splitlines():
        try:
            yield from parse_sources(line).entries
        except UserError:
            continue
