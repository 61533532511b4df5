"""A place outside that is reached by rsync, with its own protocol or over ssh."""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rdo.errors import CommandError, OutsideError
from rdo.log_tail import last_line
from rdo.model.outside import OutsideListing
from rdo.run import Runner, run
from rdo.tools.hosts.access import SshAccess

_ROW = re.compile(r"(?P<mode>\S{10}) +(?P<size>\d+) \S+ \S+ (?P<name>.*)")
_NO_SUCH_FILE = 23  # "partial transfer", also for a folder that does not exist yet
_VANISHED = 24  # the file to remove is not in the folder that we send
_CLOSED = "rsync: connection unexpectedly closed"
_SILENCE_SECONDS = 60
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class RsyncPlace:
    """`url` is rsync://HOST/MODULE/PATH, or ssh://USER@HOST/PATH, which `access` reaches.

    rsync writes each file beside its place and renames it, so each appears complete. rsync must be
    3.2.3 or newer on both sides.
    """

    url: str
    access: SshAccess | None = None
    password_file: Path | None = None
    has_links: bool = True
    runner: Runner = run

    def listing(self) -> OutsideListing:
        """Return the files there; nothing if the folder does not exist yet.

        Raises OutsideError if the place cannot be reached.
        """
        files: dict[str, int] = {}
        links: dict[str, str] = {}
        text = self._rsync("--list-only", "-rl", "--no-h", self._place, missing_is_empty=True)
        for row in filter(None, map(_ROW.fullmatch, text.splitlines())):
            if row["mode"].startswith("l"):
                name, _, leads = row["name"].partition(" -> ")
                links[name] = leads
            elif row["mode"].startswith("-"):
                files[row["name"]] = int(row["size"])
        return OutsideListing(files, links)

    def send(self, stage: Path, paths: Iterable[str]) -> None:
        """Send files of the folder `stage` to the same paths; raises OutsideError."""
        options = ("--times", "--ignore-times", "--chmod=D755,F644")
        self._transfer(options, stage, paths)

    def point(self, links: Mapping[str, str]) -> None:
        """Make links point to their targets, each by one rename; raises OutsideError."""
        with tempfile.TemporaryDirectory() as folder:
            for path, leads in links.items():
                place = Path(folder, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(leads)
            self._transfer(("--links",), Path(folder), links)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, links, and folders with everything in them; raises OutsideError."""
        with tempfile.TemporaryDirectory() as folder:
            self._transfer(("--delete-missing-args", "--force"), Path(folder), paths)

    def _transfer(self, options: tuple[str, ...], stage: Path, paths: Iterable[str]) -> None:
        names = "\0".join(paths).encode()
        if names:
            options = (*options, "--mkpath", "--from0", "--files-from=-")
            self._rsync(*options, f"{stage}/", self._place, stdin=names)

    @property
    def _place(self) -> str:
        if self.access is None:
            return f"{self.url.rstrip('/')}/"
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
        return f"{f'{parts.username}@' if parts.username else ''}{host}:{parts.path.rstrip('/')}/"

    def _rsync(self, *args: str, stdin: bytes = b"", missing_is_empty: bool = False) -> str:
        command = ["rsync", f"--timeout={_SILENCE_SECONDS}", "--secluded-args"]
        environment: dict[str, str | None] = {}
        if self.access:
            port = urlsplit(self.url).port
            ssh = ["ssh", *self.access.options(), *(("-p", str(port)) if port else ())]
            environment["RSYNC_RSH"] = " ".join(map(_quoted, ssh))
        if self.password_file:
            command.append(f"--password-file={self.password_file}")
        allowed = (0, _VANISHED, *((_NO_SUCH_FILE,) if missing_is_empty else ()))
        env = {**os.environ, **environment}
        try:
            done = self.runner(*command, *args, stdin=stdin, env=env, timeout=_HOUR, ok=allowed)
        except CommandError as error:
            told = str(error)
            raise self._unreachable(told.partition("\n")[2] or told) from error
        if done.returncode == _NO_SUCH_FILE and "No such file or directory" not in done.stderr:
            raise self._unreachable(done.stderr)
        return done.stdout

    def _unreachable(self, said: str) -> OutsideError:
        return OutsideError(
            f"rsync cannot work on {self.url}: {_cause(said)}",
            hint="what was sent stays; the next push continues from there",
        )


def _cause(said: str) -> str:
    """Return the line with the cause; the last ones of rsync only say that it ends.

    >>> _cause("ssh: no route to host\\nrsync: connection unexpectedly closed\\nrsync error: 255")
    'ssh: no route to host'
    """
    lines = [line for line in said.splitlines() if line.strip()]
    without_end = [line for line in lines if not line.startswith("rsync error:")]
    causes = [line for line in without_end if not line.startswith(_CLOSED)]
    return last_line("\n".join(causes or without_end or lines))


def _quoted(word: str) -> str:
    """Return a word quoted for RSYNC_RSH, where quotes are doubled inside quotes."""
    return "'" + word.replace("'", "''") + "'"
