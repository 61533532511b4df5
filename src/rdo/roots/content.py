"""The content store: each RPM is unpacked once, by its sha256, as a layer for any root."""

import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rdo.tools.rpm import Rpm

log = logging.getLogger(__name__)

LIMIT_BYTES = 20_000_000_000
"""Maximum size of all layers together: enough for some thousands of packages."""

_SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class ContentStore:
    """A folder of unpacked RPMs.

    An RPM with scriptlets is only marked, because rpm must install it.
    """

    folder: Path
    rpm: Rpm = field(default_factory=Rpm)

    def layer(self, path: Path, sha256: str) -> Path | None:
        """Return the folder with the unpacked files of an RPM, or None if the RPM has scriptlets.

        Two workers may unpack the same RPM; the first rename wins and both get the same folder.
        Call it inside `in_use`: outside, the layer may be removed before it is used.
        """
        layer = self.folder / sha256[:2] / sha256[2:34]
        if not layer.exists():
            self._unpack(path, layer)
        os.utime(layer)  # last use, for the bound on the store's size
        return None if (layer / f".{_SCRIPTED}").exists() else layer

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep every layer in place inside the block.

        Each root holds this for as long as it exists.
        """
        with self._lock(fcntl.LOCK_SH):
            yield

    def shrink(self, limit_bytes: int = LIMIT_BYTES) -> int:
        """Remove the least recently used layers until the rest fits; return how many it removed.

        Does nothing while any root exists; the next process that starts without one does it.
        """
        if not self.folder.exists():
            return 0
        with contextlib.suppress(BlockingIOError), self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            return self._shrink(limit_bytes)
        return 0

    def _shrink(self, limit_bytes: int) -> int:
        for new in self.folder.glob("??/.*.*"):  # left by a killed process
            shutil.rmtree(new)
        layers = sorted(self.folder.glob("??/*/"), key=lambda one: one.stat().st_mtime)
        sizes = [_size(layer) for layer in layers]
        excess = sum(sizes) - limit_bytes
        removed = 0
        for layer, size in zip(layers, sizes, strict=True):
            if excess <= 0:
                break
            gone = layer.with_name(f".{layer.name}.gone")
            layer.rename(gone)  # so that nobody sees part of a layer
            shutil.rmtree(gone)
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

    def _unpack(self, path: Path, layer: Path) -> None:
        new = layer.with_name(f".{layer.name}.{os.getpid()}.{id(layer)}")
        new.mkdir(parents=True)
        if self.rpm.has_scriptlets(path):
            (new / f".{_SCRIPTED}").touch()
        else:
            self.rpm.unpack(path, new)
            shutil.rmtree(new / ".rpmdb", ignore_errors=True)
        try:
            new.rename(layer)
        except OSError:
            if not layer.exists():
                raise
            shutil.rmtree(new)


def _size(layer: Path) -> int:
    """Return the disk usage of a layer; it is measured once and written beside the layer."""
    file = _size_file(layer)
    if not file.exists():
        blocks = sum(path.lstat().st_blocks for path in layer.rglob("*"))
        file.write_text(f"{blocks * 512}\n")
    return int(file.read_text())


def _size_file(layer: Path) -> Path:
    return layer.with_name(f"{layer.name}.size")
