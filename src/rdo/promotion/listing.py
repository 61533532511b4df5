"""List the repositories of a target's tree, and the content of a repository."""

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from xml.etree import ElementTree

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError, did_you_mean
from rdo.model.artifact import Artifact, Fragment
from rdo.model.nevra import Nevra
from rdo.promotion.compositions import Composition
from rdo.store.work.artifacts import StoredArtifact

_RPM = "http://linux.duke.edu/metadata/rpm"
_SIGNS = {"EQ": "=", "LT": "<", "GT": ">", "LE": "<=", "GE": ">="}
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class ListedRepository:
    """A repository of the tree; `of` is the commit that it was made for, empty if composed.

    `names` point to it now.
    """

    path: str
    component: str | None
    created: datetime
    of: str
    build_id: int | None
    names: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Provider:
    """An RPM that provides something, and what exactly: a capability, or the path of a file."""

    package: str
    nevra: Nevra
    provides: str


def in_tree(opened: OpenTarget, limit: int | None = None) -> tuple[ListedRepository, ...]:
    """Return the repositories in the tree, newest first; at most `limit`, and all with a name."""
    with opened.store.read() as at:
        found = sorted(at.repositories.in_tree(opened.name), key=lambda one: -one.id)
        names: dict[int, list[str]] = {}
        for name, repository in at.names.all(opened.name):
            names.setdefault(repository.id, []).append(name)
        chosen = [
            one
            for number, one in enumerate(found)
            if limit is None or number < limit or one.id in names
        ]
        commits = at.builds.origins({one.build_id for one in chosen if one.build_id})
    return tuple(
        ListedRepository(
            one.path,
            one.component,
            one.created,
            str(commits[one.build_id][0]) if one.build_id else "",
            one.build_id,
            tuple(sorted(names.get(one.id, []))),
            opened.tree.site.url(PurePosixPath(one.path)),
        )
        for one in chosen
    )


def rpms(composition: Composition) -> tuple[StoredArtifact, ...]:
    """Return the RPMs of a composition, by package and file name."""
    by_package = sorted(composition.builds.items())
    return tuple(stored for _, build in by_package for stored in build.artifacts)


def files_of(opened: OpenTarget, composition: Composition, rpm: str) -> tuple[str, ...]:
    """Return the paths in an RPM, given by its name or file name.

    Raises NotFoundError if the composition has no such RPM.
    """
    found = [
        stored
        for stored in rpms(composition)
        if rpm in _called(stored.artifact) and (not stored.artifact.is_source or "src" in rpm)
    ]
    if not found:
        known = [stored.artifact.nevra.name for stored in rpms(composition)]
        raise NotFoundError(
            f"{composition.label} of {opened.name} has no RPM {rpm}{did_you_mean(rpm, known)}"
        )
    fragments = _fragments(opened, [stored.id for stored in found])
    return tuple(path for one in fragments.values() for path in _paths(one))


def providers(opened: OpenTarget, composition: Composition, wanted: str) -> tuple[Provider, ...]:
    """Return the binary RPMs that provide a capability or a file; `*`, `?` and `[` are wildcards.

    Versions in capabilities are ignored.
    """
    is_path = wanted.startswith(("/", "*/"))
    pattern = re.compile(fnmatch.translate(wanted)) if _GLOB.search(wanted) else None
    asked = [stored for stored in rpms(composition) if not stored.artifact.is_source]
    if not is_path:
        asked = [
            stored
            for stored in asked
            if any(_is_meant(name, wanted, pattern) for name in stored.artifact.provides)
        ]
    fragments = _fragments(opened, [stored.id for stored in asked])
    found = []
    for stored in asked:
        fragment = fragments[stored.id]
        given = _paths(fragment) if is_path else _capabilities(fragment)
        for text in given:
            if _is_meant(text if is_path else text.partition(" ")[0], wanted, pattern):
                found.append(Provider(stored.package, stored.artifact.nevra, text))
    return tuple(found)


def _is_meant(name: str, wanted: str, pattern: re.Pattern[str] | None) -> bool:
    return pattern.match(name) is not None if pattern else name == wanted


def _called(artifact: Artifact) -> Collection[str]:
    return {
        artifact.nevra.name,
        artifact.file_name,
        artifact.file_name.removesuffix(".rpm"),
        str(artifact.nevra),
    }


def _fragments(opened: OpenTarget, ids: Collection[int]) -> Mapping[int, Fragment]:
    with opened.store.read() as at:
        return at.artifacts.fragments(ids)


def _paths(fragment: Fragment) -> Iterator[str]:
    for file in _element(fragment.filelists).iter("file"):
        yield file.text or ""


def _capabilities(fragment: Fragment) -> Iterator[str]:
    """Yield the capabilities of an RPM, in rpm's form."""
    for entry in _element(fragment.primary).iterfind(f".//{{{_RPM}}}provides/{{{_RPM}}}entry"):
        name, sign = entry.get("name", ""), _SIGNS.get(entry.get("flags", ""), "")
        yield f"{name} {sign} {_evr(entry)}" if sign else name


def _evr(entry: ElementTree.Element) -> str:
    epoch, version, release = (entry.get(key, "") for key in ("epoch", "ver", "rel"))
    start = f"{epoch}:" if epoch not in {"", "0"} else ""
    return f"{start}{version}" + (f"-{release}" if release else "")


def _element(text: str) -> ElementTree.Element:
    """Parse a fragment, which was checked when it was stored, as XML."""
    return ElementTree.fromstring(f'<x xmlns:rpm="{_RPM}">{text}</x>')
