"""A build's bill of materials in SPDX' JSON, version 2.3."""

import io
import re
from collections.abc import Iterator

from spdx_tools.common.spdx_licensing import spdx_licensing
from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from rdo import __version__
from rdo.model.nevra import Nevra
from rdo.promotion.evidence.facts import BuildFacts, RpmFacts

_DOCUMENT = "SPDXRef-DOCUMENT"


def spdx_json(facts: BuildFacts) -> str:
    """Return the bill of a build: sources, the RPMs made from them, packages in the root."""
    text = io.StringIO()
    write_document_to_stream(_document(facts), text, validate=False, converter=DocumentConverter())
    return text.getvalue()


def _document(facts: BuildFacts) -> Document:
    created = (facts.build.finished or facts.build.created).replace(tzinfo=None, microsecond=0)
    sum_of_all = facts.source.artifact.sha256
    info = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=facts.name,
        document_namespace=f"{facts.factory}/spdx/{facts.build.id}-{sum_of_all}",
        creators=[Actor(ActorType.TOOL, f"rdo-{__version__}")],
        created=created,
    )
    packages: list[Package] = []
    relations: list[Relationship] = []
    source = _rpm(facts, facts.source)
    for package in _gits(facts):
        packages.append(package)
        relation = RelationshipType.GENERATED_FROM
        relations.append(Relationship(source.spdx_id, relation, package.spdx_id))
    for rpm in facts.rpms:
        package = _rpm(facts, rpm)
        packages.append(package)
        relations.append(Relationship(_DOCUMENT, RelationshipType.DESCRIBES, package.spdx_id))
        if not rpm.artifact.is_source:
            relation = RelationshipType.GENERATED_FROM
            relations.append(Relationship(package.spdx_id, relation, source.spdx_id))
    for one in facts.root:
        sums = [Checksum(ChecksumAlgorithm.SHA256, one.sha256)] if one.sha256 else []
        package = _package(facts, f"root-{one.nevra}", one.nevra, sums)
        packages.append(package)
        relation = RelationshipType.BUILD_DEPENDENCY_OF
        relations.append(Relationship(package.spdx_id, relation, source.spdx_id))
    return Document(info, packages=packages, relationships=relations)


def _rpm(facts: BuildFacts, rpm: RpmFacts) -> Package:
    sums = [Checksum(ChecksumAlgorithm.SHA256, rpm.artifact.sha256)]
    package = _package(facts, rpm.artifact.file_name, rpm.artifact.nevra, sums)
    package.file_name = rpm.artifact.file_name
    package.license_declared = (
        spdx_licensing.parse(rpm.spdx_licence) if rpm.spdx_licence else SpdxNoAssertion()
    )
    if rpm.licence and not rpm.spdx_licence:
        package.license_comment = f"the RPM's header says: {rpm.licence}"
    if before := rpm.artifact.unsigned_sha256:
        package.comment = f"sha256 before it was signed: {before}"
    return package


def _gits(facts: BuildFacts) -> Iterator[Package]:
    commit = facts.build.commit
    for name, url, commit_hash in (
        ("upstream", facts.upstream_url, commit.upstream_hash),
        ("distgit", facts.distgit_url, commit.distgit_hash),
    ):
        yield Package(
            spdx_id=f"SPDXRef-{name}",
            name=f"{commit.package} ({name})",
            version=commit_hash,
            download_location=_location(url, commit_hash),
            files_analyzed=False,
        )


def _package(facts: BuildFacts, identity: str, nevra: Nevra, sums: list[Checksum]) -> Package:
    category = ExternalPackageRefCategory.PACKAGE_MANAGER
    return Package(
        spdx_id=f"SPDXRef-{re.sub(r'[^A-Za-z0-9.-]', '-', identity)}",
        name=nevra.name,
        version=f"{nevra.version}-{nevra.release}",
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=sums,
        external_references=[ExternalPackageRef(category, "purl", facts.purl(nevra))],
    )


def _location(url: str, commit_hash: str) -> str | SpdxNoAssertion:
    """Return the download location of a commit in SPDX form, without a local path."""
    return (
        f"git+{url}@{commit_hash}" if re.match(r"(https?|ssh|git)://", url) else SpdxNoAssertion()
    )
