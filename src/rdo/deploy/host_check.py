"""Check whether hosts are ready for a cloud: each is asked once, all at the same time."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib.resources import files
from typing import Any

from rdo.deploy.hosts import Duty
from rdo.errors import UserError
from rdo.tools.hosts.access import Host

TIMEOUT_SECONDS = 60.0
_AT_ONCE = 16
_CLOCK_SECONDS = 10
_MEMORY_MB = {Duty.CONTROLLER: 3500, Duty.NETWORK: 500, Duty.COMPUTE: 900}
_DISK_MB = {Duty.CONTROLLER: 5000, Duty.NETWORK: 1000, Duty.COMPUTE: 2000}

_PORTS: Mapping[Duty, Mapping[int, tuple[str, ...]]] = {
    Duty.CONTROLLER: {
        3306: ("mariadbd", "mysqld"),
        5672: ("beam.smp",),
        11211: ("memcached",),
        5000: ("httpd", "apache2"),
        9292: ("glance-api", "httpd", "apache2"),
        8778: ("httpd", "apache2"),
        8774: ("nova-api", "httpd", "apache2"),
        9696: ("neutron-server", "httpd", "apache2"),
        6080: ("nova-novncproxy",),
        6641: ("ovsdb-server",),
        6642: ("ovsdb-server",),
    },
}
"""Ports that must be free, or used by the service itself if the cloud exists already."""


class Weight(StrEnum):
    """Whether a finding blocks an installation."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class HostFinding:
    """A problem of a host that the user must solve, or may want to."""

    host: str
    weight: Weight
    said: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The facts that a host reports; `seconds_off` is how far its clock differs from ours."""

    system: str
    is_root: bool
    programs: tuple[str, ...]
    has_systemd: bool
    memory_mb: int
    disk_mb: int
    ports: Mapping[int, str]
    repositories: tuple[str, ...]
    name: str
    seconds_off: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckedHost:
    """A host with its findings and the facts it reports, which are None if it did not answer."""

    address: str
    duties: frozenset[Duty]
    facts: HostFacts | None
    findings: tuple[HostFinding, ...]


def check_hosts(hosts: Mapping[str, frozenset[Duty]], access: Iterable[Host]) -> list[CheckedHost]:
    """Ask all hosts at the same time; a host that does not answer gets a finding, not an error."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="host") as pool:
        asked = [
            pool.submit(copy_context().run, _check, host, hosts[host.address]) for host in access
        ]
        return [one.result() for one in asked]


def _check(host: Host, duties: frozenset[Duty]) -> CheckedHost:
    try:
        facts = ask(host)
    except UserError as error:
        said = HostFinding(host.address, Weight.ERROR, str(error), error.hint or _REACH)
        return CheckedHost(host.address, duties, None, (said,))
    return CheckedHost(host.address, duties, facts, tuple(findings(host.address, duties, facts)))


_REACH = "log in there once by hand: ssh root@HOST; --accept-new-host-keys accepts an unknown key"


def ask(host: Host) -> HostFacts:
    """Return the facts that a host reports.

    Raises OutsideError or CommandError as `Host.run_python` does, UserError for an answer that
    cannot be understood.
    """
    program = (files("rdo.tools.children.hosts") / "describe_host.py").read_text()
    began = time.time()
    answer = host.run_python(program, timeout=TIMEOUT_SECONDS)
    ended = time.time()
    try:
        return _facts(json.loads(answer.strip().splitlines()[-1]), began, ended)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(f"{host.address} gives an answer that cannot be understood") from error


def _facts(told: dict[str, Any], began: float, ended: float) -> HostFacts:
    there = float(told.pop("time"))
    off = max(began - there, there - ended, 0.0)
    told["ports"] = {int(port): str(name) for port, name in told["ports"].items()}
    for name in ("programs", "repositories"):
        told[name] = tuple(map(str, told[name]))
    known = {field.name for field in fields(HostFacts)} - {"seconds_off"}
    return HostFacts(**{name: told[name] for name in known}, seconds_off=off)


def findings(address: str, duties: frozenset[Duty], facts: HostFacts) -> Iterator[HostFinding]:
    """Yield the problems that prevent using a host for these duties, most important first."""

    def error(said: str, remedy: str) -> HostFinding:
        return HostFinding(address, Weight.ERROR, said, remedy)

    def warning(said: str, remedy: str) -> HostFinding:
        return HostFinding(address, Weight.WARNING, said, remedy)

    if missing := [name for name in ("dnf", "rpm") if name not in facts.programs]:
        system = facts.system or "an unknown system"
        yield error(
            f"runs {system} without {' and '.join(missing)}",
            "take a host that installs RPMs by dnf",
        )
        return
    if not facts.is_root:
        yield error("does not allow login as root", "let root log in with a key")
    if not facts.has_systemd:
        yield error("does not run systemd", "take a host that systemd has booted")
    if not any(name.startswith("openstack-") for name in facts.repositories):
        yield error(
            "has no repository openstack-RELEASE",
            "install the target's rdo-release there: dnf install -y URL",
        )
    for port, program in _taken(duties, facts.ports):
        yield error(
            f"port {port} is taken by {program or 'another program'}",
            f"stop it: ss -ltnp sport = :{port}",
        )
    if facts.disk_mb < (needed := max(_DISK_MB[duty] for duty in duties)):
        yield error(f"has {facts.disk_mb} MB free in /var, and needs {needed}", "free some space")
    if facts.memory_mb < (needed := max(_MEMORY_MB[duty] for duty in duties)):
        yield warning(f"has {facts.memory_mb} MB of memory; {needed} are advised", "add memory")
    if facts.seconds_off > _CLOCK_SECONDS:
        off = round(facts.seconds_off)
        yield warning(
            f"its clock differs from this machine's by {off} s",
            "set CONFIG_NTP_SERVERS, or the clock",
        )


def _taken(duties: frozenset[Duty], ports: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    for duty in duties:
        for port, own in _PORTS.get(duty, {}).items():
            if port in ports and ports[port] not in own:
                yield port, ports[port]
