"""bubblewrap: run a program on untrusted input so that it sees this machine but cannot touch it."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.model.program import Completed
from rdo.run import Runner, run

# The parts of the machine's tree that rpm needs, without homes, data and secrets.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/rpm", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf"),
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The machine's own programs, read-only, without network, privileges, homes and secrets.

    It needs no privileges itself.
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
        """Run a program to its end.

        It finds `files` in /sandbox, and folders at their usual paths. The caller judges the exit
        status.
        """
        with tempfile.TemporaryDirectory(prefix="rdo-sandbox-") as folder:
            for name, content in (files or {}).items():
                Path(folder, name).write_bytes(content)
            command: list[str | Path] = [
                *("bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"),
                *_system_folders(),
                *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
            ]
            for path in readable:
                command += ["--ro-bind", path.resolve(), path.resolve()]
            for path in writable:
                command += ["--bind", path.resolve(), path.resolve()]
            command += ["--ro-bind", folder, "/sandbox", "--chdir", "/sandbox", "--", *argv]
            return self.runner(*command, timeout=timeout, ok=range(256), env=_only_path())


def _system_folders() -> Iterator[str]:
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.exists():
            yield from ("--ro-bind", name, name)


def _only_path() -> dict[str, str | None]:
    """Return an environment without our variables; EL 9's bwrap has no --clearenv yet."""
    kept = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/sandbox", "TZ": "UTC"}
    return {**dict.fromkeys(os.environ), "LC_ALL": "C.UTF-8", **kept}
