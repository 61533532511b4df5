"""The steps of an installation in order, with what each requires of each host."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from rdo.deploy.cloud import IDENTITY_PORT, Cloud, Part
from rdo.deploy.hosts import Duty, members_of
from rdo.deploy.roles import (
    chrony,
    client,
    demo,
    glance,
    keystone,
    mariadb,
    memcached,
    neutron,
    nova,
    placement,
    rabbitmq,
    ssh_key,
)
from rdo.deploy.wanted import (
    Identity,
    Opening,
    OpenPorts,
    User,
    Value,
    Wanted,
    WantedPackages,
    WantedSettings,
    plain,
)
from rdo.tools.hosts.installer import Program

_ROLES: tuple[Callable[[Cloud], Iterator[Part]], ...] = (
    ssh_key.parts,
    chrony.parts,
    mariadb.parts,
    rabbitmq.parts,
    memcached.parts,
    keystone.parts,
    client.parts,
    glance.parts,
    placement.parts,
    nova.parts,
    neutron.parts,
    neutron.compute_parts,
    nova.compute_parts,
    demo.parts,
)
"""The roles in the order of installation; each requires those before it."""

# Services before 2023.2 check the first of these rights of each other, later ones the second.
_OF_A_SERVICE = ("admin", "service")

# Each module comes after those that it imports.
_ON_HOST = (
    *("acts", "ini", "files", "authorized", "packages", "units", "mariadb", "rabbitmq", "once"),
    *("reach", "identity", "cells", "switch", "demo", "check"),
    *(f"firewalls.{name}" for name in ("rules", "firewalld", "iptables", "nftables", "open_ports")),
)
_PACKAGE = "rdo.deploy.on_host"


@dataclass(frozen=True, slots=True)
class Step:
    """What one role wants on some hosts at one time; `wants` is by the address of the host."""

    role: str
    title: str
    wants: Mapping[str, tuple[Wanted, ...]]

    def settings(self) -> Iterator[tuple[str, WantedSettings]]:
        """Yield the wanted settings, each with the host."""
        for host, some in self.wants.items():
            yield from ((host, one) for one in some if isinstance(one, WantedSettings))

    def as_sent(self) -> dict[str, Any]:
        """Return the step in the form that the installer reads."""
        wants = {host: [plain(one) for one in some] for host, some in self.wants.items()}
        return {"role": self.role, "title": self.title, "wants": wants}


def steps_of(cloud: Cloud, hosts: Mapping[str, frozenset[Duty]]) -> list[Step]:
    """Return all steps: first the packages of each host, then its firewall, then each role."""
    parts = [part for role in _ROLES for part in role(cloud)]
    found = [_packages(parts, hosts), _open_ports(cloud, parts, hosts)]
    for part in parts:
        found.append(_step(part, hosts))
        if part.role == "keystone":
            entries = (_identity(cloud, parts),)
            found.append(
                _step(Part("keystone", "Keystone entries", part.duty, wants=entries), hosts)
            )
    return [step for step in _written_once(found) if any(step.wants.values())]


def _written_once(steps: list[Step]) -> Iterator[Step]:
    """Yield the steps; the first one that changes a file on a host gets all settings of that file.

    If a later step changed the file, a service that reads it would be older than the file in the
    next run.
    """
    whole: dict[tuple[str, str], dict[str, dict[str, Value]]] = {}
    for step in steps:
        for host, one in step.settings():
            sections = whole.setdefault((host, one.path), {})
            for section, settings in one.settings.items():
                sections.setdefault(section, {}).update(settings)
    for step in steps:
        wants: dict[str, tuple[Wanted, ...]] = {}
        for host, some in step.wants.items():
            kept: list[Wanted] = []
            for want in some:
                if not isinstance(want, WantedSettings):
                    kept.append(want)
                elif (place := (host, want.path)) in whole:
                    kept.append(replace(want, settings=whole.pop(place)))
            wants[host] = tuple(kept)
        yield replace(step, wants=wants)


def _packages(parts: list[Part], hosts: Mapping[str, frozenset[Duty]]) -> Step:
    wants: dict[str, tuple[Wanted, ...]] = {}
    for host, duties in hosts.items():
        mine = (name for part in parts if _is_for(part, host, duties) for name in part.packages)
        if names := tuple(dict.fromkeys(mine)):
            wants[host] = (WantedPackages(names),)
    return Step("packages", "Packages", wants)


def _open_ports(cloud: Cloud, parts: list[Part], hosts: Mapping[str, frozenset[Duty]]) -> Step:
    """Return what the firewall of each host must allow from other hosts."""
    members = members_of(cloud.answers)
    wants: dict[str, tuple[Wanted, ...]] = {}
    for host, duties in hosts.items():
        mine = [port for part in parts if _is_for(part, host, duties) for port in part.ports]
        openings = []
        for port in dict.fromkeys(mine):
            others = [name for name, some in members.items() if port.to in some and name != host]
            if port.to is None or others:
                openings.append(Opening(port.shown, port.protocol, tuple(others)))
        wants[host] = (OpenPorts(host, tuple(openings)),) if openings else ()
    return Step("firewall", "Firewall", wants)


def _step(part: Part, hosts: Mapping[str, frozenset[Duty]]) -> Step:
    mine = [host for host, duties in hosts.items() if _is_for(part, host, duties)]
    return Step(part.role, part.title, dict.fromkeys(mine, part.wants) if part.wants else {})


def _is_for(part: Part, host: str, duties: frozenset[Duty]) -> bool:
    return part.duty in {None, *duties} and part.only in {"", host}


def _identity(cloud: Cloud, parts: list[Part]) -> Identity:
    """Return what all roles together need in keystone."""
    logins = [login for part in parts for login in part.logins]
    users = [User(name, password, "services", _OF_A_SERVICE) for name, password in logins]
    projects = [{"name": "services"}]
    if cloud.has("CONFIG_PROVISION_DEMO"):
        projects.append({"name": "demo"})
        users.append(User("demo", cloud["CONFIG_KEYSTONE_DEMO_PW"], "demo", ("member",)))
    return Identity(
        auth_url=cloud.url(IDENTITY_PORT),
        admin=cloud["CONFIG_KEYSTONE_ADMIN_USERNAME"],
        admin_password=cloud["CONFIG_KEYSTONE_ADMIN_PW"],
        admin_project="admin",
        region=cloud.region,
        projects=tuple(projects),
        roles=({"name": "member"}, {"name": "service"}),
        users=tuple(users),
        services=(
            *keystone.apis(cloud),
            *(api for part in parts for api in part.apis),
        ),
    )


def program() -> Program:
    """Return the program that runs on hosts."""
    empty = ("rdo", "rdo.deploy", _PACKAGE, f"{_PACKAGE}.firewalls")
    texts = [(name, "") for name in empty]
    folder = files(_PACKAGE)
    for name in (*_ON_HOST, "program"):
        file = folder.joinpath(*f"{name.replace('.', '/')}.py".split("/"))
        texts.append((f"{_PACKAGE}.{name}", file.read_text()))
    return Program(texts, f"{_PACKAGE}.program")
