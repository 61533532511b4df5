"""What a repository will hold, decided before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from rdo.dlrn.formats import Status, VersionsRow
from rdo.dlrn.layout import component_directory, hash_directory
from rdo.model.artifact import Artifact, Fragment
from rdo.model.package import Package
from rdo.publish.consistent import set_digest
from rdo.publish.site import Members, Site
from rdo.store import Transaction
from rdo.store.artifacts import StoredArtifact
from rdo.store.builds import Build
from rdo.store.packages import PackageState

COMPOSED = "composed"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the packages of a target stand, and the RPMs of their newest good builds."""

    states: Mapping[str, PackageState]
    good: Mapping[str, tuple[StoredArtifact, ...]]

    @classmethod
    def read(cls, at: Transaction, target: str) -> "Snapshot":
        states = {state.package: state for state in at.packages.states(target)}
        by_package = groupby(at.artifacts.good(target), key=lambda stored: stored.package)
        return cls(states, {package: tuple(stored) for package, stored in by_package})


@dataclass(frozen=True, slots=True)
class Contents:
    """One repository of a component: its place, its RPMs, its rows of versions.csv.

    `own` are the RPMs of the build that it is made for; a composed repository has none. The
    others come from the pool. `digest` names the set of all builds in it.
    """

    component: str | None
    path: PurePosixPath
    own: Mapping[Artifact, Fragment]
    others: tuple[StoredArtifact, ...]
    rows: tuple[VersionsRow, ...]
    digest: str


def of_build(
    site: Site, build: Build, own: Mapping[Artifact, Fragment], members: Members, now: Snapshot
) -> Contents:
    """The hash repository of a build: its own RPMs and every other member's newest good ones."""
    component = site.component(build.commit.component)
    shared = members.of(site, component)
    others = _good(shared, now, but=build.package)
    rows = _rows(members, shared, now, build, own)
    return Contents(
        component,
        hash_directory(build.commit, component),
        own,
        others,
        tuple(rows),
        set_digest([build.id, *(stored.build_id for stored in others)]),
    )


def of_members(site: Site, component: str | None, members: Members, now: Snapshot) -> Contents:
    """A composed repository: every member's newest good RPMs. Its place is named by the set."""
    shared = members.of(site, component)
    others = _good(shared, now)
    digest = set_digest(stored.build_id for stored in others)
    path = component_directory(component) / COMPOSED / digest[:2] / digest[2:4] / digest
    return Contents(component, path, {}, others, tuple(_rows(members, shared, now)), digest)


def is_superseded(build: Build, now: Snapshot) -> bool:
    """Whether a later commit of the package, or a later try of this one, is out already."""
    state = now.states.get(build.package)
    good = state.good if state else None
    return good is not None and (good.position, good.id) > (build.position, build.id)


def _good(
    shared: Sequence[Package], now: Snapshot, but: str | None = None
) -> tuple[StoredArtifact, ...]:
    names = sorted(package.name for package in shared if package.name != but)
    return tuple(stored for name in names for stored in now.good.get(name, ()))


def _rows(
    members: Members,
    shared: Sequence[Package],
    now: Snapshot,
    build: Build | None = None,
    own: Mapping[Artifact, Fragment] | None = None,
) -> Iterator[VersionsRow]:
    """The rows of versions.csv in the metadata's order; `build` has its row as it is now.

    A package that was never good has none, nor has another one that is under review.
    """
    listed = {package.name for package in shared} | ({build.package} if build else set())
    for package in members.packages:
        if package.name not in listed:
            continue
        if build and package.name == build.package:
            yield _row(package, build, Status.SUCCESS, tuple(own or ()))
        elif (state := now.states.get(package.name)) and state.good:
            artifacts = tuple(stored.artifact for stored in now.good.get(package.name, ()))
            status = Status.of(state.newest.outcome if state.newest else None)
            yield _row(package, state.good, status, artifacts)


def _row(
    package: Package, build: Build, status: Status, artifacts: Sequence[Artifact]
) -> VersionsRow:
    sources = (artifact.file_name for artifact in artifacts if artifact.is_source)
    return VersionsRow(
        commit=build.commit,
        source_repo=package.upstreams[0],
        dist_repo=package.distgit,
        status=status,
        built=build.release.date,
        nvr=next(sources, "").removesuffix(".src.rpm"),
    )
