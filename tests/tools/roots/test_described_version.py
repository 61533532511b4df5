"""The version of a source without a build backend: that of its nearest tag that names one."""

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
