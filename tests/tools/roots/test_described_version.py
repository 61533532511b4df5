"""The version of a source without a build backend: that of its nearest tag that names one."""

import re
import tarfile
from pathlib import Path

import pytest

from rdo.roots.inside.building import make_source
from tests.conftest import GitRepository


@pytest.mark.parametrize(
    ("tags", "past", "version"),
    [
        (["release-1.4.2"], False, "1.4.2"),
        (["release-1.4.2"], True, "1.4.3"),
        (["v1.2.0"], False, "1.2.0"),
        (["demo_2.0.0", "start-of-9"], False, "2.0.0"),
        (["REL_15_2"], False, "15.2"),
        (["1.0rc1"], True, "1.0rc1"),
        (["1.10.0", "1.10.0rc2", "1.9.0"], False, "1.10.0"),
        (["1.9.0", "1.10.0", "1.10.0rc2"], True, "1.10.1"),
        (["x-api-9.0", "v1.4.0", "v1.4.0rc1"], True, "1.4.1"),
        (["next", "x-eol"], False, "0.0.1"),
        ([], False, "0.0.1"),
    ],
)
def test_the_version_of_the_nearest_tag(
    upstream: GitRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tags: list[str],
    past: bool,
    version: str,
) -> None:
    upstream.commit("one", {"file": "1"})
    for tag in tags:
        upstream.git("tag", "-a", "-m", "x", tag)
    if past:
        upstream.commit("two", {"file": "2"})
    monkeypatch.setattr(make_source, "TREE", upstream.path)
    monkeypatch.setattr(make_source, "OUTPUT", tmp_path)

    made = make_source.described_archive("demo", ())

    assert made["version"] == version
    with tarfile.open(made["archive"]) as archive:
        assert f"demo-{version}/file" in archive.getnames()


@pytest.mark.parametrize(
    ("name", "version", "tags", "said"),
    [
        ("UNKNOWN", "0.0.0", [], "calls it UNKNOWN 0.0.0: it finds no name"),
        ("demo", "0.0.0", ["v1.4.2"], "calls it 0.0.0 although its nearest tag is v1.4.2"),
        ("demo", "0.0.0.post3.dev0+1a2b3c4", ["v1.4.2"], "nearest tag is v1.4.2"),
        ("demo", "0+untagged.1.g1a2b3c4", ["v1.4.2"], "nearest tag is v1.4.2"),
        ("demo", "0.1.dev7+g1a2b3c4d", ["release_1_4_2"], "nearest tag is release_1_4_2"),
        ("demo", "0.0.0", [], ""),
        ("demo", "0.0.0", ["0.0.0"], ""),
        ("demo", "0.1.dev7+g1a2b3c4d", ["next"], ""),
        ("demo", "1.4.3.dev7+g1a2b3c4d", ["v1.4.2"], ""),
        ("demo", "1.2.0", ["v1.4.2"], ""),
        ("demo", "1.2.0.dev0", ["v1.4.2"], ""),
    ],
)
def test_a_backend_that_lost_the_version_is_refused(
    upstream: GitRepository,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    version: str,
    tags: list[str],
    said: str,
) -> None:
    upstream.commit("one", {"file": "1"})
    for tag in tags:
        upstream.git("tag", tag)
    monkeypatch.setattr(make_source, "TREE", upstream.path)

    if not said:
        make_source.check_identity(name, version)
        return
    with pytest.raises(make_source.UnusableSourceError, match=re.escape(said)):
        make_source.check_identity(name, version)
