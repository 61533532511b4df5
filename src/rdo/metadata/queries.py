"""Queries about packages and releases that give the same answers as distroinfo.

A package is a mapping of its attributes here, with the format's names.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from rdo.errors import ConfigError, NotFoundError, did_you_mean

Attributes: TypeAlias = Mapping[str, Any]
Info: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter `ATTR:REGEX`, or `ATTR:~REGEX` for packages whose attribute does not match.

    A list or mapping matches when one of its items or keys does. A package without the
    attribute matches neither form.
    """

    attribute: str
    pattern: re.Pattern[str]
    negated: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a filter; raises ConfigError if the text is not one."""
        attribute, colon, regex = text.partition(":")
        negated = regex.startswith("~")
        if not colon or not attribute or not regex.removeprefix("~"):
            raise ConfigError(
                f"{text!r} is not a filter; write ATTR:REGEX, or ATTR:~REGEX to negate it"
            )
        try:
            return cls(attribute, re.compile(regex.removeprefix("~")), negated)
        except re.error as error:
            raise ConfigError(f"{text!r} is not a filter: {error}") from error

    def __str__(self) -> str:
        return f"{self.attribute}:{'~' if self.negated else ''}{self.pattern.pattern}"

    def matches(self, package: Attributes) -> bool:
        """Whether a package matches; raises ConfigError for an attribute of another kind."""
        value = package.get(self.attribute)
        if value is None:
            return False
        if not isinstance(value, str | Mapping | list):
            kind = type(value).__name__
            raise ConfigError(f"{self.attribute} is of kind {kind} and cannot be filtered")
        texts = [value] if isinstance(value, str) else map(str, value)
        return any(map(self.pattern.search, texts)) != self.negated


def unknown_attribute(packages: Sequence[Attributes], asked: Filter) -> str:
    """Return a warning if no package has the filter's attribute, else ""."""
    known = {key for package in packages for key in package}
    if asked.attribute in known:
        return ""
    near = did_you_mean(asked.attribute, known)
    return f"no package has an attribute {asked.attribute}{near}"


def filtered(packages: Iterable[Attributes], filters: Sequence[Filter]) -> list[Attributes]:
    """Return the packages that match all filters."""
    return [package for package in packages if all(f.matches(package) for f in filters)]


def tagged(packages: Iterable[Attributes], tag: str | None) -> list[Attributes]:
    """Return the packages that have a tag; all packages if no tag is given."""
    return [package for package in packages if tag is None or tag in (package.get("tags") or ())]


def named(packages: Sequence[Attributes], name: str) -> Attributes:
    """Return the package with this name, else with this project; raises NotFoundError."""
    for key in ("name", "project"):
        for package in packages:
            if package.get(key) == name:
                return package
    known = [str(package.get(key)) for package in packages for key in ("name", "project")]
    raise NotFoundError(f"the metadata has no package {name}{did_you_mean(name, known)}")


def find_package(
    packages: Sequence[Attributes], query: str, *, strict: bool = False
) -> Attributes | None:
    """Find a package by name, project or upstream URL; return the first of the best matches.

    Exact names are tried first, then exact projects and upstreams; unless `strict`, then a URL
    that contains a project, and last a name that contains the query.
    """
    wanted = _bare(query)
    for package in packages:
        if package["name"] == query:
            return package
    for package in packages:
        if _project(package) == wanted or wanted in map(_bare, _upstreams(package)):
            return package
    if strict:
        return None
    folded = wanted.lower()
    if re.search(r"\W", wanted):  # a URL, or similar
        for package in packages:
            if (project := _project(package)) is not None and project in folded:
                return package
    return next((x for x in packages if folded in x["name"].lower()), None)


def _project(package: Attributes) -> str | None:
    return str(package["project"]).lower() if "project" in package else None


def _upstreams(package: Attributes) -> Sequence[str]:
    upstream = package.get("upstream")
    given = upstream if isinstance(upstream, list) else [upstream]
    return [url for url in given if isinstance(url, str)]


def _bare(url: str) -> str:
    """Return a URL or project without the parts that vary between spellings.

    >>> _bare("https://opendev.org/openstack/nova.git"), _bare("openstack/nova-distgit")
    ('opendev.org/openstack/nova', 'nova')
    """
    url = re.sub(r"^[^:]+://", "", url)
    return url.removesuffix(".git").removesuffix("-distgit").removeprefix("openstack/")


@dataclass(frozen=True, slots=True)
class DistRepos:
    """The repositories of a release on one base OS, as written in the metadata."""

    release: str
    base_os: str
    repos: Sequence[Mapping[str, Any]]


def distrepos(info: Info, release: str, base_os: str = "") -> list[DistRepos]:
    """Return the yum repositories of a release, on each base OS or on one.

    Raises NotFoundError if the release, the base OS or any repository is missing.
    """
    releases = {entry["name"]: entry for entry in info["releases"]}
    if release not in releases:
        near = did_you_mean(release, releases)
        raise NotFoundError(f"the metadata has no release {release}{near}")
    found = [
        DistRepos(release, repo["name"], repo["distrepos"])
        for repo in releases[release]["repos"]
        if repo.get("distrepos") and base_os in ("", repo["name"])
    ]
    if base_os and not found:
        known = [repo["name"] for repo in releases[release]["repos"]]
        near = did_you_mean(base_os, known)
        raise NotFoundError(f"release {release} has no repositories for {base_os}{near}")
    if not found:
        raise NotFoundError(f"release {release} has no repositories")
    return found[:1] if base_os else found


@dataclass(frozen=True, slots=True)
class SupposedBranches:
    """A release as `rdopkg release` shows it, with assumed branches where none are written."""

    name: str
    status: str | None
    branch: str | None
    identifier: str | None
    upstream_branch: str
    source_branch: str
    repos: tuple[str, ...]

    @classmethod
    def of(cls, release: Attributes) -> Self:
        name, identifier = release["name"], release.get("identifier")
        return cls(
            name,
            release.get("status"),
            release.get("branch"),
            identifier,
            release.get("upstream_branch") or f"stable/{name}",
            f"stable/{identifier or name}",
            tuple(repo["name"] for repo in release["repos"]),
        )


def supposed_branches(
    info: Info, name: str = "", base_os: str = "", status: str = ""
) -> list[SupposedBranches]:
    """Return the releases with this name, base OS and status; an empty one matches all.

    Raises NotFoundError for an unknown name.
    """
    releases = info["releases"]
    if name and name not in (known := [release["name"] for release in releases]):
        raise NotFoundError(f"the metadata has no release {name}{did_you_mean(name, known)}")
    return [
        release
        for release in map(SupposedBranches.of, releases)
        if name in ("", release.name)
        and (not base_os or base_os in release.repos)
        and status in ("", release.status)
    ]


def tags_diff(old: Info, new: Info, key: str = "tags") -> list[tuple[str, list[str]]]:
    """Return packages whose tags were added or changed, with those tags.

    `key` may be buildsys-tags. Removed tags are ignored.
    """
    diff = []
    for before, after in _changed(old, new):
        tags, tags_before = _mapping(after, key), _mapping(before or {}, key)
        added = [t for t in tags if t not in tags_before or tags[t] != tags_before[t]]
        if added:
            diff.append((after["name"], added))
    return diff


def _mapping(package: Attributes, key: str) -> Mapping[Any, Any]:
    """Return an attribute that is a mapping; anything else becomes an empty one."""
    value = package.get(key)
    return value if isinstance(value, Mapping) else {}


def attr_diff(old: Info, new: Info, attribute: str) -> list[tuple[str, Any]]:
    """Return packages whose attribute changed, with its new value."""
    diff = []
    for before, after in _changed(old, new):
        value = after.get(attribute)
        if value and (before is None or value != before.get(attribute)):
            diff.append((after["name"], value))
    return diff


def _changed(old: Info, new: Info) -> Iterator[tuple[Attributes | None, Attributes]]:
    """Yield the packages of `new` that differ in `old`, each after its old state (or None)."""
    before = {package["project"]: package for package in old["packages"]}
    for package in new["packages"]:
        if before.get(package["project"]) != package:
            yield before.get(package["project"]), package


@dataclass(frozen=True, slots=True)
class Maintainer:
    """A maintainer's address, and the names of their packages."""

    address: str
    packages: tuple[str, ...]


def maintainers(packages: Iterable[Attributes]) -> list[Maintainer]:
    """Return the maintainers with their packages, those with most packages first."""
    owned: dict[str, list[str]] = {}
    for package in packages:
        for address in dict.fromkeys(package.get("maintainers") or ()):
            owned.setdefault(str(address), []).append(package["name"])
    people = [Maintainer(address, tuple(names)) for address, names in owned.items()]
    return sorted(people, key=lambda person: (-len(person.packages), person.address))


def orphans(packages: Iterable[Attributes], gone: Iterable[str]) -> list[Attributes]:
    """Return the packages whose maintainers have all left."""
    left = {address.lower() for address in gone}
    return [
        package
        for package in packages
        if {str(address).lower() for address in package.get("maintainers") or ()} <= left
    ]


@dataclass(frozen=True, slots=True)
class ReleaseCount:
    """A release, and the number of packages that have its tag."""

    name: str
    status: str | None
    packages: int


@dataclass(frozen=True, slots=True)
class Summary:
    """An overview of the metadata; `kinds` counts packages by config, the largest first."""

    releases: tuple[ReleaseCount, ...]
    packages: int
    components: int
    kinds: Mapping[str, int]


def summary(info: Info) -> Summary:
    """Count the releases, packages and components of the metadata."""
    packages = info["packages"]
    kinds = Counter(str(package.get("conf") or "no config") for package in packages)
    releases = tuple(
        ReleaseCount(x["name"], x.get("status"), len(tagged(packages, x["name"])))
        for x in info["releases"]
    )
    components = len(info.get("components") or ())
    return Summary(releases, len(packages), components, dict(kinds.most_common()))
