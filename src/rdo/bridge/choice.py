"""Choose the packages to bridge for a set of RPM dependencies; nothing is built or stored here."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo.bridge.debian import DebStore
from rdo.bridge.lock_file import LockedPackage, PackageOrigin, merged
from rdo.bridge.resolution import Brought, Resolver
from rdo.python_names import python_requirement
from rdo.tools.packaging.pip import Resolved

UNKNOWN = "it is not a Python package and not in the table of Debian packages"
_WITH_EPOCH = "it has an epoch, and only packages of the release have one"
_EPOCH = re.compile(r"[<>=]\s*\d+:")


@dataclass(frozen=True, slots=True)
class Choice:
    """The packages that were chosen, and the reason for each dependency that cannot be met.

    `unsure` are dependencies that one of the Debian packages may provide.
    """

    entries: tuple[LockedPackage, ...]
    impossible: dict[str, str] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()


Publish: TypeAlias = Callable[
    [Sequence[str], tuple[LockedPackage, ...]], tuple[tuple[LockedPackage, ...], frozenset[str]]
]
"""Called during the choice to provide what the build of a wheel requires.

Takes the RPM dependencies and the entries chosen so far. Returns the entries with those that
provide the dependencies, and the dependencies that cannot be met.
"""


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses from Debian by the platform's table, then from PyPI; never packages of the release.

    `own` are the canonical Python names of the release's own packages; `scratch` is a folder for
    pip's constraints.
    """

    debs: DebStore
    resolver: Resolver
    scratch: Path
    own: frozenset[str] = frozenset()

    def choose(
        self,
        needs: Sequence[str],
        entries: tuple[LockedPackage, ...],
        publish: Publish,
    ) -> Choice:
        """Return entries that meet the needs; earlier entries are kept where possible.

        `publish` is called with the packages that must be installed before a wheel can be built.
        """
        impossible: dict[str, str] = {}
        debian = self.debs.names_for(needs)
        if debian:
            entries = self._from_debian(debian, entries, impossible)
        python: dict[str, Requirement] = {}
        unsure: list[str] = []
        for need in needs:
            requirement = python_requirement(need)
            if need in debian:
                continue
            if requirement is None and debian and not _EPOCH.search(need):
                unsure.append(need)
            elif requirement is None:
                impossible[need] = _WITH_EPOCH if _EPOCH.search(need) else UNKNOWN
            elif canonicalize_name(requirement.name) in self.own:
                impossible[need] = "the release packages it itself"
            else:
                python[need] = requirement
        choice = self._with_libraries(self._from_pypi(python, entries, impossible, publish))
        return replace(choice, unsure=tuple(unsure))

    def _with_libraries(self, choice: Choice) -> Choice:
        """Add the libraries that locally built wheels link to and do not bundle."""
        table = self.debs.base.platform.sdist_requires
        known = {need for one in choice.entries for need in one.asked_by}
        pypi = [one.resolved for one in choice.entries if one.origin is PackageOrigin.PYPI]
        listed = [one for one in pypi if canonicalize_name(one.name) in table]
        built = {canonicalize_name(one.name) for one in self.resolver.sdists.wheels(listed)}
        names = {name for project in built for name in table[project]}
        wanted = {f"deb({name})": name for name in sorted(names) if f"deb({name})" not in known}
        if not wanted:
            return choice
        impossible = dict(choice.impossible)
        return Choice(self._from_debian(wanted, choice.entries, impossible), impossible)

    def is_own(self, one: LockedPackage) -> bool:
        """Whether the release packages the project of this entry itself."""
        return one.origin is PackageOrigin.PYPI and one.key[1] in self.own

    def _from_debian(
        self,
        wanted: Mapping[str, str],
        entries: tuple[LockedPackage, ...],
        impossible: dict[str, str],
    ) -> tuple[LockedPackage, ...]:
        """Return all Debian packages requested so far with what they require, chosen together."""
        old = [one for one in entries if one.origin is PackageOrigin.DEBIAN]
        known = {one.name: one for one in old}
        if known.keys() >= set(wanted.values()):
            return merged(
                entries,
                [
                    replace(
                        one, asked_by=_distinct(need for need, x in wanted.items() if x == name)
                    )
                    for name, one in known.items()
                    if name in wanted.values()
                ],
            )
        unknown = set(self.debs.apt.unknown(sorted({*wanted.values()})))
        for need, name in wanted.items():
            if name in unknown:
                impossible[need] = f"Debian has no package {name}"
        names = {one.name for one in old if one.asked_by} | {*wanted.values()} - unknown
        reasons = {one.name: one.asked_by for one in old}
        new = [
            LockedPackage(
                PackageOrigin.DEBIAN,
                deb.name,
                deb.version,
                deb.sha256,
                file=deb.file,
                asked_by=_distinct(
                    reasons.get(deb.name, ()),
                    (need for need, name in wanted.items() if name == deb.name),
                ),
            )
            for deb in (self.debs.apt.closure(sorted(names)) if names else ())
        ]
        return merged(entries, new, instead_of=old)

    def _from_pypi(
        self,
        wanted: Mapping[str, Requirement],
        entries: tuple[LockedPackage, ...],
        impossible: dict[str, str],
        publish: Publish,
    ) -> Choice:
        entries, wanted = self._already(wanted, entries)
        if not wanted:
            return Choice(entries, impossible)
        asked = _unique(wanted.values())

        def bring(needs: Sequence[str]) -> Brought:
            nonlocal entries
            entries, hopeless = publish(needs, entries)
            return Brought(_resolved(entries), hopeless)

        resolution = self.resolver.resolve(asked, _resolved(entries), self.scratch, bring)
        why = {str(one): reason for one, reason in resolution.impossible}
        impossible |= {need: why[str(one)] for need, one in wanted.items() if str(one) in why}
        met = {need: one for need, one in wanted.items() if need not in impossible}
        new = [
            LockedPackage(
                PackageOrigin.PYPI,
                one.name,
                one.version,
                one.sha256,
                requires=one.requires,
                asked_by=tuple(need for need, asked in met.items() if _same(asked.name, one.name)),
            )
            for one in self.reachable(met.values(), resolution.found)
        ]
        return Choice(merged(entries, new), impossible)

    def _already(
        self, wanted: Mapping[str, Requirement], entries: tuple[LockedPackage, ...]
    ) -> tuple[tuple[LockedPackage, ...], Mapping[str, Requirement]]:
        """Return the entries with the dependencies that they already meet, and the others."""
        python = {one.key[1]: one for one in entries if one.origin is PackageOrigin.PYPI}
        bounds = self.resolver.bounds() if python else {}
        asked_by: dict[str, tuple[str, ...]] = {}
        for need, requirement in wanted.items():
            name = canonicalize_name(requirement.name)
            bound = Requirement(f"{name}{bounds.get(name, '')}")
            if self._is_met(bound, python) and self._is_met(requirement, python):
                asked_by[name] = (*asked_by.get(name, ()), need)
        noted = [replace(python[name], asked_by=needs) for name, needs in asked_by.items()]
        met = {need for needs in asked_by.values() for need in needs}
        left = {need: one for need, one in wanted.items() if need not in met}
        return merged(entries, noted), left

    def _is_met(self, wanted: Requirement, python: Mapping[str, LockedPackage]) -> bool:
        """Whether a requirement and everything it requires are among the entries, by name."""
        asked = [wanted]
        seen: set[str] = set()
        while asked:
            requirement = asked.pop()
            name = canonicalize_name(requirement.name)
            if name in self.own or str(requirement) in seen:
                continue
            seen.add(str(requirement))
            one = python.get(name)
            if one is None or not requirement.specifier.contains(one.version, prereleases=True):
                return False
            asked += self._requirements(one.resolved, requirement.extras)
        return True

    def reachable(
        self, wanted: Iterable[Requirement], resolved: Iterable[Resolved]
    ) -> list[Resolved]:
        """Return everything the requirements lead to, stopping at the release's own packages."""
        by_name = {canonicalize_name(one.name): one for one in resolved}
        asked = list(wanted)
        chosen: dict[str, Resolved] = {}
        seen: set[tuple[str, frozenset[str]]] = set()
        while asked:
            requirement = asked.pop()
            name = canonicalize_name(requirement.name)
            key = (name, frozenset(requirement.extras))
            if key in seen or name in self.own or name not in by_name:
                continue
            seen.add(key)
            chosen[name] = by_name[name]
            asked += self._requirements(by_name[name], requirement.extras)
        return [chosen[name] for name in sorted(chosen)]

    def needing(
        self, needs: Iterable[str], entries: Iterable[LockedPackage], project: str
    ) -> list[str]:
        """Return the dependencies that would bring in a project, directly or indirectly."""
        python = [one.resolved for one in entries if one.origin is PackageOrigin.PYPI]
        wanted = {need: python_requirement(need) for need in needs}
        return [
            need
            for need, one in wanted.items()
            if one and project in {canonicalize_name(x.name) for x in self.reachable([one], python)}
        ]

    def without(self, entries: Iterable[LockedPackage], name: str) -> tuple[LockedPackage, ...]:
        """Return the entries without one package and without the packages that only it required."""
        gone = canonicalize_name(name)
        left = [one for one in entries if one.key[1] != gone]
        asked = {need: python_requirement(need) for one in left for need in one.asked_by}
        roots = [requirement for requirement in asked.values() if requirement]
        python = [one.resolved for one in left if one.origin is PackageOrigin.PYPI]
        needed = {canonicalize_name(one.name) for one in self.reachable(roots, python)}
        left = [one for one in left if one.origin is not PackageOrigin.PYPI or one.key[1] in needed]
        debian = sorted(
            one.name for one in left if one.origin is PackageOrigin.DEBIAN and one.asked_by
        )
        closure = {deb.name for deb in (self.debs.apt.closure(debian) if debian else ())}
        return tuple(
            one for one in left if one.origin is not PackageOrigin.DEBIAN or one.name in closure
        )

    def _requirements(self, one: Resolved, extras: Iterable[str]) -> list[Requirement]:
        """Return the requirements of a distribution that apply, for these extras.

        Invalid ones are skipped.
        """
        found = []
        for text in one.requires:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:  # an old release wrote it; pip skips it too
                continue
            if self.resolver.pip.interpreter.applies(requirement, *extras):
                found.append(requirement)
        return found


def _resolved(entries: Iterable[LockedPackage]) -> tuple[Resolved, ...]:
    return tuple(one.resolved for one in entries if one.origin is PackageOrigin.PYPI)


def _same(one: str, other: str) -> bool:
    return canonicalize_name(one) == canonicalize_name(other)


def _unique(requirements: Iterable[Requirement]) -> list[Requirement]:
    return list({str(one): one for one in requirements}.values())


def _distinct(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))
