"""The content store: each RPM unpacked once, by its sha256, as a layer for any root."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from rdo.tools.rpm import Rpm

_SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class ContentStore:
    """Folders of unpacked RPMs. An RPM with scriptlets is only marked: it must be installed."""

    folder: Path
    rpm: Rpm = field(default_factory=Rpm)

    def layer(self, path: Path, sha256: str) -> Path | None:
        """The unpacked files of the RPM at `path`; None when it has scriptlets.

        Two workers may unpack the same RPM; the first rename wins and both get the same folder.
        """
        layer = self.folder / sha256[:2] / sha256[2:34]
        if not layer.exists():
            self._unpack(path, layer)
        os.utime(layer)  # last use, for the bound on the store's size
        return None if (layer / f".{_SCRIPTED}").exists() else layer

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
