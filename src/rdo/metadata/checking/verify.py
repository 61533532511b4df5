"""Find every fault in the metadata, for `rdo info verify`.

The checks of a target (`rules.py`) run over all packages and releases. The checks here need all of
the metadata: they compare names with names, tags with releases, and builds with packages.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rdo.errors import did_you_mean
from rdo.metadata.checking.faults import Fault, Level, Where
from rdo.metadata.checking.rules import SPECIAL_TAGS, Checker
from rdo.metadata.distribution import Distribution, Tree
from rdo.metadata.resolve import SubstitutionError, attributes, layers, tags_of
from rdo.metadata.tree import Files, Items
from rdo.metadata.values import ReleaseStatus

_ADDRESS = re.compile(r"[^@\s<>(),;:\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NVR = re.compile(r"(?P<name>[^\s/]+)-(?P<version>[^-\s/]+)-(?P<release>[^-\s/]+)")
_URL = re.compile(r"(https?|ftp|file)://\S+")


def verify(distribution: Distribution) -> list[Fault]:
    """Return all faults of a distribution, in the order of files and lines."""
    located = distribution.located
    verifier = _Verifier(located.tree, located.files or Files())
    found = set(verifier.faults())
    nested = {fault.where for fault in found if fault.rule == "nested-tag"}
    told = (fault for fault in found if fault.rule != "key" or fault.where not in nested)
    return sorted(told, key=lambda fault: (fault.where, fault.rule, fault.message))


@dataclass(frozen=True, slots=True)
class _Verifier:
    tree: Tree
    files: Files

    def faults(self) -> Iterator[Fault]:
        """Yield all faults."""
        checker = Checker(self.tree, self.files)
        yield from self.files.oddities
        yield from checker.top()
        if not all(isinstance(self.tree.get(key), list) for key in ("releases", "packages")):
            return
        for release in self.tree["releases"]:
            yield from checker.release(release)
            yield from checker.release_rules(release)
            yield from self._release(release)
        yield from self._development()
        for raw in self.tree["packages"]:
            yield from checker.package(raw)
            for tag in self._tags(raw):
                yield from checker.package(raw, tag)
            yield from (fault for _, fault in checker.undeclared_tags(raw))
            yield from self._package(raw)
        yield from checker.doubled_projects()
        yield from self._doubled_names(checker)
        yield from self._buildsys_tags()
        yield from self._unused()
        yield from self._components()

    def _release(self, release: Tree) -> Iterator[Fault]:
        name = release["name"]
        for repo in self._repos(release):
            distrepos = repo.get("distrepos")
            for distrepo in distrepos if isinstance(distrepos, list) else ():
                yield from self._distrepo(distrepo, f"release {name} on {repo['name']}")

    def _distrepo(self, distrepo: Any, subject: str) -> Iterator[Fault]:
        if not isinstance(distrepo, Mapping) or not isinstance(distrepo.get("name"), str):
            return  # `Checker.release_rules` reports it
        for key in distrepo.keys() - {"name", "url"}:
            near = did_you_mean(str(key), ("name", "url"))
            message = f'{subject}: unknown key "{key}"{near}'
            yield self._fault(Level.WARNING, "key", distrepo, key, message)
        url = distrepo.get("url")
        if not url:
            message = f'{subject}: the repository "{distrepo["name"]}" has no url'
            yield self._fault(Level.WARNING, "distrepo-url", distrepo, "name", message)
        elif not isinstance(url, str) or not _URL.fullmatch(url):
            message = f"{subject}: {url!r} is not the URL of a repository"
            yield self._fault(Level.WARNING, "distrepo-url", distrepo, "url", message)

    def _development(self) -> Iterator[Fault]:
        found = [r for r in self.tree["releases"] if r.get("status") == ReleaseStatus.DEVELOPMENT]
        for release in found[1:]:
            first = found[0]["name"]
            message = (
                f"releases {first} and {release['name']} are both in development; only one can be"
            )
            yield self._fault(Level.ERROR, "status", release, "status", message)

    def _package(self, raw: Tree) -> Iterator[Fault]:
        subject = f"package {raw.get('project')}"
        try:
            values = attributes(raw, self.tree)
        except SubstitutionError:
            return  # its own check reports it
        seen: set[str] = set()
        for address, place in self._texts(values, "maintainers"):
            if address.lower() in seen:
                message = f"{subject}: the maintainer {address} is listed twice"
                yield self._at(Level.WARNING, "maintainer-twice", place, message)
            elif "@" in address and not _ADDRESS.fullmatch(address):
                message = f"{subject}: {address!r} is not a valid address"
                yield self._at(Level.WARNING, "maintainer", place, message)
            seen.add(address.lower())
        for tag, overrides in self._tags(raw).items():
            yield from self._override(subject, tag, overrides)

    def _override(self, subject: str, tag: str, overrides: Any) -> Iterator[Fault]:
        """Compare the overrides of a tag with the release itself."""
        if not isinstance(overrides, Mapping):
            return
        releases = {release["name"]: release for release in self.tree["releases"]}
        for key in overrides:
            if key in releases or key in SPECIAL_TAGS:
                message = f"{subject}: the tag {key} has no effect inside the tag {tag}"
                yield self._fault(Level.WARNING, "nested-tag", overrides, key, message)
        own = releases.get(tag.removesuffix("-uc"))
        for key, source in (("source-branch", "upstream_branch"), ("distro-branch", "branch")):
            value = overrides.get(key)
            others = [r["name"] for r in releases.values() if value and r.get(source) == value]
            if own and others and own["name"] not in others and value not in ("master", "main"):
                message = f"{subject}: {key} {value} in {tag} belongs to release {others[0]}"
                yield self._fault(Level.WARNING, "branch", overrides, key, message)

    def _doubled_names(self, checker: Checker) -> Iterator[Fault]:
        """Find two projects with one name: an error if both are in one release."""
        told = set()
        for release in self.tree["releases"]:
            for tag in (release["name"], f"{release['name']}-uc"):
                members = [raw for raw in self.tree["packages"] if tag in self._tags(raw)]
                for fault in checker.doubled_names(members, tag):
                    told.add((fault.where, fault.message))
                    yield fault
        for fault in checker.doubled_names(self.tree["packages"]):
            if (fault.where, fault.message) not in told:
                yield replace(fault, level=Level.WARNING)

    def _buildsys_tags(self) -> Iterator[Fault]:
        declared: dict[str, str] = {}
        for release in self.tree["releases"]:
            for repo in self._repos(release):
                for tag, _ in self._texts(repo, "buildsys-tags"):
                    declared.setdefault(tag, f"{release['name']} on {repo['name']}")
        used: set[Any] = set()
        for raw in self.tree["packages"]:
            builds = raw.get("buildsys-tags")
            if builds is not None and not isinstance(builds, Mapping):
                message = f"package {raw.get('project')}: buildsys-tags must be a mapping"
                yield self._fault(Level.ERROR, "shape", raw, "buildsys-tags", message)
            elif builds:
                used |= builds.keys()
                yield from self._builds(raw, builds, declared)
        for release in self.tree["releases"]:
            for repo in self._repos(release):
                for tag, place in self._texts(repo, "buildsys-tags"):
                    if tag not in used:
                        message = f"buildsys-tag {tag} of release {release['name']} has no build"
                        yield self._at(Level.WARNING, "unused", place, message)

    def _builds(self, raw: Tree, builds: Tree, declared: Mapping[str, str]) -> Iterator[Fault]:
        subject = f"package {raw.get('project')}"
        try:
            name = attributes(raw, self.tree).get("name")
        except SubstitutionError:
            return  # its own check reports it
        for tag, nvr in builds.items():
            if tag not in declared and tag != "version-locked":
                near = did_you_mean(str(tag), declared)
                message = f"{subject}: buildsys-tag {tag} is not declared{near}"
                yield self._fault(Level.ERROR, "buildsys-tag", builds, tag, message)
            elif nvr is None and tag != "version-locked":
                message = f"{subject}: buildsys-tag {tag} names no build"
                yield self._fault(Level.ERROR, "buildsys-tag", builds, tag, message)
            elif nvr is not None:
                parsed = _NVR.fullmatch(str(nvr))
                if parsed is None:
                    message = f"{subject}: {nvr} in {tag} is not an NVR"
                    yield self._fault(Level.ERROR, "nvr", builds, tag, message)
                elif parsed["name"] != name:
                    message = f"{subject}: {nvr} in {tag} is not a build of {name}"
                    yield self._fault(Level.WARNING, "nvr-name", builds, tag, message)

    def _unused(self) -> Iterator[Fault]:
        used = {tag for raw in self.tree["packages"] for tag in self._tags(raw)}
        for release in self.tree["releases"]:
            name = release["name"]
            if not used & {name, f"{name}-uc"}:
                message = f"release {name} has no package"
                yield self._fault(Level.WARNING, "unused", release, "name", message)
        configs = self.tree.get("package-configs") or {}
        asked = {raw.get("conf") for raw in self.tree["packages"]}
        for config in configs.keys() - asked:
            message = f'no package uses the config "{config}"'
            yield self._fault(Level.WARNING, "unused", configs, config, message)

    def _components(self) -> Iterator[Fault]:
        used: set[Any] = set()
        for raw in self.tree["packages"]:
            mappings = [layer.values for layer in layers(raw, self.tree)]
            mappings += [x for x in self._tags(raw).values() if isinstance(x, Mapping)]
            used |= {str(mapping.get("component")) for mapping in mappings}
        seen: dict[str, Where] = {}
        for component in self.tree.get("components") or ():
            name = component["name"]
            if name in seen:
                message = f"component {name} is declared twice, first at {seen[name]}"
                yield self._fault(Level.WARNING, "component-twice", component, "name", message)
            elif name not in used:
                message = f"component {name} has no package"
                yield self._fault(Level.WARNING, "unused", component, "name", message)
            seen.setdefault(name, self._where(component, "name"))

    def _tags(self, raw: Tree) -> Tree:
        tags = tags_of(raw, self.tree)
        return tags if isinstance(tags, Mapping) else {}

    def _repos(self, release: Tree) -> list[Tree]:
        repos = release.get("repos")
        found = repos if isinstance(repos, list) else []
        return [x for x in found if isinstance(x, Mapping) and isinstance(x.get("name"), str)]

    def _texts(self, mapping: Tree, key: str) -> list[tuple[str, int]]:
        """Return the items of a list with their places."""
        values = mapping.get(key)
        if not isinstance(values, Items):
            return []
        return [(str(value), place) for value, place in zip(values, values.places, strict=True)]

    def _where(self, mapping: Tree, key: Any) -> Where:
        places: dict[Any, int] = getattr(mapping, "places", {})
        return self.files.where(places.get(key, getattr(mapping, "place", 0)))

    def _fault(self, level: Level, rule: str, mapping: Tree, key: Any, message: str) -> Fault:
        return Fault(level, rule, self._where(mapping, key), message)

    def _at(self, level: Level, rule: str, place: int, message: str) -> Fault:
        return Fault(level, rule, self.files.where(place), message)
