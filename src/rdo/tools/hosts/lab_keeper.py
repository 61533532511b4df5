"""The process that keeps a lab's namespaces: its plan, its start and its end.

The work is done by `children/hosts/keep_lab.py`.
"""

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rdo.errors import CommandError, RefusedError
from rdo.run import Runner, run
from rdo.tools.children.hosts import keep_lab
from rdo.tools.detached import identity
from rdo.tools.walls.id_range import id_range, lab_range

_START_SECONDS = 120
_END_SECONDS = 60


@dataclass(frozen=True, slots=True)
class LabHost:
    """A host in the keeper's plan.

    `settings` are files of ours laid over the image, `changes` is the folder for what the host
    itself writes.
    """

    name: str
    address: str
    mac: str
    settings: str
    changes: str


@dataclass(frozen=True, slots=True)
class Served:
    """A folder that the lab's web server serves under a path."""

    path: str
    folder: str


@dataclass(frozen=True, slots=True)
class LabPlan:
    """Everything that a lab is made of; `layers` are those of every host, topmost first.

    `memory` (bytes) and `processes` limit all hosts together.
    """

    name: str
    gateway: str
    prefix: int
    port: int
    layers: tuple[str, ...]
    hosts: tuple[LabHost, ...]
    served: tuple[Served, ...]
    logs: str
    memory: int = 8 << 30
    processes: int = 8192


@dataclass(frozen=True, slots=True)
class LabKeeper:
    """The keeper of the lab in `folder`, whose control group is called `group`."""

    folder: Path
    group: str
    runner: Runner = run

    def start(self, plan: LabPlan) -> None:
        """Make the lab's namespaces and boot its hosts, which continue when we end.

        Raises RefusedError for any user but root, CommandError if this machine does not support it.
        """
        if not id_range().is_root:
            raise RefusedError("only root can start a lab", hint="run the command with sudo")
        ids, images = lab_range(self.group), id_range().uids[0]
        file = self.folder / "plan.json"
        rows = {kind: [row.words for row in getattr(ids, kind)] for kind in ("uids", "gids")}
        rows["images"] = [(images.outside, ids.root[0], images.count)]
        more = {"is_root": True, "root": ids.root, "group": self.group, "keeper": str(self._file)}
        more["held"] = str(Path(plan.layers[0]).parent / "in-use")
        file.write_text(json.dumps(asdict(plan) | rows | more))
        done = self.runner(
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(sys.executable, "-I", keep_lab.__file__, file),
            timeout=_START_SECONDS,
            ok=range(-64, 256),
        )
        if done.returncode:
            raise CommandError(
                f"lab {plan.name} cannot be started: {done.stderr.strip()[-500:]}",
                hint="rdo doctor shows what this machine lacks",
            )

    def make_inside(self, folder: Path) -> None:
        """Make a folder that belongs to root inside the lab, the only user who writes into it."""
        folder.mkdir(exist_ok=True)
        os.chown(folder, *lab_range(self.group).root)

    @property
    def pid(self) -> int:
        """The process that keeps the lab; 0 if it has ended, or was never independent."""
        try:
            found: dict[str, Any] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return 0
        return int(found["pid"]) if found and identity(found["pid"]) == found else 0

    def stop(self) -> None:
        """End every process of the lab, and with them its mounts and networks; remove its group.

        Raises CommandError if processes are left.
        """
        end = time.monotonic() + _END_SECONDS
        while (self._groups() or self.pid) and time.monotonic() < end:
            for process in self._members():
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.kill(process, signal.SIGKILL)
            self._remove_groups()
            time.sleep(0.02)
        if self._groups() or self.pid:
            left = ", ".join(map(str, self._members()))
            raise CommandError(f"processes of the lab in {self.folder} do not end: {left or '-'}")
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.folder / "keeper.json"

    def _members(self) -> list[int]:
        """Return the keeper, then every process in the lab's control group."""
        files = [file for group in self._groups() for file in group.rglob("cgroup.procs")]
        rows = []
        for file in files:
            with contextlib.suppress(OSError):  # the group has just been removed
                rows += [int(word) for word in file.read_text().split()]
        return [*filter(None, [self.pid]), *rows]

    def _groups(self) -> list[Path]:
        places = (top / self.group for top in keep_lab.group_tops())
        return [place for place in places if place.is_dir()]

    def _remove_groups(self) -> None:
        for group in self._groups():
            below = [path for path in group.rglob("*") if path.is_dir()]
            for one in (*sorted(below, key=lambda path: -len(path.parts)), group):
                with contextlib.suppress(OSError):  # a process in it is still ending
                    one.rmdir()
