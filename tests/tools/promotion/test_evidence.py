"""What a build was made from, in documents that the libraries of their formats accept."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.model.build import INSTALLED_SUMS, BuildJob
from rdo.model.release_number import ReleaseNumber
from rdo.promotion.evidence.bill import cyclonedx_json
from rdo.promotion.evidence.documents import document
from rdo.promotion.evidence.facts import facts_of
from rdo.promotion.evidence.provenance import provenance_json
from rdo.promotion.evidence.spdx import spdx_json
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.store.work.recipe import Recipe
from rdo.tools.signing.gpg_home import GpgHome
from tests.publishing import TARGET, Factory
from tests.unit.docs.pages import DOCS, table

ROOT = {"python3-devel-3.11-1.x86_64": "a" * 64, "1:gcc-12.2-14.x86_64": "b" * 64}


@pytest.fixture
def built(made: Factory, target: OpenTarget, tmp_path: Path) -> OpenTarget:
    """python-a, signed, whose build 1 has left a recipe and the sums of its root."""
    build = made.build("python-a", "a1")
    key = GpgHome(tmp_path / "home", is_ours=True).create_key("RDO tests", expires="2y")
    way = ByOwnKey(TARGET, tmp_path / "home", key)
    made.tree.signer = Signer(TARGET, way, made.tree.repos, "http://x", clock=made.now)
    release = ReleaseNumber(build.release_date, build.commit.short_hash, "0")
    folder = made.folder_of(build)
    job = BuildJob(build.id, build.commit, release, tmp_path, tmp_path, folder)
    Recipe(job, "deb12-x86_64", "base1+macros1", Path("/x/deps/0123456789abcdef")).write(folder)
    (folder / INSTALLED_SUMS).write_text("".join(f"{sha}  {key}\n" for key, sha in ROOT.items()))
    made.tree.publish(build, folder, made.members)
    return target


def read(opened: OpenTarget, kind: str) -> Any:
    return json.loads(document(opened, "1", kind))


def test_cyclonedx_accepts_the_bill_and_it_names_rpms_root_and_sources(built: OpenTarget) -> None:
    text = document(built, "1", "cyclonedx")

    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)

    assert fault is None, fault
    bill = json.loads(text)
    source = bill["metadata"]["component"]
    urls = {one["comment"]: one["url"] for one in source["externalReferences"]}
    assert source["name"] == "python-a"
    assert urls["upstream"].endswith(f"/python-a@a1{'0' * 38}")
    assert urls["distgit"].startswith("git+https://git.example.test/python-a-distgit@")
    by_name = {one["name"]: one for one in bill["components"]}
    facts = facts_of(built, "1")
    binary = next(one.artifact for one in facts.rpms if not one.artifact.is_source)
    assert by_name["python3-a"]["hashes"] == [{"alg": "SHA-256", "content": binary.sha256}]
    assert by_name["python3-a"]["licenses"] == [{"expression": "MIT"}]
    assert by_name["gcc"]["scope"] == "excluded"
    assert by_name["gcc"]["hashes"][0]["content"] == "b" * 64
    assert by_name["gcc"]["purl"] == "pkg:rpm/rdo/gcc@12.2-14?arch=x86_64&epoch=1"


def test_spdx_accepts_the_bill_and_it_names_rpms_root_and_sources(
    built: OpenTarget, tmp_path: Path
) -> None:
    file = tmp_path / "bill.spdx.json"
    file.write_text(document(built, "1", "spdx"))

    found = parse_file(str(file))

    assert [str(one) for one in validate_full_spdx_document(found)] == []
    names = {one.name for one in found.packages}
    assert names == {
        "python-a",
        "python3-a",
        "python-a (upstream)",
        "python-a (distgit)",
        "python3-devel",
        "gcc",
    }
    relations = {(one.relationship_type.name, one.spdx_element_id) for one in found.relationships}
    assert ("BUILD_DEPENDENCY_OF", "SPDXRef-root-1-gcc-12.2-14.x86-64") in relations
    assert ("GENERATED_FROM", "SPDXRef-python3-a-1.0-1.noarch.rpm") in relations


def test_the_provenance_is_slsas_and_says_from_what_the_rpms_were_made(built: OpenTarget) -> None:
    row = read(built, "provenance")

    message = json_format.ParseDict(row, StatementMessage())
    Statement.copy_from_pb(message).validate()
    json_format.ParseDict(row["predicate"], Provenance())  # raises for a field that it has not
    facts = facts_of(built, "1")
    digests = {one["name"]: one["digest"]["sha256"] for one in row["subject"]}
    assert digests == {one.artifact.file_name: one.artifact.sha256 for one in facts.rpms}
    assert row["predicateType"] == "https://slsa.dev/provenance/v1"
    definition = row["predicate"]["buildDefinition"]
    materials = {one["name"]: one for one in definition["resolvedDependencies"]}
    assert materials["upstream"]["digest"] == {"gitCommit": f"a1{'0' * 38}"}
    assert materials["base layer"]["uri"] == "urn:rdo:base:deb12-x86_64:base1+macros1"
    assert materials["1:gcc-12.2-14.x86_64"]["digest"] == {"sha256": "b" * 64}
    before = {one["digest"]["sha256"] for one in row["predicate"]["runDetails"]["byproducts"]}
    assert before == {one.artifact.unsigned_sha256 for one in facts.rpms}


def test_the_same_build_has_the_same_documents(built: OpenTarget) -> None:
    for kind in ("cyclonedx", "spdx", "provenance"):
        assert document(built, "1", kind) == document(built, "python3-a-1.0-1.noarch.rpm", kind)


def test_a_signed_provenance_is_verified_by_the_targets_public_key(
    built: OpenTarget, tmp_path: Path
) -> None:
    signer = built.tree.signer
    assert signer
    envelope = Envelope.from_dict(json.loads(document(built, "1", "provenance", signer)))
    [signature] = envelope.signatures.values()
    (tmp_path / "pae").write_bytes(envelope.pae())
    (tmp_path / "sig").write_bytes(bytes.fromhex(signature.signature))
    key = next(iter(signer.public_keys().values()))
    command = ["gpg", "--homedir", str(tmp_path / "home2"), "--batch", "--quiet"]
    (tmp_path / "home2").mkdir(mode=0o700)
    subprocess.run([*command, "--import"], input=key, check=True, capture_output=True)

    verify = [*command, "--verify", str(tmp_path / "sig"), str(tmp_path / "pae")]
    good = subprocess.run(verify, check=False, capture_output=True)
    (tmp_path / "pae").write_bytes(replace_one(envelope.pae()))
    bad = subprocess.run(verify, check=False, capture_output=True)

    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert signature.keyid == signer.fingerprint.lower()
    assert (good.returncode, bad.returncode) == (0, 1)
    assert signer.fingerprint in good.stderr.decode().replace(" ", "")


def replace_one(content: bytes) -> bytes:
    return content.replace(b"a1000", b"a1001", 1)


def test_a_build_of_another_builder_has_what_is_known_of_it(
    made: Factory, target: OpenTarget, tmp_path: Path
) -> None:
    made.publish("python-a", "a1")

    bill = json.loads(document(target, "1", "cyclonedx"))
    row = json.loads(document(target, "1", "provenance"))

    assert {one["name"] for one in bill["components"]} == {"python3-a"}
    names = [one["name"] for one in row["predicate"]["buildDefinition"]["resolvedDependencies"]]
    assert names == ["upstream", "distgit"]
    for text in ("77", "python3-b-1.0-1.noarch.rpm", "nonsense"):
        with pytest.raises(NotFoundError, match=f"has no build or RPM {text}"):
            document(target, text, "spdx")


def fields(value: Any, above: str = "") -> set[str]:
    """The paths of all values of a document, without the numbers of lists."""
    if isinstance(value, dict):
        return {
            path
            for key, one in value.items()
            for path in fields(one, f"{above}.{key}".removeprefix("."))
        }
    if isinstance(value, list):
        return {path for one in value for path in fields(one, above)}
    return {above}


WRITTEN = {"cyclonedx": cyclonedx_json, "spdx": spdx_json, "provenance": provenance_json}


@pytest.mark.parametrize("kind", WRITTEN)
def test_the_page_traces_each_field_to_its_source_and_no_other(
    built: OpenTarget, made: Factory, kind: str
) -> None:
    page = (DOCS / "how-to/evidence.md").read_text()
    rows = table(page, f"Each field of {kind}")
    told = [field.strip(" `") for row in rows for field in row[0].split(",")]
    made.publish("python-b", "b1")  # by another builder
    facts = facts_of(built, "1")
    facts = replace(facts, build=replace(facts.build, started=facts.build.finished))
    unknown = tuple(replace(one, licence="ASL 2.0") for one in facts.rpms)  # not SPDX's notation
    texts = [document(built, "2", kind)]
    texts += [WRITTEN[kind](each) for each in (facts, replace(facts, rpms=unknown))]

    emitted = {path for text in texts for path in fields(json.loads(text))}

    assert sorted(told) == sorted(emitted)
    assert all(row[1] for row in rows)
