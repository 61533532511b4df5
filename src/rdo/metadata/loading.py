"""Load a distribution from its source, through the cache."""

import contextlib
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rdo.beneath import real_path
from rdo.errors import ConfigError
from rdo.metadata.cache import Cache
from rdo.metadata.distribution import Distribution
from rdo.metadata.merge import merge_files, says_twice
from rdo.metadata.reading import MetadataReading
from rdo.metadata.sources import DEFAULT_MAX_AGE_SECONDS, MetadataFolder, open_source, open_web
from rdo.model.text.address import is_address

USUAL_FILES = ("rdo-full.yml", "rdo.yml")


def load(
    source: str | Path,
    file: str = "",
    *,
    cache: Path | None = None,
    ref: str = "",
    max_age: float = DEFAULT_MAX_AGE_SECONDS,
) -> Distribution:
    """Load the distribution from a folder or a git repository.

    `file` defaults to rdo-full.yml if it exists (RDO's includes the dependencies), else rdo.yml.
    `cache` is a folder for parsed trees and, for a git URL, its mirror; without it a folder is
    parsed each time. A URL is fetched at most once per `max_age` seconds.
    """
    loader = _Loader(cache, max_age)
    opened = loader.open(str(source), ref)
    return loader.load(opened, file or usual_file(opened.folder))


@dataclass(frozen=True, slots=True)
class Edited:
    """A folder's metadata as it would be with edits."""

    folder: Path
    file: str
    reading: MetadataReading
    distribution: Distribution

    @classmethod
    def open(cls, folder: Path, file: str) -> Self:
        """Read the metadata as it is on disk."""
        loader = _Loader(None, 0)
        return cls._read(folder, file, MetadataReading(loader.open_remote))

    def with_edits(self, texts: Mapping[Path, str]) -> Self:
        """Return the metadata with these texts in place of the files on disk."""
        return self._read(self.folder, self.file, self.reading.again(texts))

    @classmethod
    def _read(cls, folder: Path, file: str, reading: MetadataReading) -> Self:
        with _collector_paused():
            reading.read(MetadataFolder(folder, ""), file)
            tree = merge_files(reading.trees)
        return cls(folder, file, reading, Distribution(tree, reading.files))


def usual_file(folder: Path) -> str:
    """Return the name of a folder's main file: the first of USUAL_FILES that exists."""
    return next((name for name in USUAL_FILES if (folder / name).is_file()), USUAL_FILES[-1])


class _Loader:
    def __init__(self, cache: Path | None, max_age: float) -> None:
        self._cache = cache
        self._max_age = max_age

    def open(self, source: str, ref: str = "") -> MetadataFolder:
        if self._cache is None and not Path(source).is_dir():
            raise ConfigError(f"metadata: there is no folder {source}")
        cache = self._cache or Path(source)  # unused for a folder
        return open_source(source, cache / "git", ref=ref, max_age=self._max_age)

    def load(self, source: MetadataFolder, file: str) -> Distribution:
        cache = Cache(self._cache / "parsed") if self._cache else None
        if cache:

            def is_same(arguments: Mapping[str, Any], folder: Path) -> bool:
                return self.open_remote("", arguments, source).folder == folder

            tree = cache.load(source.folder, file, is_same)
            if tree is not None:
                return Distribution(tree, reread=lambda: self.read(source, file, None))
        return self.read(source, file, cache)

    def read(
        self,
        source: MetadataFolder,
        file: str,
        cache: Cache | None,
    ) -> Distribution:
        """Read all files from a source and merge them; keep the result in the cache, if any."""
        reading = MetadataReading(self.open_remote)
        with _collector_paused():
            reading.read(source, file)
            tree = merge_files(reading.trees)
        is_whole = not reading.files.has_odd_keys and not says_twice(tree)
        from_web = any("remote_info" in arguments for arguments, _ in reading.remotes.values())
        if cache and is_whole and not from_web:
            cache.store(source.folder, file, tree, reading.digests, reading.remotes.values())
        return Distribution(tree, reading.files)

    def open_remote(
        self, name: str, arguments: Mapping[str, Any], above: MetadataFolder
    ) -> MetadataFolder:
        """Open an entry of `remote-info`: a git URL, or a folder inside the metadata's."""
        address, folder = arguments.get("remote_git_info"), arguments.get("local_info")
        if isinstance(address, str) and is_address(address):
            return self.open(address)
        if isinstance(prefix := arguments.get("remote_info"), str) and self._cache:
            return open_web(prefix, self._cache / "web", self._max_age)
        if not isinstance(folder, str):
            kinds = "remote_git_info, remote_info or local_info"
            raise ConfigError(f"metadata: remote-info {name} needs {kinds}")
        path = real_path(above.folder / folder)
        if not path.is_relative_to(real_path(above.folder)):
            raise ConfigError(f"metadata: remote-info {name} leads out of the metadata's folder")
        return MetadataFolder(path, f"{above.prefix}{folder.strip('/')}/", above.state)


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the garbage collector, which would double the time for 100,000 new containers."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
