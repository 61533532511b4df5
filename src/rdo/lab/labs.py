"""The labs of a data folder: start, list, reset and end them.

A lab is a folder. `lab.json` is written before anything else of the lab, and its state is `up` only
once every host has answered. In any other state the lab's command was killed, and the next command
removes the lab. A running lab is one process tree with its own namespaces
(`rdo.tools.hosts.lab_keeper`); ending that tree ends the lab.
"""

import contextlib
import hashlib
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from rdo import atomic, lock
from rdo.errors import CommandError, ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.lab.addresses import GATEWAY, MOST_HOSTS, PORT, PREFIX, HostAddress
from rdo.lab.settings_layer import HostSettings, known_host
from rdo.log_tail import last_line, read_tail
from rdo.tools.hosts.lab_keeper import LabHost, LabKeeper, LabPlan, Served
from rdo.tools.hosts.lab_ssh import Ssh, make_key
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_BOOT_SECONDS = 60
_PROCESSES = 8192
"""Average number of processes per host; a whole cloud on one host has about 600."""
_STATE, _KEY, _KNOWN_HOSTS = "lab.json", "key", "known_hosts"


class LabState(StrEnum):
    """The state of a lab: starting, up, stopping, or ended from outside (machine restarted)."""

    STARTING = "starting"
    UP = "up"
    ENDING = "ending"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPurpose:
    """What a lab is made from.

    `repository` is the name of the target's repository that its hosts use; `layers` are their
    image, topmost first; `served` maps paths of its web server to folders. `memory_gb` is how much
    memory each host may use.
    """

    target: str
    repository: str
    hosts: int
    releasever: str
    layers: tuple[Path, ...]
    served: Mapping[str, Path]
    repo_files: Mapping[str, str]
    memory_gb: int = 8


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab as shown by `rdo lab list`; `seconds` is how long its hosts took to answer."""

    name: str
    state: LabState
    target: str
    repository: str
    hosts: tuple[HostAddress, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Labs:
    """The labs in `folder`, one subfolder each."""

    folder: Path

    def all(self) -> list[Lab]:
        """Return every lab, after removing the leftovers of killed commands."""
        self.remove_leftovers()
        return [self._shown(path.parent) for path in sorted(self.folder.glob(f"*/{_STATE}"))]

    def up(self, name: str, purpose: LabPurpose) -> Lab:
        """Start a lab, and return when every host answers by ssh.

        Raises ConfigError for an invalid name, RefusedError if the lab exists, CommandError if it
        does not start; then nothing of it is left.
        """
        check_name(name)
        if not 1 <= purpose.hosts <= MOST_HOSTS:
            raise ConfigError(f"a lab has 1 to {MOST_HOSTS} hosts, not {purpose.hosts}")
        self.remove_leftovers()
        folder = self.folder / name
        with self._alone(name, "starting it"):
            if (folder / _STATE).exists():
                raise RefusedError(
                    f"there is a lab {name} already",
                    hint=f"rdo lab reset {name} starts it afresh, rdo lab down {name} removes it",
                )
            hosts = tuple(HostAddress.of(number + 1) for number in range(purpose.hosts))
            lab = Lab(name, LabState.STARTING, purpose.target, purpose.repository, hosts)
            try:
                self._write(folder, lab, _plan(folder, lab, purpose))
                self._prepare(folder, lab, purpose)
                return self._start(folder, lab)
            except BaseException:
                self._remove(folder)
                raise

    def reset(self, name: str) -> Lab:
        """Return a lab to the state of its first boot; everything its hosts have written is lost.

        Raises NotFoundError if there is no such lab, CommandError if it does not start.
        """
        self.remove_leftovers()
        with self._alone(name, "resetting it"):
            folder = self._folder(name)
            before = _read(folder)
            lab = Lab(name, LabState.STARTING, before.target, before.repository, before.hosts)
            self._write(folder, lab, _plan_of(folder))
            try:
                _keeper(folder).stop()
                for host in lab.hosts:
                    remove_tree(folder / host.name / "changes")
                return self._start(folder, lab)
            except BaseException:
                self._remove(folder)
                raise

    def down(self, name: str) -> None:
        """Stop a lab and remove everything of it; NotFoundError if there is no such lab."""
        with self._alone(name, "removing it"):
            folder = self._folder(name)
            ending = replace(_read(folder), state=LabState.ENDING)
            self._write(folder, ending, _plan_of(folder))
            self._remove(folder)
        self.remove_leftovers()

    def ssh(self, name: str, host: str) -> Ssh:
        """Return the ssh access to a host of a lab.

        Raises NotFoundError if there is no such host, CommandError if the lab does not run.
        """
        self.remove_leftovers()
        folder = self._folder(name)
        lab = _read(folder)
        found = next((one for one in lab.hosts if one.name == host), None)
        if found is None:
            known = [one.name for one in lab.hosts]
            raise NotFoundError(
                f"lab {name} has no host {host!r}{did_you_mean(host, known)}",
                hint=f"it has {', '.join(known)}",
            )
        return _ssh(folder, self._running(folder, lab), found)

    def host_of(self, text: str) -> tuple[str, str]:
        """Return lab and host of `LAB/HOST`, or of `HOST` if there is one lab.

        Raises NotFoundError if there is none, ConfigError if there are several.
        """
        lab, slash, host = text.rpartition("/")
        if slash:
            return lab, host
        names = [path.parent.name for path in sorted(self.folder.glob(f"*/{_STATE}"))]
        if not names:
            raise NotFoundError("there is no lab", hint="start one with: rdo lab up NAME")
        if len(names) > 1:
            raise ConfigError(
                f"there are several labs: {', '.join(names)}", hint=f"name one: {names[0]}/{host}"
            )
        return names[0], host

    def remove_leftovers(self) -> list[str]:
        """Remove the leftovers of labs whose commands were killed; return their names."""
        removed = []
        for folder in sorted(path for path in self.folder.glob("*/") if not _is_whole(path)):
            with contextlib.suppress(RefusedError), self._alone(folder.name, "cleaning it up"):
                if not _is_whole(folder):  # another command may have completed it
                    self._remove(folder)
                    removed.append(folder.name)
        if removed:
            log.warning("removed what a killed command left behind: %s", ", ".join(removed))
        return removed

    def _alone(self, name: str, purpose: str) -> contextlib.AbstractContextManager[None]:
        return lock.hold(self.folder / f".{name}.lock", purpose=f"lab {name}: {purpose}")

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        if not _NAME.fullmatch(name) or not (folder / _STATE).exists():
            known = [path.parent.name for path in self.folder.glob(f"*/{_STATE}")]
            raise NotFoundError(
                f"there is no lab {name!r}{did_you_mean(name, known)}",
                hint="rdo lab list shows the labs",
            )
        return folder

    def _write(self, folder: Path, lab: Lab, plan: object) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {"lab": asdict(lab), "plan": plan}
        atomic.write_file(folder / _STATE, json.dumps(content, indent=1))

    def _prepare(self, folder: Path, lab: Lab, purpose: LabPurpose) -> None:
        """Make keys, and the files of each host that are laid over its image."""
        login = make_key(folder / _KEY, f"rdo lab {lab.name}")
        lines = []
        for host in lab.hosts:
            settings = HostSettings(
                lab.name, host, lab.hosts, login, purpose.releasever, purpose.repo_files
            )
            lines.append(known_host(host, settings.write(folder / host.name / "settings")))
        (folder / _KNOWN_HOSTS).write_text("".join(lines))

    def _start(self, folder: Path, lab: Lab) -> Lab:
        started = time.monotonic()
        _make_folders(folder, lab)
        keeper = _keeper(folder)
        keeper.start(_as_plan(_plan_of(folder)))
        for host in lab.hosts:
            _wait_for(folder, _ssh(folder, keeper.pid, host), host, started + _BOOT_SECONDS)
        seconds = round(time.monotonic() - started, 2)
        lab = Lab(lab.name, LabState.UP, lab.target, lab.repository, lab.hosts, seconds)
        self._write(folder, lab, _plan_of(folder))
        return lab

    def _running(self, folder: Path, lab: Lab) -> int:
        pid = _keeper(folder).pid
        if not pid:
            raise CommandError(
                f"lab {lab.name} does not run any more", hint=f"start it: rdo lab reset {lab.name}"
            )
        return pid

    def _remove(self, folder: Path) -> None:
        """End the processes of a lab, and remove its folder; its state is removed last."""
        _keeper(folder).stop()
        for path in sorted(folder.iterdir(), key=lambda path: path.name == _STATE):
            remove_tree(path) if path.is_dir() else path.unlink()
        folder.rmdir()

    def _shown(self, folder: Path) -> Lab:
        lab = _read(folder)
        if lab.state is LabState.UP and not _keeper(folder).pid:
            return Lab(lab.name, LabState.STOPPED, lab.target, lab.repository, lab.hosts)
        return lab


def check_name(name: str) -> None:
    """Raise ConfigError if a lab may not have this name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a lab",
            hint="use lower-case letters, digits and dashes, at most 31",
        )


def _is_whole(folder: Path) -> bool:
    """Whether a lab is up; a lab that was never completed is not."""
    try:
        return _read(folder).state is LabState.UP
    except FileNotFoundError:
        return False


def _read(folder: Path) -> Lab:
    row = json.loads((folder / _STATE).read_text())["lab"]
    hosts = tuple(HostAddress(**one) for one in row.pop("hosts"))
    return Lab(**row | {"hosts": hosts, "state": LabState(row["state"])})


def control_group(folder: Path) -> str:
    """Return the name of the control group of the lab in this folder."""
    return f"rdo-lab-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"


def _keeper(folder: Path) -> LabKeeper:
    return LabKeeper(folder, control_group(folder))


def _ssh(folder: Path, pid: int, host: HostAddress) -> Ssh:
    return Ssh(pid, host.address, folder / _KEY, folder / _KNOWN_HOSTS)


def _plan(folder: Path, lab: Lab, purpose: LabPurpose) -> dict[str, object]:
    """Return the plan for the keeper, which is written to disk before the lab is made."""
    hosts = tuple(
        LabHost(
            one.name,
            one.address,
            one.mac,
            str(folder.resolve() / one.name / "settings"),
            str(folder.resolve() / one.name / "changes"),
        )
        for one in lab.hosts
    )
    return asdict(
        LabPlan(
            name=lab.name,
            gateway=GATEWAY,
            prefix=PREFIX,
            port=PORT,
            layers=tuple(str(layer.resolve()) for layer in purpose.layers),
            hosts=hosts,
            served=tuple(Served(path, str(at.resolve())) for path, at in purpose.served.items()),
            logs=str(folder.resolve() / "logs"),
            memory=purpose.memory_gb * purpose.hosts << 30,
            processes=_PROCESSES * purpose.hosts,
        )
    )


def _plan_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / _STATE).read_text())["plan"]
    return found


def _as_plan(row: Mapping[str, object]) -> LabPlan:
    return LabPlan(**row)  # type: ignore[arg-type]  # a row of _plan


def _make_folders(folder: Path, lab: Lab) -> None:
    """Make the folders that only processes inside the lab write to."""
    for place in (folder / "logs", *(folder / host.name / "changes" for host in lab.hosts)):
        _keeper(folder).make_inside(place)


def _wait_for(folder: Path, ssh: Ssh, host: HostAddress, until: float) -> None:
    """Wait until a host answers; if it does not, raise CommandError with the end of its console."""
    while time.monotonic() < until:
        if ssh.ask("true", connect_seconds=2).returncode == 0:
            return
        time.sleep(0.05)
    raise CommandError(
        f"{host.name} does not answer by ssh after {_BOOT_SECONDS} s: "
        f"{last_line(read_tail(folder / 'logs' / f'{host.name}.log'))}"
    )
