"""Read RPM files that strangers made, in a child process that can only answer.

The child (`children/reading/read_rpms.py`) gets open files and no paths. It runs as nobody, in
namespaces of its own without network, and sees only the machine's programs. The kernel ends it if
it exceeds its limits of time, memory and output.
"""

import contextlib
import importlib.util
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.errors import CommandError, RefusedError
from rdo.run import Runner, run
from rdo.tools.walls.entry import Bind, Entry
from rdo.tools.walls.id_range import one_id
from rdo.tools.walls.limits import within
from rdo.tools.walls.system_view import system_binds, system_links

PER_CHILD = 100
"""How many files one child reads; a build has fewer."""

MAX_FILES = 2_000
"""Maximum number of RPMs of a build."""

_SECONDS = 300.0
_PLACE = "/reader"


@dataclass(frozen=True, slots=True)
class RpmReader:
    """Reads batches of RPM files; `rdo.repodata` interprets the answers."""

    runner: Runner = run
    child: Path = Path(__file__).parents[1] / "children" / "reading" / "read_rpms.py"

    def read(self, rpms: Sequence[Path]) -> list[dict[str, Any]]:
        """Return what createrepo_c and rpm find in each file, in order.

        Raises RefusedError, which names the file, for one that they cannot read or that breaks the
        child; CommandError if no child can be started.
        """
        if len(rpms) > MAX_FILES:
            raise RefusedError(f"a build may give {MAX_FILES} RPMs, not {len(rpms)}")
        batches = (rpms[start : start + PER_CHILD] for start in range(0, len(rpms), PER_CHILD))
        return [row for batch in batches for row in self._read(batch)]

    def _read(self, rpms: Sequence[Path]) -> list[dict[str, Any]]:
        with _opened(rpms) as files, tempfile.TemporaryDirectory(prefix="rdo-rpms-") as folder:
            words = [str(word) for pair in zip(files, rpms, strict=True) for word in _named(*pair)]
            entry = _entry(Path(folder, "root"), self.child)
            command = entry.command([_python(), "-I", "-S", f"{_PLACE}/{self.child.name}", *words])
            bounds = within(memory_bytes=4 * 10**9, seconds=120, file_bytes=10**9)
            try:
                done = self.runner(
                    *bounds, *command, timeout=_SECONDS, ok=range(256), descriptors=files
                )
            except CommandError as error:  # it took too long, or printed too much
                raise RefusedError(f"cannot read {_names(rpms)}: {error}") from error
        rows = [_row(line) for line in done.stdout.splitlines(keepends=True)]
        for path, row in zip(rpms, rows, strict=False):
            if row is None or "refused" in row:
                why = str(row["refused"]) if row else "the answer is not complete"
                raise RefusedError(f"cannot publish {path.name}: {why}")
        if len(rows) < len(rpms):
            if not rows and done.stderr:
                raise CommandError(f"RPMs cannot be read here: {done.stderr.strip()[-500:]}")
            why = f"reading it ended with status {done.returncode}"
            raise RefusedError(f"cannot publish {rpms[len(rows)].name}: {why}")
        return [row for row in rows if row]


def _entry(work: Path, child: Path) -> Entry:
    """Return the child's view: the system, the interpreter, createrepo_c and the child itself."""
    package = _package("createrepo_c")
    libraries = package.with_name("createrepo_c.libs")
    shown = [Bind(child, f"{_PLACE}/{child.name}"), Bind(package, f"{_PLACE}/{package.name}")]
    if libraries.is_dir():
        shown.append(Bind(libraries, f"{_PLACE}/{libraries.name}"))
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        shown.append(Bind(Path(sys.base_prefix), sys.base_prefix))
    return Entry(
        ids=one_id(),
        work=work,
        uid=0,
        binds=(*system_binds(), *shown),
        links=system_links(),
        processes=64,
        environment={
            "PATH": "/usr/bin:/bin",
            "HOME": "/",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "CREATEREPO": _PLACE,
        },
    )


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise CommandError(f"the Python package {name} is not installed")
    return Path(found.origin).parent


def _python() -> str:
    """Return the interpreter itself, because its virtual environment is not shown to the child."""
    return os.path.realpath(sys.executable)


@contextlib.contextmanager
def _opened(rpms: Sequence[Path]) -> Iterator[list[int]]:
    """Open regular files, for their descriptors; RefusedError for anything else."""
    with contextlib.ExitStack() as stack:
        files = []
        for path in rpms:
            try:
                file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                raise RefusedError(f"cannot publish {path.name}: {error.strerror}") from error
            stack.callback(os.close, file)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise RefusedError(f"cannot publish {path.name}: not a regular file")
            files.append(file)
        yield files


def _named(file: int, path: Path) -> tuple[int, str]:
    return file, path.name


def _names(rpms: Sequence[Path]) -> str:
    return rpms[0].name if len(rpms) == 1 else f"{rpms[0].name} and {len(rpms) - 1} more"


def _row(line: str) -> dict[str, Any] | None:
    """Return one line of the answer; None if the child ended in it, or if it is invalid."""
    try:
        row = json.loads(line) if line.endswith("\n") else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
