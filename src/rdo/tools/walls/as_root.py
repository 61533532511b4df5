"""Run programs of this machine that must be root, as root over only a few folders.

They see the machine's own programs and the folders that they are given. An ordinary user can be
this root, and root outside gives no privileges away.
"""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.model.program import Bounds, Completed, Logged
from rdo.run import Runner, run, run_logged
from rdo.tools.walls.entry import EVERY, Bind, Entry
from rdo.tools.walls.id_range import id_range
from rdo.tools.walls.system_view import system_binds, system_links

_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
_CONFIGURATION = ("/etc",)


@dataclass(frozen=True, slots=True)
class AsRoot:
    """Runs programs as root of their own namespaces; `binds` are all they may read or write.

    With `has_network` they see the machine's network and its configuration in /etc; only for
    programs that we trust.
    """

    binds: tuple[Bind, ...]
    has_network: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    runner: Runner = run

    def ask(
        self, *argv: str, timeout: float = 3600, ok: Collection[int] = (0,), stdin: bytes = b""
    ) -> Completed:
        """Run a program to its end and return its output; CommandError unless status is in `ok`."""
        with tempfile.TemporaryDirectory(prefix="rdo-as-root-") as folder:
            return self.runner(
                *self._command(Path(folder), argv), timeout=timeout, ok=ok, stdin=stdin
            )

    def log(self, *argv: str, log_file: Path, bounds: Bounds) -> Logged:
        """Run a long program, writing to `log_file`."""
        with tempfile.TemporaryDirectory(prefix="rdo-as-root-") as folder:
            return run_logged(*self._command(Path(folder), argv), log_file=log_file, bounds=bounds)

    def _command(self, work: Path, argv: Sequence[str]) -> list[str]:
        return Entry(
            ids=id_range(),
            work=work / "root",
            uid=0,
            binds=(*system_binds(_CONFIGURATION if self.has_network else ()), *self.binds),
            links=system_links(),
            capabilities=EVERY,
            has_network=self.has_network,
            may_mount=True,
            environment={**_ENVIRONMENT, **dict(self.environment)},
        ).command(argv)
