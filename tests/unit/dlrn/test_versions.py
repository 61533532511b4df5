from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.dlrn.versions import version_and_release
from rdo.model.release_number import ReleaseNumber

DATE = datetime(2015, 1, 2, 3, 44, 55, tzinfo=UTC)
RELEASE = ReleaseNumber(DATE, "shortsha", "0")
VECTORS = [
    ("1.0.0-d7f1b849", "1.0.0"),
    ("0.10.1.11.ga5f0e3c", "0.10.1.11"),
    ("0.0.2.dev7", "0.0.2"),
    ("13.0.1.dev3", "13.0.1"),
    ("0.0.9", "0.0.9"),
    ("0.19.1.dev25", "0.19.1"),
    ("0.6.0", "0.6.0"),
    ("1.0.0.0b2.dev15", "1.0.0"),
    ("1.0.0.0rc2.dev128", "1.0.0"),
    ("7.0.0.0rc2.dev1", "7.0.0"),
    ("2015.1.0.dev47", "2015.1.0"),
    ("2015.1.dev1604.g34cf1e3", "2015.1"),
    ("2015.2.1", "2015.2.1"),
    ("8.0.0.0b2.dev268", "8.0.0"),
    ("2.0.0.0b4.dev15", "2.0.0"),
    ("7.0.0.0a1.dev1", "7.0.0"),
    ("eb6dbe2", "0.0.1"),
    ("2015.1.9-13-g53b605d", "2015.1.9"),
    ("1.8.0.pre", "1.8.0"),
    ("1.8.0.pre.1", "1.8.0"),
]


@pytest.mark.parametrize(("upstream", "version"), VECTORS)
def test_dlrn_vectors(upstream: str, version: str) -> None:
    numbers = version_and_release(upstream, RELEASE)

    assert numbers.version == version
    assert numbers.upstream_version == upstream
    assert numbers.release == "0.20150102034455.shortsha"


def test_an_archive_with_dev_numbers_a_plain_version() -> None:
    numbers = version_and_release("0.0.9", RELEASE, archive="alembic-0.0.9.dev0.tar.gz")

    assert (numbers.upstream_version, numbers.version) == ("0.0.9.dev0", "0.0.9")


@pytest.mark.parametrize(
    ("upstream", "archive"),
    [
        pytest.param("0.0.9rc1", "x-0.0.8.dev0.tar.gz", id="a version that says more counts"),
        pytest.param("0.0.9", "x-0.0.9.tar.gz", id="a plain archive says nothing more"),
        pytest.param("0.0.9", "x-0.0.9.developer.tar.gz", id="a word that only begins so"),
    ],
)
def test_an_archive_does_not_number_what_is_numbered(upstream: str, archive: str) -> None:
    numbers = version_and_release(upstream, RELEASE, archive=archive)

    assert numbers.upstream_version == upstream


@pytest.mark.parametrize(
    ("prefix", "release"),
    [("0.1", "0.1.20150102034455.shortsha"), ("4", "4.20150102034455.shortsha")],
)
def test_the_other_release_numberings(prefix: str, release: str) -> None:
    numbers = version_and_release("1.0.0", ReleaseNumber(DATE, "shortsha", prefix))

    assert numbers.release == release


@pytest.mark.parametrize(
    ("upstream", "version"),
    [
        ("2.0.1rc1", "2.0.1"),
        ("2.0.0rc1", "2.0.0"),
        ("2.0b2", "2.0"),
        ("2.0.1a1", "2.0.1"),
        ("2.0.1.post4", "2.0.1.post4"),
        ("2.0.1.post4.dev2", "2.0.1.post4"),
        ("2.0.1+local", "2.0.1^local"),
        ("2.0.1.dev3+g1a2b3c4", "2.0.1"),
        ("release-1.4.2", "1.4.2"),
        ("demo_2.0.0", "2.0.0"),
        ("release-x", "0.0.1"),
        ("next-generation", "0.0.1"),
        ("elease", "0.0.1"),
    ],
)
def test_version_keeps_all_numbers_and_begins_with_one(upstream: str, version: str) -> None:
    assert version_and_release(upstream, RELEASE).version == version


def test_an_epoch_of_upstream_is_none_of_the_version() -> None:
    numbers = version_and_release("1!2.0", RELEASE)

    assert (numbers.epoch, numbers.version) == (1, "2.0")


@pytest.mark.parametrize("upstream", ["", "1 0", "%(id)", "1/2", "1\n2", "{x}"])
def test_what_must_not_come_into_a_spec_is_refused(upstream: str) -> None:
    with pytest.raises(ValueError, match="cannot be put into a spec"):
        version_and_release(upstream, RELEASE)


@pytest.mark.parametrize("version", ["1.dev1.\n%global x %(id)", "%(id).dev1.0", "1.dev1./../x"])
def test_what_an_archive_is_named_must_not_come_into_a_spec_either(version: str) -> None:
    with pytest.raises(ValueError, match="cannot be put into a spec"):
        version_and_release("1.0", RELEASE, archive=f"/builddir/x-{version}.tar.gz")


@given(st.from_regex(r"[A-Za-z0-9.!+_~^-]+", fullmatch=True))
def test_a_version_is_always_one_that_rpm_takes(upstream: str) -> None:
    version = version_and_release(upstream, RELEASE).version

    assert version[0].isdigit()
    assert "-" not in version


def test_the_archive_is_named_after_all_three() -> None:
    numbers = version_and_release("1.0.dev3", RELEASE)

    expected = "python-pbr-1.0.dev3-0.20150102034455.shortsha.tar.gz"
    assert numbers.archive("python-pbr") == expected
