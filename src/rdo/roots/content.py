"""The content store: each RPM is unpacked once, by its sha256, as a layer for any root."""

import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rdo.checksum import sha256_of
from rdo.errors import OutsideError
from rdo.tools.rpm.unpacking import SCRIPTED, Rpm
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

LIMIT_BYTES = 20_000_000_000
"""Maximum size of all layers together: enough for some thousands of packages."""

_FRESH = ".fresh"
"""The folder in which layers are prepared."""


@dataclass(frozen=True, slots=True)
class ContentStore:
    """A folder of unpacked RPMs.

    An RPM with scriptlets only has a mark, because rpm must install it.
    """

    folder: Path
    rpm: Rpm = field(default_factory=Rpm)

    def layers(self, rpms: Mapping[str, Path]) -> dict[str, Path | None]:
        """Return the folder with the unpacked files of each RPM, in the given order.

        It is None for an RPM with scriptlets. Missing ones are unpacked, all in one go. An RPM that
        is read, here or when it is installed, is compared with its sha256 before; OutsideError if
        it differs. Two workers may unpack the same RPM; the first rename wins and both get the same
        folder. Call this inside `in_use`: outside of it, a layer may be removed before it is used.
        """
        if lacking := {sha: path for sha, path in rpms.items() if not self._place(sha).exists()}:
            _verify(lacking)
            self._unpack(lacking)
        layers = {sha: self._layer(sha) for sha in rpms}
        _verify({sha: rpms[sha] for sha, layer in layers.items() if layer is None})
        return layers

    def _layer(self, sha256: str) -> Path | None:
        layer = self._place(sha256)
        os.utime(layer)  # marks the last use, for the limit on the store's size
        return None if (layer / SCRIPTED).exists() else layer

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:34]

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep every layer in place inside the block.

        Each root holds this for as long as it exists, and each bridge while it makes RPMs.
        """
        with self._lock(fcntl.LOCK_SH):
            yield

    def shrink(self, limit_bytes: int = LIMIT_BYTES) -> int:
        """Remove the least recently used layers until the rest fits; return how many.

        Does nothing while any root exists; the next process that starts without one does it.
        """
        if not self.folder.exists():
            return 0
        with contextlib.suppress(BlockingIOError), self.alone():
            return self._shrink(limit_bytes)
        return 0

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from using layers inside the block.

        Raises BlockingIOError if one does.
        """
        with self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    def _shrink(self, limit_bytes: int) -> int:
        for new in (*self.folder.glob("??/.*.*"), *self.folder.glob(f"{_FRESH}/*")):
            remove_tree(new)  # left by a killed process
        layers = sorted(self.folder.glob("??/*/"), key=lambda one: one.stat().st_mtime)
        sizes = [_size(layer) for layer in layers]
        excess = sum(sizes) - limit_bytes
        removed = 0
        for layer, size in zip(layers, sizes, strict=True):
            if excess <= 0:
                break
            gone = layer.with_name(f".{layer.name}.gone")
            layer.rename(gone)  # so that nobody sees part of a layer
            remove_tree(gone)
            _size_file(layer).unlink()
            excess -= size
            removed += 1
        if removed:
            log.info("removed %d unpacked RPMs, least recently used first", removed)
        return removed

    @contextlib.contextmanager
    def _lock(self, how: int) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, how)
            yield

    def _unpack(self, rpms: Mapping[str, Path]) -> None:
        (self.folder / _FRESH).mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=self.folder / _FRESH))
        try:
            self.rpm.unpack_each(list(rpms.values()), fresh)
            for number, sha256 in enumerate(rpms):
                _put_in_place(fresh / str(number), self._place(sha256))
        finally:
            remove_tree(fresh)


def _verify(rpms: Mapping[str, Path]) -> None:
    for sha256, path in rpms.items():
        if sha256_of(path) != sha256:
            raise OutsideError(
                f"{path} does not match the metadata of its repository",
                hint=f"remove {path.parent} if it is a snapshot; the next round makes it again",
            )


def _put_in_place(new: Path, layer: Path) -> None:
    layer.parent.mkdir(parents=True, exist_ok=True)
    try:
        new.rename(layer)
    except OSError:  # another process was faster
        if not layer.exists():
            raise


def _size(layer: Path) -> int:
    """Return the disk usage of a layer; it is measured once and stored beside the layer."""
    file = _size_file(layer)
    if not file.exists():
        blocks = sum(path.lstat().st_blocks for path in layer.rglob("*"))
        file.write_text(f"{blocks * 512}\n")
    return int(file.read_text())


def _size_file(layer: Path) -> Path:
    return layer.with_name(f"{layer.name}.size")
