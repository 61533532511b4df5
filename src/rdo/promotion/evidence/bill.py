"""A build's bill of materials in CycloneDX' JSON, version 1.6."""

import uuid
import warnings

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from rdo import __version__
from rdo.model.nevra import Nevra
from rdo.promotion.evidence.facts import BuildFacts, RootPackage, RpmFacts

_OURS = uuid.UUID("6f1f2f0e-6a3b-5f0e-9c57-3a7f3b1e5d10")
"""The namespace for serial numbers of our bills; the same build always has the same number."""


def cyclonedx_json(facts: BuildFacts) -> str:
    """Return the bill of a build: its source RPM, its RPMs, and the packages in the root."""
    source = _rpm(facts, facts.source)
    binaries = [_rpm(facts, one) for one in facts.rpms if not one.artifact.is_source]
    root = [_root(facts, one) for one in facts.root]
    serial = uuid.uuid5(_OURS, f"{facts.factory} {facts.build.id} {_sums(facts)}")
    bom = Bom(
        serial_number=serial,
        metadata=BomMetaData(
            timestamp=facts.build.finished or facts.build.created,
            component=source,
            tools=ToolRepository(
                components=[
                    Component(name="rdo", version=__version__, type=ComponentType.APPLICATION)
                ]
            ),
        ),
        components=[*binaries, *root],
        dependencies=[
            Dependency(source.bom_ref, [Dependency(one.bom_ref) for one in root]),
            *(Dependency(one.bom_ref, [Dependency(source.bom_ref)]) for one in binaries),
            *(Dependency(one.bom_ref) for one in root),
        ],
    )
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    with warnings.catch_warnings():  # warns that the root of another builder is unknown
        warnings.filterwarnings("ignore", "The Component this BOM is describing", UserWarning)
        return str(written.output_as_string(indent=2))


def _rpm(facts: BuildFacts, rpm: RpmFacts) -> Component:
    artifact, commit = rpm.artifact, facts.build.commit
    licences = [LicenseExpression(rpm.spdx_licence)] if rpm.spdx_licence else []
    others = [DisjunctiveLicense(name=rpm.licence)] if rpm.licence and not licences else []
    references = [
        ExternalReference(
            type=ExternalReferenceType.VCS, url=XsUri(_at(url, commit_hash)), comment=comment
        )
        for url, commit_hash, comment in (
            (facts.upstream_url, commit.upstream_hash, "upstream"),
            (facts.distgit_url, commit.distgit_hash, "distgit"),
        )
        if url and artifact.is_source
    ]
    properties = [Property(name="rdo:build", value=f"{facts.build.target}/{facts.build.id}")]
    if artifact.unsigned_sha256:
        before = artifact.unsigned_sha256
        properties.append(Property(name="rdo:sha256-before-signature", value=before))
    return Component(
        name=artifact.nevra.name,
        version=_version(artifact.nevra),
        purl=PackageURL.from_string(facts.purl(artifact.nevra)),
        type=ComponentType.LIBRARY,
        bom_ref=artifact.file_name,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=artifact.sha256)],
        licenses=[*licences, *others],
        external_references=references,
        properties=properties,
    )


def _root(facts: BuildFacts, package: RootPackage) -> Component:
    sums = [package.sha256] if package.sha256 else []
    return Component(
        name=package.nevra.name,
        version=_version(package.nevra),
        purl=PackageURL.from_string(facts.purl(package.nevra)),
        type=ComponentType.LIBRARY,
        bom_ref=f"root/{package.nevra}",
        scope=ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in sums],
        properties=[Property(name="rdo:role", value="build root")],
    )


def _version(nevra: Nevra) -> str:
    return f"{nevra.version}-{nevra.release}"


def _at(url: str, commit_hash: str) -> str:
    return f"git+{url}@{commit_hash}"


def _sums(facts: BuildFacts) -> str:
    return " ".join(one.artifact.sha256 for one in facts.rpms)
