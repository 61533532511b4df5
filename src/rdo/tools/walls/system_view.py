"""Show this machine's own programs, and nothing else of it, in a root of namespaces."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rdo.tools.walls.entry import Bind

# The parts of the machine's tree that programs need, without homes, data and secrets.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/rpm", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf"),
)


def system_binds(more: Sequence[str] = ()) -> tuple[Bind, ...]:
    """Return the folders of the machine's programs, and `more` of its folders, all read-only."""
    return tuple(Bind(path, str(path)) for path in _present(more) if not path.is_symlink())


def system_links() -> tuple[tuple[str, str], ...]:
    """Return the symbolic links among them, such as /bin -> usr/bin: target and name."""
    return tuple((str(path.readlink()), str(path)) for path in _present() if path.is_symlink())


def shell_binds() -> tuple[Bind, ...]:
    """Return binds that make `sh` bash, as in build roots, because `%(…)` in specs expects it."""
    bash, shell = Path("/bin/bash"), Path("/bin/sh")
    if not bash.exists() or bash.resolve() == shell.resolve():
        return ()
    return (Bind(bash.resolve(), str(shell.resolve())),)


def _present(more: Sequence[str] = ()) -> Iterator[Path]:
    return (path for path in map(Path, (*_SYSTEM, *more)) if path.exists())
