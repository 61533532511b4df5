"""The same answers as distroinfo, on the same input."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from distroinfo import info
from distroinfo.exception import DistroInfoException

from rdo import metadata
from rdo.metadata import MetadataError

from .conftest import DATA, MINIMAL, Folder

# distroinfo does not close its files
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

REAL = os.environ.get("RDOINFO_FOLDER", "")


def theirs(file: str, tag: str | None = None, as_dicts: bool = False) -> Any:
    loader = info.DistroInfo(file, local_info=".")
    return loader.get_info(apply_tag=tag, info_dicts=as_dicts)


def ours(file: str, tag: str | None = None, as_dicts: bool = False) -> Any:
    return metadata.load(".", file).dump(tag, as_dicts=as_dicts)


@pytest.mark.parametrize("as_dicts", [False, True])
@pytest.mark.parametrize("tag", [None, "oak", "oak-uc", "maple", "version-locked", "none"])
@pytest.mark.parametrize("file", ["all.yml", "main.yml"])
def test_the_whole_is_the_same(
    monkeypatch: pytest.MonkeyPatch, file: str, tag: str | None, as_dicts: bool
) -> None:
    monkeypatch.chdir(DATA)

    # the texts, so that the order of keys counts too
    assert json.dumps(ours(file, tag, as_dicts)) == json.dumps(theirs(file, tag, as_dicts))


@pytest.mark.skipif(not REAL, reason="RDOINFO_FOLDER names no checkout of rdoinfo")
@pytest.mark.parametrize("tag", [None, "flamingo", "flamingo-uc"])
def test_the_real_rdoinfo_is_the_same(monkeypatch: pytest.MonkeyPatch, tag: str | None) -> None:
    monkeypatch.chdir(REAL)

    assert json.dumps(ours("rdo-full.yml", tag)) == json.dumps(theirs("rdo-full.yml", tag))


@pytest.mark.parametrize("as_dicts", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "releases: []\npackages: []",
        "releases: [{name: a, repos: [{name: b}]}, {name: a, branch: c, repos: []}]\npackages: []",
    ],
)
def test_what_is_empty_or_there_twice_is_the_same(
    folder: Folder, text: str, as_dicts: bool
) -> None:
    folder.write(main=text)

    try:
        wanted = theirs("main.yml", as_dicts=as_dicts)
    except DistroInfoException:
        with pytest.raises(MetadataError):
            ours("main.yml", as_dicts=as_dicts)
    else:
        assert ours("main.yml", as_dicts=as_dicts) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "releases: []",
        "packages: []",
        "releases: [{name: a}]\npackages: []",
        "releases: [{name: a, repos: [{name: b}]}]\npackages: []",
        "releases: [{name: a, branch: c, repos: [{x: b}]}]\npackages: []",
        "releases: []\npackages: [{project: a, maintainers: [a@b]}]",
        "releases: []\npackages: [{project: a, name: a}]",
        "releases: []\npackages: [{project: a, name: a, maintainers: []}]",
        "releases: []\npackages: [{project: a, name: a, maintainers: [ab]}]",
        "releases: []\npackages: [{project: a, name: a, maintainers: ab}]",
        "releases: []\npackages: [{project: a, name: a, conf: c, maintainers: [a@b]}]",
        "releases: []\npackages: [{project: a, name: '%(b)s', maintainers: [a@b]}]",
        f"{MINIMAL}packages: [{{project: a}}, {{project: a}}]",
        "import: [main.yml]",
    ],
)
def test_what_they_refuse_we_refuse(folder: Folder, text: str) -> None:
    folder.write(main=text)

    with pytest.raises(DistroInfoException):
        theirs("main.yml")
    with pytest.raises(MetadataError):
        ours("main.yml")


def test_a_tag_of_python_runs_nothing(folder: Folder, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    folder.write(main=f"x: !!python/object/apply:os.mkdir [{proof}]\n{MINIMAL}packages: []")

    with pytest.raises(MetadataError, match="is not allowed"):
        ours("main.yml")
    assert not proof.exists()
