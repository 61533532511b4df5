"""The journal of a cloud: each step is written to disk before the next one begins."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class InstallEntry:
    """A line of the journal: a run that began or ended, or a step on a host."""

    when: float
    what: str
    host: str = ""
    step: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class InstallJournal:
    """The journal in a cloud's state folder, without secrets; only its owner can read it."""

    folder: Path

    def write(self, what: str, host: str = "", step: str = "", said: str = "") -> None:
        """Add a line, and return when it is on disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = json.dumps(asdict(InstallEntry(time.time(), what, host, step, said))) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w") as file:
            # this line must not continue one that a kill or a full disk has cut off
            file.write(line if self._ends_whole() else "\n" + line)
            file.flush()
            os.fsync(file.fileno())

    def last_run(self) -> list[InstallEntry]:
        """Return the lines of the last run, oldest first; empty if there was none."""
        entries = list(self._entries())
        begins = [number for number, one in enumerate(entries) if one.what == "run"]
        return entries[begins[-1] :] if begins else []

    @property
    def _path(self) -> Path:
        return self.folder / _FILE

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return True
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def _entries(self) -> Iterator[InstallEntry]:
        if not self._path.exists():
            return
        for line in self._path.read_text(errors="replace").splitlines():
            try:
                yield InstallEntry(**json.loads(line))
            except (ValueError, TypeError):
                continue  # a kill has cut it off
