"""Platforms: the systems that packages are built for, with base OS, architecture and dist tag."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

_DEBIAN_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


class Family(StrEnum):
    """The ways to make a platform's base layer."""

    DEBIAN = "debian"
    DNF = "dnf"


@dataclass(frozen=True, slots=True)
class BaseRepository:
    """One repository for a platform's base layer and BuildRequires.

    Exactly one of the three addresses is set; they may contain dnf's `$releasever` and `$basearch`.
    `priority` is dnf's: lower numbers are preferred.
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
        """Its URL, as text for people."""
        return self.metalink or self.mirrorlist or " ".join(self.baseurl)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How a platform gets its Python if the base has an older one.

    It is made from the source package of the Debian suite `suite`; without a suite it is a package
    in the platform's repositories. `base_python` is the version of the base's own Python, which the
    base's tools still use.
    """

    suite: str
    base_python: str


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform's definition, as read from its TOML file.

    `packages` are installed into the base layer by the distribution's own names, `python_packages`
    come from the PyPI bridge, `provides` maps a package of the base distribution to its names in
    RPM distributions, `macros` are set in every root (`rhel = "9"` is what `%{?rhel}` expands to).
    `bridged` are such names for packages outside the base, `users` the users that RPM packages
    expect these to add to passwd, and `sdist_requires` what compiling a project from PyPI requires
    but its sdist cannot declare. `python_constraints` limit projects on PyPI that nothing else
    constrains; `spec_requires` maps words in a spec to requirements that they imply but the spec
    does not declare. `sets` are named sets of RPM packages, `units` maps a package to its systemd
    units with EL's names for them. `repositories` are the sources of a dnf platform's packages; a
    Debian platform has a `suite`, and a `mirror` for machines whose apt is not configured for it.
    `python` is the Python of the release: the base's own, unless there is an `interpreter`.
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
    # Fields outside the repr do not change the base layer.
    macros: dict[str, str] = field(default_factory=dict, repr=False)
    bridged: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    users: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    sdist_requires: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    python_constraints: tuple[str, ...] = field(default=(), repr=False)
    spec_requires: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    sets: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    units: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    repositories: tuple[BaseRepository, ...] = field(default=(), repr=False)
    module_platform_id: str = field(default="", repr=False)
    mirror: str = field(default="", repr=False)
    interpreter: Interpreter | None = field(default=None, repr=False)

    @property
    def debian_arch(self) -> str:
        """Debian's name for its architecture."""
        return _DEBIAN_ARCHES.get(self.arch, self.arch)

    @property
    def base_python(self) -> str:
        """The version of the base's own Python."""
        return self.interpreter.base_python if self.interpreter else self.python

    @property
    def python_program(self) -> str:
        """The name of the program that runs the Python of the release."""
        return f"python{self.python}" if self.interpreter else "python3"

    def own_python(self, need: str) -> str:
        """Return a requirement in the repositories' form, if it means the release's Python.

        If there are two Pythons, RPM distributions call the base's modules `python3dist(…)`; the
        release's have the version in the name.
        """
        if self.interpreter is None or self.family is not Family.DNF:
            return need
        return re.sub(r"\bpython3dist\(", f"python{self.python}dist(", need)

    @property
    def always_required(self) -> tuple[str, ...]:
        """The RPM dependencies that every root of the platform has besides the base."""
        return tuple(f"python3dist({name})" for name in self.python_packages)
