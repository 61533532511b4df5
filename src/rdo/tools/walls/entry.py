"""Run a program in namespaces of its own: its view, its user, and its limits.

The work is done by `children/enter_root.py`. Every entry has its own user, mount, pid, ipc, uts,
cgroup and (unless it has network) network namespaces, so nothing stays mounted and no process
survives, even after kill -9.
"""

import marshal
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rdo
from rdo.tools.walls.id_range import IdRange
from rdo.tools.walls.seccomp import filter_program

INSTALLING = (0, 1, 2, 3, 4, 5, 6, 7, 8, 31)
"""Capabilities that installing packages needs (capabilities(7)): CHOWN DAC_OVERRIDE
DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP SETFCAP. None reaches out of the root."""

CHROOT = 18
"""The capability SYS_CHROOT."""

EVERY = tuple(range(64))
"""All capabilities; they apply only to what belongs to the namespaces."""

FAILED = "enter-root: "
"""The beginning of the error message if a program was not started for lack of a root."""

LIMIT = "limit"
"""The file beside a plan with the name of the limit that ended a program."""

# `-S` leaves out the folder where rdo is. A module is compiled once, a script at each start.
_ENTER = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from rdo.tools.children.enter_root import main; sys.exit(main())"
)
# It ends when we are killed; its own children end with it.
_START = ("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-I", "-S", "-c", _ENTER)
_FOLDERS = ("layers", "upper", "merged")


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host that is visible inside, read-only unless `writable`."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One program's view of the machine.

    `layers`, topmost first, are below a writable folder that is kept in `work`; without any the
    root is empty and in memory. `links` are symbolic links, target and name; `inner_binds` show a
    folder of the root at another path. `copies` are folders inside, from and to, that the program's
    own user copies before it begins. `folders` are made for that user.
    """

    ids: IdRange
    work: Path
    uid: int
    layers: tuple[Path, ...] = ()
    binds: tuple[Bind, ...] = ()
    inner_binds: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[int, ...] = ()
    has_network: bool = False
    may_mount: bool = False
    processes: int = 4096
    disk_bytes: int | None = None
    memory_bytes: int | None = None
    cwd: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` there; `work` contains what it needs, for one run."""
        for folder in (self.work, *(self.work / name for name in _FOLDERS)):
            folder.mkdir(parents=True, exist_ok=True)
            if self.ids.is_root:
                os.chown(folder, *self.ids.root)
        (self.work / LIMIT).unlink(missing_ok=True)
        return self._start(self._plan(argv))

    def removing(self, folder: Path) -> list[str]:
        """Return the command that removes a folder as root of the user namespace."""
        plan = self._plan(()) | {"removes": folder.name, "work": str(folder.parent)}
        return self._start(plan)

    def _start(self, plan: dict[str, Any]) -> list[str]:
        return [*_START, str(Path(rdo.__file__).parents[1]), str(_write(plan, self.work))]

    def _plan(self, argv: Sequence[str]) -> dict[str, Any]:
        return {
            "uids": [row.words for row in self.ids.uids],
            "gids": [row.words for row in self.ids.gids],
            "is_root": self.ids.is_root,
            "layers": [str(layer.resolve()) for layer in self.layers],
            "work": str(self.work.resolve()),
            "removes": "",
            "binds": [_row(one) for one in self.binds],
            "inner_binds": self.inner_binds,
            "links": self.links,
            "folders": self.folders,
            "copies": self.copies,
            "uid": self.uid,
            "capabilities": self.capabilities,
            "has_network": self.has_network,
            "filter": filter_program(platform.machine(), may_mount=self.may_mount).hex(),
            "processes": self.processes,
            "disk_bytes": self.disk_bytes,
            "memory_bytes": self.memory_bytes,
            "cwd": self.cwd,
            "env": dict(self.environment),
            "argv": list(argv),
        }


def written_in(work: Path) -> Path:
    """Return the folder, in the work folder of an entry, into which programs inside write."""
    return work / "upper"


def _row(bind: Bind) -> dict[str, object]:
    source = bind.source.resolve()
    return {
        "source": str(source),
        "target": bind.target,
        "writable": bind.writable,
        "is_folder": source.is_dir(),
    }


def _write(plan: dict[str, Any], folder: Path) -> Path:
    """Write the plan to a file, because every user of the machine can read arguments."""
    descriptor, name = tempfile.mkstemp(prefix="plan-", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        marshal.dump(plan, file)
    return Path(name)
