"""Files that rdo keeps to be faster: the size of each kind, and removing those it can make again.

Published repositories, builds and mirrors are not a cache; `rdo trunk purge` cleans those up.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rdo import lock
from rdo.disk_usage import allocated_bytes, freed_bytes
from rdo.errors import RefusedError
from rdo.roots.content import ContentStore
from rdo.roots.images import old_images
from rdo.roots.kept_roots import KeptRoots
from rdo.tools.walls.removal import remove_tree

if TYPE_CHECKING:
    from rdo.config import Settings
    from rdo.roots.platform.platforms import Platforms

_PURPOSE = "rdo cache clean"
IMAGE_GRACE_DAYS = 1 / 24
"""An image made or requested more recently than this is kept: a lab may be about to use it."""


class CacheKind(StrEnum):
    """A kind of files that can be made again."""

    DOWNLOADS = "downloads"
    LAYERS = "layers"
    IMAGES = "images"
    CONTENT = "content"
    WHEELS = "wheels"
    DEBIAN = "debian"
    ROOTS = "roots"
    ARCHIVES = "archives"

    @property
    def content(self) -> str:
        return _CONTENT[self]


_CONTENT = {
    CacheKind.DOWNLOADS: "Debian packages that base layers were made from",
    CacheKind.LAYERS: "base and macros layers of platforms",
    CacheKind.IMAGES: "images of hosts and guests, for labs",
    CacheKind.CONTENT: "unpacked RPMs",
    CacheKind.WHEELS: "wheels and the RPMs made from them",
    CacheKind.DEBIAN: "Debian packages as RPMs",
    CacheKind.ROOTS: "roots of failed builds that were kept",
    CacheKind.ARCHIVES: "source archives that the targets of a release share",
}
NEEDLESS = (CacheKind.DOWNLOADS, CacheKind.LAYERS, CacheKind.IMAGES)
"""Kinds that `clean` may remove without making the next build slower."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A kind of files, its size, and how much `clean` may remove now; sizes are in bytes.

    `is_busy`: something uses this kind now, so none of it may be removed.
    """

    kind: str
    content: str
    size: int
    removable: tuple[Path, ...] = ()
    frees: int = 0
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class Caches:
    """The files of a machine and of a factory that can be made again."""

    settings: "Settings"
    platforms: "Platforms"

    def sizes(self) -> list[Cached]:
        """Return the size of each kind, and then of what only `rdo trunk purge` removes."""
        own = [self._looked_at(kind) for kind in CacheKind]
        data = self.settings.data
        mirrors = allocated_bytes(data / "mirrors") + allocated_bytes(data / "releases")
        trees = sum(
            allocated_bytes(self.settings.target_folder(name)) for name in self.settings.targets
        )
        return [
            *own,
            Cached("mirrors", "copies of git remotes and of PyPI's releases", mirrors),
            Cached("targets", "published trees, builds and logs", trees),
        ]

    def clean(self, kinds: Sequence[CacheKind], *, dry_run: bool) -> list[Cached]:
        """Remove the files of some kinds that can be made again, and return what was removed.

        Kinds in use by a running build, bridge or lab are left alone.
        """
        done = []
        for kind in kinds:
            with self._alone(kind) as is_free:
                found = self._looked_at(kind, is_busy=not is_free)
                if not dry_run:
                    for path in found.removable:
                        _remove(path)
            done.append(found)
        return done

    def _looked_at(self, kind: CacheKind, *, is_busy: bool = False) -> Cached:
        removable = () if is_busy else tuple(self._removable(kind))
        size = sum(allocated_bytes(path) for path in self._places(kind))
        return Cached(kind, kind.content, size, removable, freed_bytes(removable), is_busy)

    def _places(self, kind: CacheKind) -> list[Path]:
        folder = self.platforms.folder
        match kind:
            case CacheKind.DOWNLOADS:
                return [folder / "cache"]
            case CacheKind.LAYERS:
                return self._of_platforms("base-*", "macros-*", "rpms")
            case CacheKind.IMAGES:
                return self._of_platforms("host-*", "guest-*")
            case CacheKind.CONTENT:
                return [self.platforms.content]
            case CacheKind.WHEELS:
                return self._of_platforms("wheels", "built-wheels")
            case CacheKind.DEBIAN:
                return self._of_platforms("debian")
            case CacheKind.ROOTS:
                return [self._kept.folder]
            case CacheKind.ARCHIVES:
                return [self.settings.archives]

    def _removable(self, kind: CacheKind) -> Iterable[Path]:
        """Return the files that may be removed now; the caller holds the locks of the kind."""
        places = [path for path in self._places(kind) if path.is_dir()]
        match kind:
            case CacheKind.LAYERS:
                needed = self.platforms.needed_layers()
                return (one for one in places if one not in needed and one.name != "rpms")
            case CacheKind.IMAGES:
                until = time.time() - IMAGE_GRACE_DAYS * 86400
                return (one for one in places if old_images.is_unused(one, until))
            case CacheKind.CONTENT:
                return (one for one in places[0].glob("??") if one.is_dir()) if places else ()
            case CacheKind.ROOTS:
                return self._kept.removable()
            case _:
                return (one for place in places for one in sorted(place.iterdir()))

    def _of_platforms(self, *patterns: str) -> list[Path]:
        return [
            path
            for name in self.platforms.made()
            for pattern in patterns
            for path in sorted((self.platforms.folder / name).glob(pattern))
            if not path.is_symlink()
        ]

    @contextlib.contextmanager
    def _alone(self, kind: CacheKind) -> Iterator[bool]:
        """Keep other processes from using a kind inside the block; yield False if one does."""
        with contextlib.ExitStack() as stack:
            for one in self._locks(kind):
                try:
                    stack.enter_context(one)
                except (RefusedError, BlockingIOError):
                    yield False
                    return
            yield True

    def _locks(self, kind: CacheKind) -> list[contextlib.AbstractContextManager[None]]:
        """Return the locks that every user of a kind holds."""
        match kind:
            case CacheKind.DOWNLOADS:
                return self._held("create.lock")
            case CacheKind.IMAGES:
                return self._held("host.lock", "guest.lock")
            case CacheKind.LAYERS:
                in_use = self._of_platforms(f"host-*/{old_images.IN_USE}")
                hosts = [old_images.alone(file) for file in in_use]
                return [*self._held("create.lock", "macros.lock"), *hosts, self._content.alone()]
            case CacheKind.ROOTS | CacheKind.ARCHIVES:
                return []
            case _:
                return [self._content.alone()]

    def _held(self, *names: str) -> list[contextlib.AbstractContextManager[None]]:
        folder = self.platforms.folder
        return [
            lock.hold(folder / platform / name, purpose=_PURPOSE)
            for platform in self.platforms.made()
            for name in names
        ]

    @property
    def _kept(self) -> KeptRoots:
        return KeptRoots.beside(self.settings.roots)

    @property
    def _content(self) -> ContentStore:
        return ContentStore(self.platforms.content)


def _remove(path: Path) -> None:
    """Remove a file or a folder; no reader ever sees a half-removed folder."""
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return
    aside = path.with_name(f".{path.name}.old")
    path.rename(aside)
    remove_tree(aside)
