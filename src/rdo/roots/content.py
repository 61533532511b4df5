"""The content store: each RPM unpacked once, by its sha256, as a layer for any root."""

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
"""What the layers may take together: some thousands of packages."""

_SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class ContentStore:
    """Folders of unpacked RPMs. An RPM with scriptlets is only marked: it must be installed."""

    folder: Path
    rpm: Rpm = field(default_factory=Rpm)

    def layer(self, path: Path, sha256: str) -> Path | None:
        """The unpacked files of the RPM at `path`; None when it has scriptlets.

        Two workers may unpack the same RPM; the first rename wins and both get the same folder.
        To be asked inside `in_use`, else it may be gone before it is used.
        """
        layer = self.folder / sha256[:2] / sha256[2:34]
        if not layer.exists():
            self._unpack(path, layer)
        os.utime(layer)  # last use, for the bound on the store's size
        return None if (layer / f".{_SCRIPTED}").exists() else layer

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Nothing is removed while anybody is inside; every root is, as long as it lives."""
        with self._lock(fcntl.LOCK_SH):
            yield

    def shrink(self, limit_bytes: int = LIMIT_BYTES) -> int:
        """Remove the layers that were used longest ago until the rest fits; how many they were.

        Does nothing while a root lives anywhere: whoever begins next does it.
        """
        if not self.folder.exists():
            return 0
        with contextlib.suppress(BlockingIOError), self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            return self._shrink(limit_bytes)
        return 0

    def _shrink(self, limit_bytes: int) -> int:
        for new in self.folder.glob("??/.*.*"):  # of a killed process
            shutil.rmtree(new)
        layers = sorted(self.folder.glob("??/*/"), key=lambda one: one.stat().st_mtime)
        sizes = [_size(layer) for layer in layers]
        excess = sum(sizes) - limit_bytes
        removed = 0
        for layer, size in zip(layers, sizes, strict=True):
            if excess <= 0:
                break
            gone = layer.with_name(f".{layer.name}.gone")
            layer.rename(gone)  # no layer is ever seen in part
            shutil.rmtree(gone)
            _size_file(layer).unlink()
            excess -= size
            removed += 1
        if removed:
            log.info("removed %d unpacked RPMs that were used longest ago", removed)
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
    """What a layer takes on the disk; counted once and written beside it."""
    file = _size_file(layer)
    if not file.exists():
        blocks = sum(path.lstat().st_blocks for path in layer.rglob("*"))
        file.write_text(f"{blocks * 512}\n")
    return int(file.read_text())


def _size_file(layer: Path) -> Path:
    return layer.with_name(f"{layer.name}.size")
