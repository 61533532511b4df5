"""Version and Release: taken apart, bumped, and put together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.errors import RefusedError
from rdo.spec.release import (
    LAST_NUMERIC,
    ReleaseParts,
    ReleaseStyle,
    bumped,
    release_style,
    with_dist,
)


@pytest.mark.parametrize(
    ("release", "style"),
    [
        ("1", ReleaseStyle.GENERIC),
        ("1%{?dist}", ReleaseStyle.GENERIC),
        ("0.20170811112938.81363ec%{?dist}", ReleaseStyle.DLRN),
        ("0.1.20170811112938.81363ec%{?dist}", ReleaseStyle.DLRN_MINOR),
        ("0.20170811112938.81363ecff%{?dist}", ReleaseStyle.GENERIC),
        ("0.2017081111293.81363ec", ReleaseStyle.GENERIC),
        ("%autorelease", ReleaseStyle.AUTOMATIC),
        ("%{autorelease}", ReleaseStyle.AUTOMATIC),
        ("%{?autorelease}", ReleaseStyle.AUTOMATIC),
        ("%autoreleases", ReleaseStyle.GENERIC),
        ("XXX", ReleaseStyle.PLACEHOLDER),
    ],
)
def test_the_style_of_a_release(release: str, style: ReleaseStyle) -> None:
    assert release_style(release) is style


@pytest.mark.parametrize(
    ("style", "is_bumped", "index"),
    [
        (ReleaseStyle.GENERIC, True, LAST_NUMERIC),
        (ReleaseStyle.DLRN, True, "2"),
        (ReleaseStyle.DLRN_MINOR, True, "2"),
        (ReleaseStyle.AUTOMATIC, False, LAST_NUMERIC),
        (ReleaseStyle.PLACEHOLDER, False, LAST_NUMERIC),
    ],
)
def test_what_a_style_bumps(style: ReleaseStyle, is_bumped: bool, index: str) -> None:
    assert (style.is_bumped, style.bump_index) == (is_bumped, index)


@pytest.mark.parametrize(
    ("release", "index", "expected"),
    [
        ("1", LAST_NUMERIC, "2%{?dist}"),
        ("9%{?dist}", LAST_NUMERIC, "10%{?dist}"),
        ("1%{?dist}.1", LAST_NUMERIC, "2%{?dist}.1"),
        ("1.0%{?dist}.1", LAST_NUMERIC, "1.1%{?dist}.1"),
        ("0.1%{?milestone}%{?dist}", LAST_NUMERIC, "0.2%{?milestone}%{?dist}"),
        ("0.1.%{milestone}", LAST_NUMERIC, "0.2.%{milestone}%{?dist}"),
        ("1%{dist}", LAST_NUMERIC, "2%{dist}"),
        ("1.2.3", "major", "2.2.3%{?dist}"),
        ("1.2.3", "MINOR", "1.3.3%{?dist}"),
        ("1.2.3", "patch", "1.2.4%{?dist}"),
        ("1.2.3.lul", "2", "1.3.3.lul%{?dist}"),
        ("0.9%{?dist}", "2", "0.10%{?dist}"),
        ("1.2", "0", "1.2"),
    ],
)
def test_the_release_after_one(release: str, index: str, expected: str) -> None:
    assert bumped(release, index) == expected


@pytest.mark.parametrize(
    ("release", "index", "said"),
    [
        pytest.param("%{x}", LAST_NUMERIC, "last-numeric (Release: %{x})", id="no number"),
        pytest.param("1", "2", "2 (Release: 1)", id="no such part"),
        pytest.param("1.x", "2", "isn't numeric: x", id="a part that is no number"),
        pytest.param("1", "last", "Invalid Release bump index: last", id="no index at all"),
        pytest.param("1", "-1", "Invalid Release bump index: -1", id="a negative one"),
    ],
)
def test_what_cannot_be_bumped_is_refused(release: str, index: str, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        bumped(release, index)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("release", "is_known"),
    [
        ("1", True),
        ("1.2%{?dist}", True),
        ("0.1%{?milestone}%{?dist}", True),
        ("%{?milestone}", True),
        ("1%{?dist}.1", False),
        ("1.el7", False),
        ("x%{?milestone}", False),
    ],
)
def test_whether_all_parts_of_a_release_are_known(release: str, is_known: bool) -> None:
    assert ReleaseParts.parse(release).is_known is is_known


@given(st.text(alphabet="0123456789.x%{?dist}milestone", max_size=30))
def test_the_parts_are_the_whole(release: str) -> None:
    assert str(ReleaseParts.parse(release)) == release


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda x: ".".join(map(str, x))))
def test_a_bump_adds_one_to_the_last_number_and_the_dist_tag(numbers: str) -> None:
    *first, last = numbers.split(".")

    assert bumped(numbers) == ".".join([*first, str(int(last) + 1)]) + "%{?dist}"
    assert with_dist(bumped(numbers)) == bumped(numbers)
