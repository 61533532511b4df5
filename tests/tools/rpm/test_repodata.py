from pathlib import Path

import createrepo_c
import pytest

from rdo.errors import RefusedError
from rdo.repodata import Composer, RepositoryEntry, read_rpms
from tests.rpms import make_rpms


def test_the_header_says_what_an_rpm_is(tmp_path: Path) -> None:
    source, binary = (one.artifact for one in read_rpms(make_rpms(tmp_path, version="2.0~rc1")))

    assert (source.is_source, source.nevra.arch) == (True, "src")
    assert str(binary.nevra) == "python3-sample-2.0~rc1-1.noarch"
    assert binary.provides == ("python3-sample",)
    assert binary.size == (tmp_path / binary.file_name).stat().st_size


def test_reading_again_says_the_same(tmp_path: Path) -> None:
    _, rpm = make_rpms(tmp_path)
    before = read_rpms([rpm])
    rpm.touch()

    assert read_rpms([rpm]) == before


def test_text_that_looks_like_metadata_stays_text(tmp_path: Path) -> None:
    hostile = '</summary><location href="evil.rpm"/> & ]]> "'
    _, rpm = make_rpms(tmp_path / "rpms", summary=hostile)
    [read] = read_rpms([rpm])
    artifact, fragment = read.artifact, read.fragment
    composer = Composer(lambda _: {1: fragment})

    composer.write(
        tmp_path, [], [RepositoryEntry(1, "p", f"pool/x/{artifact.file_name}")], revision=1
    )

    (found,) = createrepo_c.RepositoryReader.from_path(str(tmp_path)).iter_packages()
    assert found.summary == hostile
    assert found.location_href == f"pool/x/{artifact.file_name}"


def test_control_characters_are_refused_as_no_client_could_read_them(tmp_path: Path) -> None:
    _, rpm = make_rpms(tmp_path, summary="bell \x07")

    with pytest.raises(RefusedError, match=r"cannot publish \S+\.rpm: "):
        read_rpms([rpm])
