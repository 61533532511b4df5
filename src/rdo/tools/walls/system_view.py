"""This machine's own programs as a root of namespaces shows them, and nothing else of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rdo.tools.walls.entry import Bind

# What programs need of the machine's tree; homes, data and secrets are not among it.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/rpm", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf"),
)


def system_binds(more: Sequence[str] = ()) -> tuple[Bind, ...]:
    """Return the folders of the machine's programs, and `more` of the machine, all read-only."""
    return tuple(Bind(path, str(path)) for path in _present(more) if not path.is_symlink())


def system_links() -> tuple[tuple[str, str], ...]:
    """Return the symbolic links among them, such as /bin -> usr/bin: target and name."""
    return tuple((str(path.readlink()), str(path)) for path in _present() if path.is_symlink())


def shell_binds() -> tuple[Bind, ...]:
    """Return what makes `sh` bash, as in the roots that build: specs' `%(…)` count on it."""
    bash, shell = Path("/bin/bash"), Path("/bin/sh")
    if not bash.exists() or bash.resolve() == shell.resolve():
        return ()
    return (Bind(bash.resolve(), str(shell.resolve())),)


def _present(more: Sequence[str] = ()) -> Iterator[Path]:
    return (path for path in map(Path, (*_SYSTEM, *more)) if path.exists())
