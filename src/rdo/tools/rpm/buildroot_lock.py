"""mock's `buildroot_lock.json`: the packages of a chroot, from which mock can make it again."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rdo.errors import CommandError, NotFoundError
from rdo.tools.walls.sandbox import Sandbox

NAME = "buildroot_lock.json"


@dataclass(frozen=True, slots=True)
class BuildrootLock:
    """The content of a lock that mock has written.

    `trees` are folders of this machine by the URLs at which they are served. dnf names the RPMs of
    a folder by its URL if there is a `mirrorlist` in the folder.
    """

    content: Mapping[str, Any]
    trees: Mapping[str, Path]

    @classmethod
    def read(cls, file: Path, trees: Mapping[str, Path]) -> "BuildrootLock":
        """Return a lock; raises NotFoundError if the file is not one."""
        try:
            content = json.loads(file.read_text())
            names = [Path(row["url"]).name for row in content["buildroot"]["rpms"]]
            is_lock = all(name.endswith(".rpm") for name in names) and "config" in content
        except (ValueError, KeyError, TypeError):
            is_lock = False
        if not is_lock:
            raise NotFoundError(f"{file} is not a lock of mock's")
        return cls(content, trees)

    @property
    def has_image(self) -> bool:
        """Whether it names a bootstrap image, ready for use, in which mock repeats a build."""
        known = self.content.get("bootstrap") or {}
        is_known = all(known.get(key) for key in ("pull_digest", "image_digest"))
        return bool(is_known and self.content["config"].get("bootstrap_image_ready"))

    def copy_local(self, folder: Path) -> None:
        """Copy the RPMs that are files of this machine; raises NotFoundError if some are gone."""
        files = [file for row in self._rows if (file := self._local(row["url"]))]
        if gone := [str(file) for file in files if not file.is_file()]:
            raise NotFoundError(f"RPMs of the chroot are gone: {', '.join(gone)}")
        for file in files:
            shutil.copyfile(file, folder / file.name)

    def write_remote(self, file: Path) -> None:
        """Write the lock without the RPMs that `copy_local` copies.

        mock-hermetic-repo only fetches by HTTP.
        """
        rpms = [row for row in self._rows if not self._local(row["url"])]
        file.write_text(json.dumps({**self.content, "buildroot": {"rpms": rpms}}))

    def check(self, folder: Path) -> None:
        """Raise CommandError if a folder lacks RPMs of the lock, or their checksums differ.

        Signatures are ignored. mock itself does not verify the checksums in its lock.
        """
        files = sorted(folder.glob("*.rpm"))
        query = ("rpm", "-qp", "--nosignature", "--nodigest", "--qf", "%{SIGMD5}\\n")
        found = set(Sandbox().ask(*query, *files, readable=[folder], timeout=600).stdout.split())
        other = [unquote(Path(row["url"]).name) for row in self._rows if row["sigmd5"] not in found]
        if other:
            raise CommandError(f"RPMs are not those that the chroot had: {', '.join(other)}")

    @property
    def _rows(self) -> Sequence[Mapping[str, Any]]:
        rows: Sequence[Mapping[str, Any]] = self.content["buildroot"]["rpms"]
        return rows

    def _local(self, url: str) -> Path | None:
        """Return the path of a URL on this machine; None if it is elsewhere."""
        for top, folder in {"file://": Path("/"), **self.trees}.items():
            if url.startswith(f"{top}/"):
                return folder / unquote(url.removeprefix(f"{top}/"))
        return None
