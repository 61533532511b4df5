"""Services of the host: enabled, running, started after their files last changed, reachable."""

import glob
import time
from pathlib import Path

from rdo.deploy.on_host.acts import HostFault, Wanted, first_of, listeners, run

_SHOWN = (
    "LoadState,ActiveState,SubState,InactiveExitTimestampMonotonic,"
    "ConditionResult,ConditionTimestampMonotonic"
)
_READY_SECONDS = 120
_STEADY_SECONDS = 3.0


def look_service(wanted: Wanted) -> "list[str]":
    """Return what differs: not installed, not enabled, not running, or older than its files."""
    unit, found = _found(wanted["unit"])
    if found.get("LoadState") != "loaded":
        return [] if wanted["optional"] else [f"{unit}: enable, start"]
    needed = []
    if not _is_enabled(unit):
        needed.append("enable")
    if not _is_up(found):
        if wanted["optional"] and _is_left_out(found):
            return [f"{unit}: enable"] if needed else []
        _refuse_taken_ports(wanted)
        needed.append("start")
    elif newer := _newer(wanted, found):
        needed.append(f"restart, for {newer} has changed since it was started")
    return [f"{unit}: {', '.join(needed)}"] if needed else []


def make_service(wanted: Wanted) -> None:
    """Enable and start the service, or restart it if its files are newer; wait for its ports."""
    run("systemctl", "daemon-reload")
    unit, found = _found(wanted["unit"])
    if found.get("LoadState") != "loaded":
        raise HostFault(f"there is no unit {unit}", "which package has it? dnf provides '*/UNIT'")
    if not _is_enabled(unit):
        run("systemctl", "enable", unit)
    if not _is_up(found):
        _refuse_taken_ports(wanted)
        _act("start", unit)
    elif _newer(wanted, found):
        _act("restart", unit)
    _wait(unit, wanted)


def _found(choices: str) -> "tuple[str, dict[str, str]]":
    """Return the first of several names, separated by `|`, that is a unit, with its properties."""
    last: tuple[str, dict[str, str]] = ("", {})
    for unit in choices.split("|"):
        said = run("systemctl", "show", f"--property={_SHOWN}", unit).stdout
        pairs = (line.partition("=") for line in said.splitlines())
        last = (unit, {name: value for name, _, value in pairs})
        if last[1].get("LoadState") == "loaded":
            return last
    return choices.split("|")[0], last[1]


def _is_enabled(unit: str) -> bool:
    """Whether files enable a unit; systemd itself may remember older files."""
    said = run("systemctl", "is-enabled", unit, ok=range(256)).stdout.strip()
    return said in {"enabled", "static", "alias", "generated", "indirect"}


def _is_up(found: "dict[str, str]") -> bool:
    return found["ActiveState"] in {"active", "activating", "reloading"} and (
        found["SubState"] != "auto-restart"
    )


def _is_left_out(found: "dict[str, str]") -> bool:
    """Whether systemd did not start the unit because a condition in it was not met."""
    was_asked = int(found.get("ConditionTimestampMonotonic") or 0) > 0
    return was_asked and found.get("ConditionResult") == "no"


def _newer(wanted: Wanted, found: "dict[str, str]") -> str:
    """Return a file that has changed since the service was started; empty if there is none."""
    micro = int(found["InactiveExitTimestampMonotonic"] or 0)
    started = time.time() - (time.monotonic() - micro / 1e6)
    for pattern in wanted["watches"]:
        for path in glob.glob(first_of(pattern)):  # noqa: PTH207
            if Path(path).lstat().st_mtime > started:
                return path
    return ""


def _refuse_taken_ports(wanted: Wanted) -> None:
    """Raise HostFault if another program listens on a port of a stopped service."""
    taken = listeners() if wanted["ports"] else {}
    for port in wanted["ports"]:
        if port in taken:
            who = taken[port] or "another program"
            raise HostFault(
                f"port {port}, which {wanted['unit'].split('|')[0]} needs, is taken by {who}",
                f"stop it, then apply again: ss -ltnp sport = :{port}",
            )


def _act(verb: str, unit: str) -> None:
    """Start or restart a unit; raise HostFault with the last lines of its journal."""
    run("systemctl", "reset-failed", unit, ok=range(256))
    done = run("systemctl", verb, unit, ok=range(256))
    if done.returncode:
        raise _failed(unit)


def _failed(unit: str) -> HostFault:
    asked = ("journalctl", "--no-pager", "--output=cat", "--lines=8", f"--unit={unit}")
    lines = [line.strip() for line in run(*asked, ok=range(256)).stdout.splitlines()]
    said = [line for line in lines if line and not line.startswith(("Stopped", "Starting"))]
    return HostFault(
        f"{unit} does not start: {'; '.join(said[-4:])[-500:]}",
        f"look there: journalctl -u {unit}",
    )


def _wait(unit: str, wanted: Wanted) -> None:
    """Wait until the service listens on its ports; without ports, until it has run for a while."""
    deadline = time.monotonic() + _READY_SECONDS
    steady = time.monotonic() + (_STEADY_SECONDS if wanted["steady"] else 0)
    while True:
        _, found = _found(unit)
        if not _is_up(found):
            if wanted["optional"] and _is_left_out(found):
                return
            raise _failed(unit)
        here = listeners() if wanted["ports"] else {}
        is_ready = found["ActiveState"] == "active" and time.monotonic() > steady
        if is_ready and all(port in here for port in wanted["ports"]):
            return
        if time.monotonic() > deadline:
            missing = ", ".join(str(port) for port in wanted["ports"] if port not in here)
            raise HostFault(
                f"{unit} does not listen on {missing} after {_READY_SECONDS} s",
                f"look there: journalctl -u {unit}",
            )
        time.sleep(0.2)
