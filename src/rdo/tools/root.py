"""A root made of layers, and running programs inside it.

`children/enter_root.py` does the work under util-linux's `unshare`: every entry has its own
mount, pid, ipc, uts and network namespaces (loopback only), so nothing stays mounted and no
process survives, even after kill -9.
"""

import json
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError
from rdo.model.program import Bounds, Completed, Logged
from rdo.run import hand_over, run, run_logged
from rdo.tools.children import enter_root

BUILD_UID = 61184
"""The user that runs builds in a root; it has no privileges there and no equal on the host."""

_UNSHARE = (
    *("setpriv", "--pdeathsig", "KILL"),  # so it ends if we are killed; --kill-child ends the rest
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"),
    *("--ipc", "--uts", "--net", "--"),
)
_ENVIRONMENT = {
    "PATH": "/usr/bin:/usr/sbin:/bin:/sbin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
}


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host that is visible in the root, read-only unless `writable`."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """Layers, topmost first, under a writable folder of its own.

    `work` holds what programs in the root write (`work/upper`). It is kept between entries, so that
    a root can be entered again; the caller removes it. `may_chroot` leaves that right to privileged
    programs, for an rpm that installs into a folder.
    """

    layers: tuple[Path, ...]
    work: Path
    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int = 4096
    may_chroot: bool = False

    @property
    def upper(self) -> Path:
        """The folder on the host with the files written in the root.

        Files of layers are not there.
        """
        return self.work / "upper"

    def ask(
        self,
        *argv: str,
        privileged: bool = False,
        cwd: str = "/",
        timeout: float = 600,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
    ) -> Completed:
        """Run a program in the root to its end and return its output.

        Raises CommandError for an exit status that is not in `ok`.
        """
        command = self._command(argv, privileged, cwd)
        done = run(*command, timeout=timeout, ok=range(256), stdin=stdin)
        if done.returncode not in ok:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:]
            raise CommandError(
                f"{shlex.join(argv)} in a root: exit status {done.returncode}\n{said}"
            )
        return done

    def log(
        self,
        *argv: str,
        log_file: Path,
        cwd: str = "/",
        bounds: Bounds,
    ) -> Logged:
        """Run a long program in the root as the build user and write its output to `log_file`."""
        command = self._command(argv, False, cwd)
        return run_logged(*command, log_file=log_file, bounds=bounds)

    def hand_over(self, *argv: str, privileged: bool = False, cwd: str = "/") -> int:
        """Connect a program in the root to the terminal and return its exit status."""
        return hand_over(*self._command(argv, privileged, cwd))

    def _command(self, argv: Sequence[str], privileged: bool, cwd: str) -> list[str]:
        self.work.mkdir(parents=True, exist_ok=True)
        user = 0 if privileged else BUILD_UID
        plan = {
            "layers": [str(layer.resolve()) for layer in self.layers],
            "work": str(self.work.resolve()),
            "binds": [[str(b.source.resolve()), b.target, b.writable] for b in self.binds],
            "uid": user,
            "gid": user,
            "processes": self.processes,
            "may_chroot": self.may_chroot,
            "cwd": cwd,
            "env": {
                **_ENVIRONMENT,
                "HOME": "/root" if privileged else "/builddir",
                **self.environment,
            },
            "argv": list(argv),
        }
        script = Path(enter_root.__file__)
        return [*_UNSHARE, sys.executable, "-I", "-S", str(script), json.dumps(plan)]
