"""The things that hosts of a cloud must have: roles list them, hosts compare and change."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

Value = str | tuple[str, str]
"""The value of a setting; of a pair, the first is for hosts that have /dev/kvm."""


@dataclass(frozen=True, slots=True)
class WantedPackages:
    """Packages that must be installed, by any name or path that they provide."""

    kind: ClassVar[str] = "packages"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file with all of its content.

    Of several paths separated by `|`, the first whose folder exists on the host is used.
    """

    kind: ClassVar[str] = "file"
    path: str
    content: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class WantedSettings:
    """Settings by section in an INI file, whose other lines stay as they are."""

    kind: ClassVar[str] = "settings"
    path: str
    settings: Mapping[str, Mapping[str, Value]]
    owner: str = "root"
    group: str = "root"
    mode: int = 0o640


@dataclass(frozen=True, slots=True)
class WantedLink:
    """A symbolic link."""

    kind: ClassVar[str] = "link"
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class WantedFolder:
    """A folder with an owner and a mode."""

    kind: ClassVar[str] = "folder"
    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """A public key with which a user can log in by ssh; the user's other keys stay."""

    kind: ClassVar[str] = "authorized_key"
    user: str
    line: str


@dataclass(frozen=True, slots=True)
class Service:
    """A unit that is enabled, runs, and was started after its files last changed.

    `unit` may be several names separated by `|`: the first that the host has is used. `watches` are
    paths, which may contain `*`. A service is ready when it listens on its `ports`; a `steady` one
    without ports is watched for some seconds. An `optional` one is left out on hosts that have no
    such unit, or where a condition in the unit is not met, as for a clock that a container may not
    set.
    """

    kind: ClassVar[str] = "service"
    unit: str
    watches: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    steady: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """Ports (one, or FIRST-LAST) that some hosts may reach, or everybody if none is named."""

    ports: str
    protocol: str = "tcp"
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The openings in the firewalls of the host with this address; none without an address."""

    kind: ClassVar[str] = "open_ports"
    host: str
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Once:
    """Commands that run once for a version of a package, or until `creates` exists.

    They run again if `database` is empty.
    """

    kind: ClassVar[str] = "once"
    name: str
    title: str
    commands: tuple[tuple[str, ...], ...]
    package: str = ""
    user: str = ""
    creates: str = ""
    database: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Database:
    """Databases in MariaDB and the user who has all rights on them."""

    kind: ClassVar[str] = "database"
    names: tuple[str, ...]
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class RootPassword:
    """The password of MariaDB's root, who can log in by the host's socket without it."""

    kind: ClassVar[str] = "root_password"
    password: str


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A user of RabbitMQ."""

    kind: ClassVar[str] = "broker_user"
    user: str
    password: str
    host: str
    port: int = 5672


@dataclass(frozen=True, slots=True)
class Administrator:
    """Keystone's administrator with the project and role `admin`, and keystone's endpoints."""

    kind: ClassVar[str] = "administrator"
    user: str
    password: str
    project: str
    region: str
    url: str
    auth_url: str


@dataclass(frozen=True, slots=True)
class User:
    """A user of keystone with roles in a project."""

    name: str
    password: str
    project: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Api:
    """A service in keystone's catalog, with one URL for all interfaces."""

    name: str
    type: str
    url: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The content of keystone besides its administrator, which is used to query it."""

    kind: ClassVar[str] = "identity"
    auth_url: str
    admin: str
    admin_password: str
    admin_project: str
    region: str
    projects: tuple[Mapping[str, str], ...] = ()
    roles: tuple[Mapping[str, str], ...] = ()
    users: tuple[User, ...] = ()
    services: tuple[Api, ...] = ()


@dataclass(frozen=True, slots=True)
class Demo:
    """Flavors, images, networks and a router that the administrator creates in the cloud."""

    kind: ClassVar[str] = "demo"
    auth_url: str
    admin: str
    admin_password: str
    admin_project: str
    region: str
    flavors: tuple[Mapping[str, object], ...]
    images: tuple[Mapping[str, object], ...]
    networks: tuple[Mapping[str, object], ...]
    router: str


@dataclass(frozen=True, slots=True)
class Cells:
    """The number of compute hosts that nova must have mapped into a cell.

    nova knows them by names that only the hosts themselves know.
    """

    kind: ClassVar[str] = "cells"
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Settings and bridges that a host's Open vSwitch must have.

    If the kernel has no Open vSwitch, they use its userspace datapath.
    """

    kind: ClassVar[str] = "switch"
    external_ids: Mapping[str, str]
    bridges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Addresses on which OVN's two databases must listen."""

    kind: ClassVar[str] = "listeners"
    northbound: str
    southbound: str


Wanted = (
    WantedPackages
    | WantedFile
    | WantedSettings
    | WantedLink
    | WantedFolder
    | AuthorizedKey
    | Service
    | OpenPorts
    | Once
    | Database
    | RootPassword
    | BrokerUser
    | Administrator
    | Identity
    | Cells
    | Demo
    | Switch
    | Listeners
)


def plain(wanted: Wanted) -> dict[str, Any]:
    """Return a wanted thing in the form that the program on the host reads."""
    return {"kind": wanted.kind, **asdict(wanted)}
