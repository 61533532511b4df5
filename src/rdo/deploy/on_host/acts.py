"""Run commands on the host, write its files, and report errors there.

These modules are sent to hosts that do not have rdo and whose Python may be older than ours (3.9),
so they use only the standard library and the host's own packages.
"""

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SECONDS = 900
_LOCK = Path("/run/lock/rdo-deploy.lock")
_LOCK_SECONDS = 600


class HostFault(Exception):
    """A problem on the host that the user must solve, and how."""

    def __init__(self, said: str, remedy: str = "") -> None:
        super().__init__(said)
        self.said = said
        self.remedy = remedy


class Unsure(Exception):
    """A thing that cannot be compared before an earlier step is done; the text says which step."""


def run(
    *command: str,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    ok: Sequence[int] = (0,),
    seconds: float = SECONDS,
    cwd: str = "/",
) -> "subprocess.CompletedProcess[str]":
    """Run a command; raise HostFault with its last lines if it fails."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            timeout=seconds,
            check=False,
            cwd=cwd,
        )
    except FileNotFoundError:
        raise HostFault(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise HostFault(f"{command[0]} did not end within {seconds:g} s") from None
    if done.returncode not in ok:
        raise fault_of(command, done.stdout + "\n" + done.stderr, done.returncode)
    return done


def fault_of(command: Sequence[str], said: str, status: int) -> HostFault:
    """Return a failed command's output as a fault with a remedy for the user."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if "No space left on device" in said:
        return full_disk()
    words = " ".join(command[:3])
    tail = "; ".join(lines[-3:])[-600:] or "it said nothing"
    return HostFault(f"{words} ended with status {status}: {tail}")


def full_disk() -> HostFault:
    """Return the fault for a full disk."""
    return HostFault("the disk is full", "free some space there (df -h), then apply again")


def as_user(user: str, *command: str) -> "tuple[str, ...]":
    """Return the command line that runs a command as another user."""
    return ("runuser", "-u", user, "--", *command)


def first_of(choices: str) -> str:
    """Return the first of several paths, separated by `|`, whose folder exists; else the first."""
    paths = choices.split("|")
    return next((path for path in paths if Path(path).parent.is_dir()), paths[0])


def has_program(name: str) -> bool:
    """Whether a program is installed."""
    return any(Path(folder, name).exists() for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"))


def owner_ids(owner: str, group: str) -> "tuple[int, int]":
    """Return the ids of a user and a group; -1 for an empty name, KeyError for an unknown one."""
    uid = pwd.getpwnam(owner).pw_uid if owner else -1
    return uid, grp.getgrnam(group).gr_gid if group else -1


def write(path: Path, content: str, *, uid: int, gid: int, mode: int) -> None:
    """Replace a file by one rename; nobody else can read it before it has its mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        new = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                os.fchown(file.fileno(), uid, gid)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise full_disk() from error
        raise HostFault(f"cannot write {path}: {error.strerror}") from error


@contextlib.contextmanager
def alone() -> "Iterator[None]":
    """Hold the host's lock; raise HostFault if somebody else holds it for 10 minutes.

    A process left on the host by a killed run holds the lock until it ends.
    """
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise HostFault(
                        "another installation or check has been at work there for 10 minutes",
                        f"see who holds {_LOCK}: fuser -v {_LOCK}",
                    ) from None
                time.sleep(0.5)
        yield


def listeners() -> "dict[int, str]":
    """Return the program that listens on each TCP port; empty if it is hidden from us."""
    sockets = {}
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                sockets[f"socket:[{words[9]}]"] = int(words[1].rpartition(":")[2], 16)
    found = dict.fromkeys(sockets.values(), "")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # the process has ended meanwhile
            target = str(link.readlink())
            if target in sockets:
                pid = link.parts[2]
                name = Path("/proc", pid, "comm").read_text().strip()
                found[sockets[target]] = f"{name} (process {pid})"
    return found


Wanted = Mapping[str, Any]
"""One thing that a host must have, as it comes from `rdo.deploy.wanted`."""
