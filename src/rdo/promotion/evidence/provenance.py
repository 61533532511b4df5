"""A build's provenance: an in-toto statement with SLSA's predicate, version 1, in an envelope."""

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signature

from rdo.model.build import Built
from rdo.promotion.evidence.facts import BuildFacts
from rdo.signing import Signer

PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:rdo:build:v1"
PAYLOAD = "application/vnd.in-toto+json"


def provenance_json(facts: BuildFacts) -> str:
    """Return the statement of a build: which RPMs it made, and from what."""
    subjects = [
        ResourceDescriptor(name=one.artifact.file_name, digest={"sha256": one.artifact.sha256}).pb
        for one in facts.rpms
    ]
    predicate = json_format.ParseDict(_predicate(facts), Provenance())
    statement = Statement(subjects, PREDICATE, json_format.MessageToDict(predicate))
    statement.validate()
    return json.dumps(json_format.MessageToDict(statement.pb), indent=2)


def signed_json(statement: str, signer: Signer) -> str:
    """Return an envelope (DSSE) with a statement and the signature of a target's key.

    The signature is OpenPGP's, as gpgv reads it. Raises SigningError if the key cannot sign.
    """
    envelope = Envelope(statement.encode(), PAYLOAD, {})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "statement")
        file.write_bytes(envelope.pae())
        pinned = signer.pinned()
        pinned.sign_files([file])
        text = file.with_name(f"{file.name}.asc").read_bytes()
    key = pinned.fingerprint.lower()
    envelope.signatures[key] = Signature(key, text.hex())
    return json.dumps(envelope.to_dict(), indent=2)


def _predicate(facts: BuildFacts) -> dict[str, Any]:
    build, recipe = facts.build, facts.recipe
    job = recipe.job if recipe else None
    run = {"invocationId": f"{build.target}/{build.id}"}
    times = {"startedOn": build.started, "finishedOn": build.finished}
    run |= {name: _stamp(when) for name, when in times.items() if when}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "target": build.target,
                "platform": facts.platform,
                "package": build.package,
                "upstreamBranch": build.commit.upstream_branch,
            },
            "internalParameters": {
                "releaseDate": _stamp(build.release_date),
                "sourceDate": _stamp(build.commit.source_date),
                "bootstrap": build.bootstrap,
                "skipTests": bool(job and job.skip_tests),
                "attempt": build.attempt,
            },
            "resolvedDependencies": list(_materials(facts)),
        },
        "runDetails": {
            "builder": {"id": facts.factory.partition(f"/{build.target}/")[0]},
            "metadata": run,
            "byproducts": [
                {"name": f"{one.file_name} before its signature", "digest": {"sha256": before}}
                for one in (rpm.artifact for rpm in facts.rpms)
                if (before := one.unsigned_sha256)
            ],
        },
    }


def _materials(facts: BuildFacts) -> Iterator[dict[str, Any]]:
    """Yield everything that the build was made from, with its hash."""
    commit = facts.build.commit
    for name, url, commit_hash in (
        ("upstream", facts.upstream_url, commit.upstream_hash),
        ("distgit", facts.distgit_url, commit.distgit_hash),
    ):
        uri = {"uri": f"git+{url}@{commit_hash}"} if url else {}
        yield {"name": name, **uri, "digest": {"gitCommit": commit_hash}}
    outcome = facts.build.outcome
    if isinstance(outcome, Built) and outcome.taken_from:
        maker = outcome.taken_from.replace("/", ":")
        yield {"name": "noarch RPMs", "uri": f"urn:rdo:build:{maker}"}
    if facts.recipe and not facts.recipe.is_of_mock:
        yield {"name": "base layer", "uri": f"urn:rdo:base:{facts.platform}:{facts.recipe.base}"}
        if facts.recipe.dependencies:
            snapshot = facts.recipe.dependencies.name
            yield {"name": "dependency snapshot", "uri": f"urn:rdo:deps:{snapshot}"}
        if facts.recipe.archive and facts.recipe.took_archive:
            archive = facts.recipe.archive
            maker = f"urn:rdo:build:{archive.target}:{archive.build}"
            yield {"name": "source archive", "uri": maker, "digest": {"sha256": archive.sha256}}
    for one in facts.root:
        digest = {"digest": {"sha256": one.sha256}} if one.sha256 else {}
        yield {"name": str(one.nevra), "uri": facts.purl(one.nevra), **digest}


def _stamp(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
