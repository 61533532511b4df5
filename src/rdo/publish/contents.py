"""The content of a repository, decided before anything is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rdo.dlrn.formats import DlrnStatus, VersionsRow
from rdo.dlrn.layout import component_directory, hash_directory
from rdo.model.artifact import Artifact, Fragment
from rdo.model.package import Package
from rdo.model.text.url import without_secret
from rdo.publish.consistent import set_digest
from rdo.publish.good import GoodBuild, GoodBuilds
from rdo.publish.site import Members, Site
from rdo.store import Transaction
from rdo.store.work.artifacts import StoredArtifact
from rdo.store.work.builds import Build
from rdo.store.work.packages import Pointers

COMPOSED = "composed"
DEBUG = "debug"
"""The subfolder of a repository with the repository of its -debuginfo and -debugsource RPMs."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of each package of a target, and the newest good builds, by package."""

    pointers: Mapping[str, Pointers]
    good: Mapping[str, GoodBuild]

    @classmethod
    def read(
        cls,
        at: Transaction,
        target: str,
        builds: GoodBuilds,
        instead: Mapping[str, int] | None = None,
    ) -> "TargetState":
        """Read the state from the store; `instead` replaces newest good builds, by package."""
        pointers = at.packages.pointers(target)
        for package, build_id in (instead or {}).items():
            pointers[package] = replace(pointers[package], good_id=build_id)
        good = [entry.good_id for entry in pointers.values() if entry.good_id is not None]
        return cls(pointers, builds.read(at, good))


@dataclass(frozen=True, slots=True)
class Contents:
    """One repository of a component: its path, its RPMs, and its rows of versions.csv.

    `own` are the RPMs of the build that it is made for; a composed repository has none. The others
    come from the pool. `digest` names the set of all builds in it.
    """

    component: str | None
    path: PurePosixPath
    own: Mapping[Artifact, Fragment]
    others: tuple[StoredArtifact, ...]
    rows: tuple[VersionsRow, ...]
    digest: str

    @property
    def signed_by(self) -> frozenset[str]:
        """The keys that have signed the RPMs; an empty text means RPMs without a signature."""
        others = (stored.artifact for stored in self.others)
        return frozenset(artifact.signed_by for artifact in (*self.own, *others))

    def part(self, *, is_debug: bool) -> "Contents":
        """Return the debuginfo part, or the rest; each is published as its own repository."""
        own = {one: part for one, part in self.own.items() if one.is_debug == is_debug}
        others = tuple(one for one in self.others if one.artifact.is_debug == is_debug)
        path = self.path / DEBUG if is_debug else self.path
        return replace(self, path=path, own=own, others=others)


def of_build(
    site: Site, build: Build, own: Mapping[Artifact, Fragment], members: Members, now: TargetState
) -> Contents:
    """Return the contents of a build's hash repository: its RPMs and other members' newest."""
    component = site.component(build.package, build.commit.component)
    shared = members.of(site, component)
    others = _good(shared, now, but=build.package)
    stored = (StoredArtifact(0, build.id, build.package, artifact) for artifact in own)
    good = GoodBuild(build.id, build.commit, build.release_date, tuple(stored))
    rows = _rows(members, shared, now, good)
    return Contents(
        component,
        hash_directory(build.commit, component),
        own,
        others,
        tuple(rows),
        set_digest([build.id, *(stored.build_id for stored in others)]),
    )


def of_members(site: Site, component: str | None, members: Members, now: TargetState) -> Contents:
    """Return the contents of a composed repository: every member's newest good RPMs.

    Its path is named by the set of builds.
    """
    shared = members.of(site, component)
    rows = tuple(_rows(members, shared, now))
    return _composed(component, _good(shared, now), rows)


def of_builds(site: Site, builds: Iterable[GoodBuild], members: Members) -> tuple[Contents, ...]:
    """Return the contents of composed repositories of exactly these builds, one per component.

    The order of the builds does not matter. A package that the metadata no longer has comes last in
    versions.csv, without the URL of its distgit.
    """
    packages = {package.name: package for package in members.packages}
    places = {name: number for number, name in enumerate(packages)}
    parts: dict[str | None, list[GoodBuild]] = {}
    for one in sorted(builds, key=lambda one: one.commit.package):
        component = site.component(one.commit.package, one.commit.component)
        parts.setdefault(component, []).append(one)
    found = []
    for component in sorted(parts, key=lambda name: name or ""):
        others = tuple(stored for one in parts[component] for stored in one.artifacts)
        listed = sorted(
            parts[component], key=lambda one: places.get(one.commit.package, len(places))
        )
        rows = [_row(packages.get(one.commit.package), one, DlrnStatus.SUCCESS) for one in listed]
        found.append(_composed(component, others, tuple(rows)))
    return tuple(found)


def _composed(
    component: str | None, others: tuple[StoredArtifact, ...], rows: tuple[VersionsRow, ...]
) -> Contents:
    digest = set_digest(stored.build_id for stored in others)
    path = component_directory(component) / COMPOSED / digest[:2] / digest[2:4] / digest
    return Contents(component, path, {}, others, rows, digest)


def is_superseded(build: Build, good: Build | None) -> bool:
    """Whether a later commit of the package, or a later build of this commit, is already published.

    `good` must be read together with `build`: a force-push moves commits in their order.
    """
    return good is not None and (good.position, good.id) > (build.position, build.id)


def _good(
    shared: Sequence[Package], now: TargetState, but: str | None = None
) -> tuple[StoredArtifact, ...]:
    names = sorted(package.name for package in shared if package.name in now.good)
    return tuple(stored for name in names if name != but for stored in now.good[name].artifacts)


def _rows(
    members: Members, shared: Sequence[Package], now: TargetState, own: GoodBuild | None = None
) -> Iterator[VersionsRow]:
    """Yield the rows of versions.csv in the metadata's order; `own` replaces its package's row.

    A package without a good build has no row. Neither has a package under review, except in its own
    repository.
    """
    listed = {package.name for package in shared}
    for package in members.packages:
        if own and package.name == own.commit.package:
            yield _row(package, own, DlrnStatus.SUCCESS)
        elif package.name in listed and (good := now.good.get(package.name)):
            yield _row(package, good, DlrnStatus.of_failure(now.pointers[package.name].failure))


def _row(package: Package | None, good: GoodBuild, status: DlrnStatus) -> VersionsRow:
    upstream = package.upstream_of(good.commit) if package else good.commit.upstream
    return VersionsRow(
        commit=good.commit,
        source_repo=without_secret(upstream),
        dist_repo=without_secret(package.distgit) if package else "",
        status=status,
        built=good.release_date,
        nvr=good.nvr,
    )
