"""Where packages are built for: base OS, architecture and dist tag."""

from dataclasses import dataclass, field
from enum import StrEnum


class Family(StrEnum):
    """How a platform's base layer is made."""

    DEBIAN = "debian"
    DNF = "dnf"


@dataclass(frozen=True, slots=True)
class BaseRepository:
    """One repository that a platform's base layer and BuildRequires come from.

    One of the three addresses is set; they may hold dnf's `$releasever` and `$basearch`.
    `priority` is dnf's: the lower the number, the sooner it is chosen.
    """

    name: str
    baseurl: tuple[str, ...] = ()
    metalink: str = ""
    mirrorlist: str = ""
    gpgkey: tuple[str, ...] = ()
    gpgcheck: bool = True
    priority: int = 99
    exclude: tuple[str, ...] = ()
    module_hotfixes: bool = False

    @property
    def address(self) -> str:
        """Where it is, for a person."""
        return self.metalink or self.mirrorlist or " ".join(self.baseurl)


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform's definition, as read from its TOML file.

    `packages` are installed into the base layer by the distribution's own names,
    `python_packages` come from the PyPI bridge, `provides` maps a package of the base
    distribution to the names that the RPM world uses for it, `macros` are set in every root
    (`rhel = "9"` is what `%{?rhel}` expands to). `bridged` are such names for packages outside
    the base, `users` what RPM packages expect these to have added to passwd, and
    `sdist_requires` what a project on PyPI needs to be compiled and cannot say.
    `python_constraints` bound projects of PyPI that nobody else constrains; `spec_requires` maps
    words of a spec to what it counts on by them and does not ask for.
    `repositories` are where a dnf platform's packages come from; a Debian one has a `suite`.
    """

    name: str
    family: Family
    arch: str
    dist: str
    releasever: str
    suite: str
    python: str
    glibc: str
    packages: tuple[str, ...]
    python_packages: tuple[str, ...] = ()
    provides: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # What is not in the repr is no part of the base layer.
    macros: dict[str, str] = field(default_factory=dict, repr=False)
    bridged: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    users: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    sdist_requires: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    python_constraints: tuple[str, ...] = field(default=(), repr=False)
    spec_requires: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    repositories: tuple[BaseRepository, ...] = field(default=(), repr=False)
    module_platform_id: str = field(default="", repr=False)

    @property
    def always_required(self) -> tuple[str, ...]:
        """The RPM dependencies that every build root of the platform meets besides the base."""
        return tuple(f"python3dist({name})" for name in self.python_packages)
