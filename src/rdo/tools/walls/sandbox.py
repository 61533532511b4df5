"""The sandbox for programs that read untrusted files: they see this machine, but change nothing."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.model.program import Completed
from rdo.run import Runner, run
from rdo.tools.walls.entry import Bind, Entry
from rdo.tools.walls.id_range import one_id
from rdo.tools.walls.system_view import shell_binds, system_binds, system_links

_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    "HOME": "/sandbox",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The machine's own programs, read-only, without network, privileges, homes and secrets.

    It needs no privileges itself, and no subordinate ids.
    """

    runner: Runner = run

    def ask(
        self,
        *argv: str | Path,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        files: Mapping[str, bytes] | None = None,
        timeout: float = 30.0,
    ) -> Completed:
        """Run a program to its end; it sees `files` in /sandbox, and folders at their own paths.

        The caller checks the exit status.
        """
        with tempfile.TemporaryDirectory(prefix="rdo-sandbox-") as folder:
            given = Path(folder, "files")
            given.mkdir()
            for name, content in (files or {}).items():
                (given / name).write_bytes(content)
            folders = [
                *(Bind(path, str(path.resolve())) for path in readable),
                *(Bind(path, str(path.resolve()), writable=True) for path in writable),
            ]
            entry = Entry(
                ids=one_id(),
                work=Path(folder, "root"),
                uid=0,
                binds=(*system_binds(), *shell_binds(), *folders, Bind(given, "/sandbox")),
                links=system_links(),
                cwd="/sandbox",
                environment=_ENVIRONMENT,
            )
            command = entry.command([str(word) for word in argv])
            return self.runner(*command, timeout=timeout, ok=range(256))
