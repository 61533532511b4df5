"""Decide which RPMs of a build may be published: none may replace what others own unasked.

A package of the release owns what its name in the metadata stands for, and what its newest good
build provides. Everything else belongs to whoever provides it: the platform's packages, the tools
that the bridge brings for every build, the other packages of the release. What the bridge brought
besides fills gaps only, so the release may replace it.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rdo.model.artifact import Artifact, RpmFile
from rdo.model.package import Package
from rdo.publish.backwards import compare_evr
from rdo.trunk.order.providers import conventional_names, plain_name, prefixes

PLATFORM, TOOLS = "the platform", "the tools of every build"
Holders: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""What provides a capability: the names of RPMs, each with its version."""

_SHARED = re.compile(r"(bundled|mimehandler|application|metainfo|font|locale|debuginfo)\(")
_ACCOUNT = re.compile(r"(user|group|groupmember)\(")
_BARE = re.compile(
    r"(?:config\((?P<of>[^()]+)\)|(?P<name>[^()]+)\((?:x86|aarch|ppc|s390|arm)[^()]*\))"
)
_EVR = re.compile(r"(?:(?P<epoch>\d+):)?(?P<version>[^-]+)(?:-(?P<release>.+))?")
_BEFORE_LINE = " of rdo.toml: "
_TOML_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act of an RPM that needs permission: `act` is a verb or the kind of a file."""

    rpm: str
    act: str
    what: str
    owner: str = ""

    @property
    def permission(self) -> str:
        """The text that permits it in rdo.toml."""
        return f"{self.act} {self.what}"

    def __str__(self) -> str:
        if self.owner:
            return f"{self.rpm} {self.act} {self.what}, which belongs to {self.owner}"
        return f"{self.rpm} has {self.what} with {self.act}"


class Owners:
    """The current owners of names and capabilities in a target."""

    def __init__(
        self,
        packages: Iterable[Package],
        published: Mapping[str, Collection[Artifact]],
        platform: Holders,
        tools: Iterable[str] = (),
    ) -> None:
        """`published` are the RPMs of each package's good build; `tools` are RPM dependencies."""
        self._named: dict[str, set[str]] = {}
        self._members: set[str] = set()
        for package in packages:
            if not package.is_under_review:
                self._members.add(package.name)
            for name in conventional_names(package):
                self._named.setdefault(name, set()).add(package.name)
        self._platform = platform
        self._tools = {plain_name(tool.split()[0]) for tool in tools}
        self._published: dict[str, dict[str, str]] = {}
        self._providing: dict[str, set[str]] = {}
        for name, artifacts in published.items():
            self.learn(name, artifacts)

    def learn(self, package: str, artifacts: Iterable[Artifact]) -> None:
        """Record what a package provides now that it was published."""
        if package not in self._members:  # it left the release, or is not in it yet
            return
        for packages in self._providing.values():
            packages.discard(package)
        binary = [one for one in artifacts if not one.is_source and not one.is_debug]
        self._published[package] = {one.nevra.name: _evr_of(one) for one in binary}
        for one in binary:
            for capability in one.provides:
                self._providing.setdefault(capability, set()).add(package)

    def of(self, capability: str, claimant: str) -> str:
        """Return other owners of a capability that a package provides; empty if there are none."""
        if _SHARED.match(capability):
            return ""
        named = self._named_after(capability)
        if claimant in named:
            return ""
        if plain_name(_bare(capability)) in self._tools:
            return TOOLS
        holders = self._platform.get(capability, ())
        if any(claimant not in self._named_after(name) for name, _ in holders):
            return PLATFORM
        if capability.startswith("/") or _ACCOUNT.match(capability):
            return ""
        providing = self._providing.get(capability, set())
        if claimant in providing:  # it already provides it
            return ""
        exact = self._named.get(plain_name(_bare(capability)), set()) & self._members
        return _packages((providing | exact) - {claimant})

    def obsoleted(self, relation: str, claimant: str) -> str:
        """Return the owners of RPMs that a package's `Obsoletes: relation` removes; empty if none.

        Obsoletes name packages, never capabilities.
        """
        name = relation.split()[0]
        if claimant in self._named_after(name) or name in self._published.get(claimant, ()):
            return ""
        if plain_name(name) in self._tools:
            return TOOLS
        rows = self._platform.get(name, ())
        if any(rpm == name and _matches(relation, evr) for rpm, evr in rows):
            return PLATFORM
        having = {one for one, rpms in self._published.items() if name in rpms}
        if having:
            removed = {one for one in having if _matches(relation, self._published[one][name])}
        else:
            removed = self._named.get(plain_name(name), set()) & self._members
        return _packages(removed)

    def _named_after(self, capability: str) -> set[str]:
        """Return the packages that a name stands for: the exact one, or the longest beginning."""
        bare = _bare(capability)
        plain = plain_name(bare)
        for form in (plain, *prefixes(plain)):
            if found := self._named.get(form):
                return found
        return set()


def refusals(
    package: str, rpms: Iterable[RpmFile], owners: Owners, allowed: Collection[str]
) -> tuple[Refusal, ...]:
    """Return what the RPMs of a build of `package` do without a permission in `allowed`."""
    found = (refusal for rpm in rpms for refusal in _of_rpm(package, rpm, owners))
    return tuple(dict.fromkeys(one for one in found if one.permission not in allowed))


def _of_rpm(package: str, rpm: RpmFile, owners: Owners) -> Iterator[Refusal]:
    artifact = rpm.artifact
    if artifact.is_source:
        return
    for special in rpm.special:
        yield Refusal(artifact.file_name, special.kind, special.path)
    for relation in rpm.obsoletes:
        if owner := owners.obsoleted(relation, package):
            yield Refusal(artifact.file_name, "obsoletes", relation.split()[0], owner)
    for capability in artifact.provides:
        if owner := owners.of(capability, package):
            yield Refusal(artifact.file_name, "provides", capability, owner)


def explained(target: str, package: str, found: Sequence[Refusal], allowed: Collection[str]) -> str:
    """Return refusals as one line, with the line of rdo.toml that permits them.

    >>> explained("t", "a.b", [Refusal("x.rpm", "setuid", "/usr/bin/x")], ["provides y"])
    'x.rpm has /usr/bin/x with setuid; to allow it, put into [targets.t.allow] of rdo.toml: \
"a.b" = ["provides y", "setuid /usr/bin/x"]'
    """
    texts = dict.fromkeys((*allowed, *(one.permission for one in found)))
    line = f"{_key(package)} = [{', '.join(json.dumps(text) for text in texts)}]"
    more = f", and {len(found) - 1} more such" if len(found) > 1 else ""
    section = f"[targets.{_key(target)}.allow]"
    return f"{found[0]}{more}; to allow it, put into {section}{_BEFORE_LINE}{line}"


def asked_for(explanation: str) -> frozenset[str]:
    """Return the permissions that an explanation names; empty for any other text.

    >>> sorted(asked_for('x ...; to allow it, put into [t] of rdo.toml: x = ["setuid /x"]'))
    ['setuid /x']
    """
    line = explanation.rpartition(_BEFORE_LINE)[2]
    try:
        return frozenset(json.loads(line.partition(" = ")[2]))
    except (ValueError, TypeError):
        return frozenset()


def _key(name: str) -> str:
    return name if _TOML_KEY.fullmatch(name) else json.dumps(name)


def _packages(names: Collection[str]) -> str:
    return f"package {', '.join(sorted(names))}" if names else ""


def _bare(capability: str) -> str:
    """Return the name in a capability that rpm derives from a name.

    >>> _bare("config(nova)"), _bare("nova(x86-64)"), _bare("python3-nova+extra")
    ('nova', 'nova', 'python3-nova')
    """
    match = _BARE.fullmatch(capability)
    return ((match["of"] or match["name"]) if match else capability).partition("+")[0]


def _evr_of(artifact: Artifact) -> str:
    nevra = artifact.nevra
    return f"{nevra.epoch}:{nevra.version}-{nevra.release}"


def _matches(relation: str, evr: str) -> bool:
    """Whether a version meets a dependency in rpm's form.

    >>> _matches("x < 2", "0:1.9-1"), _matches("x < 2", "1:1-1"), _matches("x", "0:1-1")
    (True, False, True)
    >>> _matches("x <= 2", "0:2-5"), _matches("x < 2-5", "0:2-5")
    (True, False)
    """
    _, *condition = relation.split()
    if len(condition) != 2:
        return True
    sign, version = condition
    wanted, had = _EVR.fullmatch(version), _EVR.fullmatch(evr)
    if wanted is None or had is None:
        return True
    release = had["release"] if wanted["release"] else None
    order = compare_evr(
        (had["epoch"] or "0", had["version"], release or ""),
        (wanted["epoch"] or "0", wanted["version"], wanted["release"] or ""),
    )
    return ("<" if order < 0 else ">" if order > 0 else "=") in sign
