"""Find the packages of the release that may provide an RPM dependency.

For a published package, its RPMs show what it provides. For one that was never built, its name
shows it: package `python-foo` of project `foo` provides `python3-foo` and `python3dist(foo)`, and
whatever begins with `python-foo-`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import canonicalize_name

from rdo.model.package import Package
from rdo.python_names import own_projects

_TOKEN = re.compile(r"[<>=]+|[^\s()<>=]+(?:\([^()]*\))*")
_RICH = frozenset({"with", "without", "and", "or", "else"})
_CONDITION = frozenset({"if", "unless"})
_DISTRIBUTION = re.compile(r"python3(?:\.\d+)?dist\(([^)\[]+)")
_MODULE = re.compile(r"python3(?:\.\d+)?-(.+?)(?:-tests)?$")
_EXTRA = re.compile(r"(?<=\w)\+[A-Za-z][\w.-]*$")


def needed_names(dependency: str) -> frozenset[str]:
    """Return the names in an RPM dependency, without versions and conditions.

    >>> sorted(needed_names("(python3dist(pbr) >= 2 with python3dist(pbr) < 3~~)"))
    ['python3dist(pbr)']
    >>> sorted(needed_names("(libfoo.so.1()(64bit) if systemd)"))
    ['libfoo.so.1()(64bit)']
    """
    return frozenset(_names(_TOKEN.findall(dependency)))


def _names(tokens: Iterable[str]) -> Iterator[str]:
    remaining = iter(tokens)
    for token in remaining:
        if token in _CONDITION:
            return
        if token[0] in "<>=":
            next(remaining, None)  # skips the version
        elif token not in _RICH:
            yield token


class Providers:
    """The release's packages by what they provide, as far as that is known now."""

    def __init__(
        self, packages: Iterable[Package], published: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._by_capability: dict[str, set[str]] = {}
        self._by_convention: dict[str, set[str]] = {}
        for package in packages:
            for name in conventional_names(package):
                self._by_convention.setdefault(name, set()).add(package.name)
        for name, capabilities in (published or {}).items():
            self.learn(name, capabilities)

    def learn(self, package: str, capabilities: Iterable[str]) -> None:
        """Record what a package provides now that it was published."""
        for names in self._by_capability.values():
            names.discard(package)
        for capability in capabilities:
            self._by_capability.setdefault(capability, set()).add(package)

    def of(self, dependency: str) -> frozenset[str]:
        """Return the packages that may provide `dependency`; if there are none, the bridge must."""
        return frozenset().union(*(self._of_name(name) for name in needed_names(dependency)))

    def are_sure_of(self, dependency: str) -> bool:
        """Whether the release packages exactly this name, not only one that it begins with."""
        forms = {plain_name(name) for name in needed_names(dependency)}
        return not forms.isdisjoint(self._by_convention)

    def _of_name(self, name: str) -> set[str]:
        if known := self._by_capability.get(name):
            return known
        plain = plain_name(name)
        forms = (plain, *(() if plain.startswith("python:") else prefixes(name)))
        return next((found for form in forms if (found := self._by_convention.get(form))), set())


def conventional_names(package: Package) -> set[str]:
    """Return the names by which others require a package, in the form of `plain_name`."""
    projects = {f"python:{name}" for name in own_projects(package.python_projects)}
    return projects | {package.name}


def prefixes(name: str) -> Iterator[str]:
    """Return the names that a subpackage's name may be derived from, longest first.

    Not for Python projects: nova-client is not a subpackage of nova.
    """
    while "-" in name:
        name = name.rpartition("-")[0]
        yield name


def plain_name(name: str) -> str:
    """Return the same form for all names of a Python project; other names unchanged.

    >>> plain_name("python3.11dist(oslo.config[rst])"), plain_name("python3-oslo-config-tests")
    ('python:oslo-config', 'python:oslo-config')
    >>> plain_name("python3-keystone+ldap"), plain_name("gcc-c++")
    ('python:keystone', 'gcc-c++')
    """
    name = _EXTRA.sub("", name)
    if match := _DISTRIBUTION.match(name) or _MODULE.match(name):
        return f"python:{canonicalize_name(match[1])}"
    return name
