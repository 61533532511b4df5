"""The RPMs of published builds and their fragments of repository metadata."""

import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import Session, load_only

from rdo.model.artifact import Artifact, Fragment
from rdo.model.nevra import Nevra
from rdo.store.batches import batches
from rdo.store.schema import ArtifactRow, BuildRow, PackageRow

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """An artifact with its place in the store; its fragment is read by `id`."""

    id: int
    build_id: int
    package: str
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The table of artifacts, within one transaction."""

    session: Session

    def add(self, build_id: int, fragments: Mapping[Artifact, Fragment]) -> None:
        """Record the RPMs of a build; this replaces leftovers of an interrupted publication."""
        for old in self.session.scalars(_light().where(ArtifactRow.build_id == build_id)):
            self.session.delete(old)
        self.session.flush()
        self.session.add_all(_row(build_id, *item) for item in fragments.items())
        self.session.flush()

    def resign(self, signed: Mapping[int, tuple[Artifact, Fragment]]) -> None:
        """Record new bytes of artifacts, by id, that were signed; everything else stays."""
        for artifact_id, (artifact, fragment) in signed.items():
            values = {
                "sha256": artifact.sha256,
                "size": artifact.size,
                "signed_by": artifact.signed_by,
                "unsigned_sha256": artifact.unsigned_sha256,
                **_deflated(fragment),
            }
            query = update(ArtifactRow).where(ArtifactRow.id == artifact_id).values(values)
            self.session.execute(query)

    def of_target(self, target: str) -> tuple[StoredArtifact, ...]:
        """Return all RPMs of a target's published builds, except bootstrap builds."""
        is_ours = (BuildRow.target == target) & BuildRow.bootstrap.is_(False)
        return self._read(self._stored().where(is_ours))

    def signed_by(self, target: str) -> dict[str, int]:
        """Return how many RPMs each key has signed; unsigned ones have the key ''."""
        query = (
            select(ArtifactRow.signed_by, func.count())
            .join(BuildRow, ArtifactRow.build_id == BuildRow.id)
            .where(BuildRow.target == target, BuildRow.bootstrap.is_(False))
            .group_by(ArtifactRow.signed_by)
        )
        return {row[0]: row[1] for row in self.session.execute(query)}

    def of_build(self, build_id: int) -> tuple[Artifact, ...]:
        """Return the RPMs of a build: the source RPM first, then the others by file name."""
        query = _light().where(ArtifactRow.build_id == build_id)
        order = (ArtifactRow.is_source.desc(), ArtifactRow.file_name)
        return tuple(_artifact(row) for row in self.session.scalars(query.order_by(*order)))

    def good(self, target: str) -> tuple[StoredArtifact, ...]:
        """Return the RPMs of every package's newest good build, by package and file name."""
        query = self._stored().join(PackageRow, PackageRow.good_id == BuildRow.id)
        return self._read(query.where(PackageRow.target == target))

    def bootstrap(self, target: str) -> tuple[StoredArtifact, ...]:
        """Return the RPMs of the bootstrap builds of packages without a good build since then."""
        query = self._stored().join(PackageRow, PackageRow.bootstrap_id == BuildRow.id)
        return self._read(query.where(PackageRow.target == target))

    def of_builds(self, build_ids: Collection[int]) -> tuple[StoredArtifact, ...]:
        """Return the RPMs of several builds, by package and file name."""
        return self._read(self._stored().where(ArtifactRow.build_id.in_(build_ids)))

    def of_source(self, target: str, source_rpm: str) -> tuple[Artifact, ...]:
        """Return the RPMs of a target's newest published build with this source RPM."""
        query = (
            select(ArtifactRow.build_id)
            .join(BuildRow, ArtifactRow.build_id == BuildRow.id)
            .where(ArtifactRow.file_name == source_rpm, ArtifactRow.is_source.is_(True))
            .where(BuildRow.target == target, BuildRow.bootstrap.is_(False))
            .order_by(BuildRow.id.desc())
            .limit(1)
        )
        found = self.session.scalar(query)
        return self.of_build(found) if found is not None else ()

    def builds_with(self, target: str, hashes: Collection[str]) -> dict[str, list[int]]:
        """Return, for each known sha256 of an RPM, the builds that have it, oldest first.

        A rebuild of the same sources may give the same bytes; an RPM that was signed later is also
        found by its hash before that.
        """
        found: dict[str, list[int]] = {}
        for part in batches(hashes):
            columns = (ArtifactRow.sha256, ArtifactRow.unsigned_sha256, ArtifactRow.build_id)
            is_known = or_(ArtifactRow.sha256.in_(part), ArtifactRow.unsigned_sha256.in_(part))
            query = (
                select(*columns)
                .join(BuildRow, ArtifactRow.build_id == BuildRow.id)
                .where(is_known, BuildRow.target == target)
                .order_by(ArtifactRow.build_id)
            )
            for sha256, unsigned, build_id in self.session.execute(query):
                for one in {sha256, unsigned}.intersection(part):
                    found.setdefault(one, []).append(build_id)
        return found

    def builds_named(self, target: str, names: Collection[str]) -> dict[str, list[int]]:
        """Return, for each known file name of an RPM, the builds that have it."""
        found: dict[str, list[int]] = {}
        for part in batches(names):
            query = (
                select(ArtifactRow.file_name, ArtifactRow.build_id)
                .join(BuildRow, ArtifactRow.build_id == BuildRow.id)
                .where(ArtifactRow.file_name.in_(part), BuildRow.target == target)
                .order_by(ArtifactRow.build_id)
            )
            for name, build_id in self.session.execute(query):
                found.setdefault(name, []).append(build_id)
        return found

    def _stored(self) -> Select[*tuple[Any, ...]]:
        query = select(ArtifactRow.id, BuildRow.package, *_LIGHT)
        return query.join(BuildRow, ArtifactRow.build_id == BuildRow.id)

    def _read(self, query: Select[*tuple[Any, ...]]) -> tuple[StoredArtifact, ...]:
        # Columns instead of objects, unpacked instead of named, because there are thousands.
        ordered = query.order_by(BuildRow.package, ArtifactRow.file_name)
        return tuple(
            StoredArtifact(
                artifact_id,
                build_id,
                package,
                Artifact(
                    file_name,
                    Nevra(name, epoch, version, release, arch),
                    sha256,
                    size,
                    is_source,
                    tuple(json.loads(provides)),
                    signed_by,
                    unsigned_sha256,
                ),
            )
            for (
                artifact_id,
                package,
                build_id,
                file_name,
                name,
                epoch,
                version,
                release,
                arch,
                sha256,
                size,
                is_source,
                provides,
                signed_by,
                unsigned_sha256,
            ) in self.session.execute(ordered)
        )

    def forget(self, build_ids: Collection[int]) -> None:
        """Remove the records of the RPMs of builds, because the RPMs were removed."""
        for part in batches(build_ids):
            self.session.execute(delete(ArtifactRow).where(ArtifactRow.build_id.in_(part)))

    def build_ids(self, target: str) -> frozenset[int]:
        """Return the builds with recorded RPMs."""
        query = select(ArtifactRow.build_id).join(BuildRow, ArtifactRow.build_id == BuildRow.id)
        return frozenset(self.session.scalars(query.where(BuildRow.target == target).distinct()))

    def provides(self, target: str) -> dict[str, tuple[str, ...]]:
        """Return what each package's newest good build provides, by package."""
        found: dict[str, tuple[str, ...]] = {}
        for stored in self.good(target):
            if not stored.artifact.is_source:
                found[stored.package] = found.get(stored.package, ()) + stored.artifact.provides
        return found

    def providing(self, target: str, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return which of `names` each package's newest good build provides, by package.

        Much faster than `provides` if there are only a few names.
        """
        query = (
            select(PackageRow.package, ArtifactRow.provides)
            .join(ArtifactRow, ArtifactRow.build_id == PackageRow.good_id)
            .where(PackageRow.target == target, ArtifactRow.is_source.is_(False))
        )
        texts = [json.dumps(name) for name in names]
        found: dict[str, tuple[str, ...]] = {}
        for package, provides in self.session.execute(query):
            if any(text in provides for text in texts):
                wanted = tuple(name for name in json.loads(provides) if name in names)
                found[package] = found.get(package, ()) + wanted
        return found

    def fragments(self, artifact_ids: Collection[int]) -> dict[int, Fragment]:
        """Return the fragments of artifacts by id."""
        query = select(
            ArtifactRow.id,
            ArtifactRow.primary_xml,
            ArtifactRow.filelists_xml,
            ArtifactRow.other_xml,
        ).where(ArtifactRow.id.in_(artifact_ids))
        return {
            artifact_id: Fragment(*(zlib.decompress(part).decode() for part in parts))
            for artifact_id, *parts in self.session.execute(query)
        }


_LIGHT = (
    ArtifactRow.build_id,
    ArtifactRow.file_name,
    ArtifactRow.name,
    ArtifactRow.epoch,
    ArtifactRow.version,
    ArtifactRow.release,
    ArtifactRow.arch,
    ArtifactRow.sha256,
    ArtifactRow.size,
    ArtifactRow.is_source,
    ArtifactRow.provides,
    ArtifactRow.signed_by,
    ArtifactRow.unsigned_sha256,
)


def _light() -> Select[ArtifactRow]:
    """Return a query without the fragments, which are most of a row."""
    return select(ArtifactRow).options(load_only(*_LIGHT))


def _artifact(row: ArtifactRow) -> Artifact:
    nevra = Nevra(row.name, row.epoch, row.version, row.release, row.arch)
    provides = tuple(json.loads(row.provides))
    return Artifact(
        row.file_name,
        nevra,
        row.sha256,
        row.size,
        row.is_source,
        provides,
        row.signed_by,
        row.unsigned_sha256,
    )


def _row(build_id: int, artifact: Artifact, fragment: Fragment) -> ArtifactRow:
    return ArtifactRow(
        build_id=build_id,
        file_name=artifact.file_name,
        name=artifact.nevra.name,
        epoch=artifact.nevra.epoch,
        version=artifact.nevra.version,
        release=artifact.nevra.release,
        arch=artifact.nevra.arch,
        sha256=artifact.sha256,
        size=artifact.size,
        is_source=artifact.is_source,
        provides=json.dumps(artifact.provides),
        signed_by=artifact.signed_by,
        unsigned_sha256=artifact.unsigned_sha256,
        **_deflated(fragment),
    )


def _deflated(fragment: Fragment) -> dict[str, bytes]:
    return {
        "primary_xml": zlib.compress(fragment.primary.encode()),
        "filelists_xml": zlib.compress(fragment.filelists.encode()),
        "other_xml": zlib.compress(fragment.other.encode()),
    }
