"""Describe what changed between two states of the metadata, for a packager's review."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rdo.metadata.distribution import Distribution, Tree


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    MAINTAINERS = "maintainers"
    REPOSITORY = "repository"
    BRANCH = "branch"
    TAG = "tag"
    BUILD = "build"
    STATUS = "status"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """One change; `subject` is for example `package nova`, `release oak` or `component x`."""

    subject: str
    kind: ChangeKind
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


_REPOSITORIES = (
    "upstream",
    "distgit",
    "master-distgit",
    "centos-distgit",
    "patches",
    "review-patches",
    "review-origin",
    "distgit-path",
)
_BRANCHES = ("source-branch", "distro-branch", "branch", "upstream_branch", "version-from")


def changes(old: Distribution, new: Distribution) -> list[MetadataChange]:
    """Return all changes: of releases, components, then packages in the new state's order."""
    return [
        *_of_releases(_by(old.tree, "releases", "name"), _by(new.tree, "releases", "name")),
        *_of_components(old.components, new.components),
        *_of_packages(
            {package["project"]: package for package in old.entries()},
            {package["project"]: package for package in new.entries()},
        ),
    ]


def _by(tree: Tree, section: str, key: str) -> dict[str, Tree]:
    """Return the entries of a list by name; `verify` reports those without one."""
    entries = tree.get(section)
    named = (
        (entry for entry in entries if isinstance(entry, Mapping))
        if isinstance(entries, list)
        else ()
    )
    return {entry[key]: entry for entry in named if isinstance(entry.get(key), str)}


def _of_releases(old: Mapping[str, Tree], new: Mapping[str, Tree]) -> Iterator[MetadataChange]:
    yield from _presence("release", old, new)
    for name in new.keys() & old.keys():
        subject = f"release {name}"
        for key in sorted((old[name].keys() | new[name].keys()) - {"name", "repos"}):
            kind = ChangeKind.STATUS if key == "status" else _kind(key)
            yield from _value(subject, kind, key, old[name].get(key), new[name].get(key))
        repos, repos_before = _by(new[name], "repos", "name"), _by(old[name], "repos", "name")
        for change in _presence("base OS", repos_before, repos):
            yield MetadataChange(subject, change.kind, f"{change.subject} {change.text}")
        for base_os in repos.keys() & repos_before.keys():
            before, after = repos_before[base_os], repos[base_os]
            for key in sorted((before.keys() | after.keys()) - {"name"}):
                told = f"{key} on {base_os}"
                yield from _value(subject, _kind(key), told, before.get(key), after.get(key))


def _of_components(old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[MetadataChange]:
    yield from _presence("component", dict.fromkeys(old), dict.fromkeys(new))


def _of_packages(old: Mapping[str, Tree], new: Mapping[str, Tree]) -> Iterator[MetadataChange]:
    yield from _presence("package", old, new)
    for project, after in new.items():
        if project in old and old[project] != after:
            yield from _of_package(f"package {project}", old[project], after)


def _of_package(subject: str, old: Tree, new: Tree) -> Iterator[MetadataChange]:
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if key == "tags":
            yield from _of_tags(subject, before or {}, after or {})
        elif key == "buildsys-tags":
            yield from _of_builds(subject, before or {}, after or {})
        elif key == "maintainers":
            yield from _of_maintainers(subject, before or [], after or [])
        elif key == "component":
            text = f"moved from component {before} to {after}"
            yield MetadataChange(subject, ChangeKind.MOVED, text)
        elif key == "name":
            yield MetadataChange(subject, ChangeKind.RENAMED, f"renamed from {before} to {after}")
        else:
            yield from _value(subject, _kind(key), key, before, after)


def _of_tags(subject: str, old: Tree, new: Tree) -> Iterator[MetadataChange]:
    for tag in dict.fromkeys((*new, *old)):
        if tag not in old:
            overrides = ", ".join(f"{key} {value}" for key, value in (new[tag] or {}).items())
            yield MetadataChange(
                subject, ChangeKind.TAG, f"tagged {tag}" + (f" ({overrides})" * bool(overrides))
            )
        elif tag not in new:
            yield MetadataChange(subject, ChangeKind.TAG, f"no longer tagged {tag}")
        else:
            before, after = old[tag] or {}, new[tag] or {}
            for key in sorted(before.keys() | after.keys()):
                told = f"{key} in {tag}"
                yield from _value(subject, _kind(key), told, before.get(key), after.get(key))


def _of_builds(subject: str, old: Tree, new: Tree) -> Iterator[MetadataChange]:
    for tag in dict.fromkeys((*new, *old)):
        yield from _value(subject, ChangeKind.BUILD, tag, old.get(tag), new.get(tag))


def _of_maintainers(subject: str, old: list[Any], new: list[Any]) -> Iterator[MetadataChange]:
    for who in dict.fromkeys((*new, *old)):
        if who not in old:
            yield MetadataChange(subject, ChangeKind.MAINTAINERS, f"new maintainer {who}")
        elif who not in new:
            yield MetadataChange(
                subject, ChangeKind.MAINTAINERS, f"{who} is no longer a maintainer"
            )


def _presence(
    what: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[MetadataChange]:
    for name in old:
        if name not in new:
            yield MetadataChange(f"{what} {name}", ChangeKind.REMOVED, "removed")
    for name in new:
        if name not in old:
            yield MetadataChange(f"{what} {name}", ChangeKind.ADDED, "added")


def _value(
    subject: str, kind: ChangeKind, key: str, old: Any, new: Any
) -> Iterator[MetadataChange]:
    if old == new:
        return
    if old is None:
        text = f"{key} is now {new}"
    elif new is None:
        text = f"{key} is no longer {old}"
    else:
        text = f"{key} from {old} to {new}"
    yield MetadataChange(subject, kind, text)


def _kind(key: str) -> ChangeKind:
    if key in _REPOSITORIES:
        return ChangeKind.REPOSITORY
    return ChangeKind.BRANCH if key in _BRANCHES else ChangeKind.OTHER
