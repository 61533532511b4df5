"""A disk that a test can fill."""

import contextlib
import os
import subprocess
from pathlib import Path


class Disk:
    """A separate file system, mounted at a path."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.filler = place / "filler"

    def mount(self, size: str) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.place)]
        subprocess.run(command, check=True)

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.place], check=True)

    def fill(self, *, but: int = 0) -> None:
        """Fill the disk, except for `but` bytes."""
        with self.filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(self.filler, max(0, self.filler.stat().st_size - but))

    def free(self) -> None:
        self.filler.unlink()
