"""Tags, versions and the numbers of a spec: both directions, and the order of the numbers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from rdo.model.rpm_order import compare_evr
from rdo.upstream_versions import spec_numbers, split_tag, tag_of, tags_of_version

# Tags of real upstreams, with the version that each names.
TAGS = [
    ("1.2", "1.2"),
    ("v1.2", "1.2"),
    ("V1.2", "1.2"),
    ("r1.2", "1.2"),
    ("rel-1.2", "1.2"),
    ("release-1.4.2", "1.4.2"),
    ("release/1.2", "1.2"),
    ("release1.4.2", "1.4.2"),
    ("release.1.2.3", "1.2.3"),
    ("version-1", "1"),
    ("demo_2.0.0", "2.0.0"),
    ("demo-2.0.0", "2.0.0"),
    ("demo-v2.0.0", "2.0.0"),
    ("api/v1.2.0", "1.2.0"),
    ("@scope/pkg@1.2.3", "1.2.3"),
    ("log4j-2.17", "2.17"),
    ("h2-1.4.200", "1.4.200"),
    ("foo-2-1.0", "1.0"),
    ("python3.11-foo-1.2", "1.2"),
    ("REL_15_2", "15.2"),
    ("R_2_5_0", "2.5.0"),
    ("curl-7_88_1", "7.88.1"),
    ("release-72-1", "72.1"),
    ("OpenSSL_1_1_1k", "1.1.1k"),
    ("V_9_9p1", "9.9p1"),
    ("2.0.0.0rc1", "2.0.0.0rc1"),
    ("v1.0.0-rc.1", "1.0.0-rc.1"),
    ("openssl-3.0.1-beta2", "3.0.1-beta2"),
    ("2015.1.0", "2015.1.0"),
    ("20240101", "20240101"),
    ("2023-10-12", "2023.10.12"),
    ("2.0.0.Final", "2.0.0"),
    ("v2.0.0-final", "2.0.0"),
    ("demo_2_0_0_RELEASE", "2.0.0"),
    ("3.1.GA", "3.1"),
    ("newton-eol", ""),
    ("final", ""),
    ("2024.1-eom", ""),
    ("2.0.0-eol", ""),
    ("vnext", ""),
    ("1.2.3-foo", ""),
    ("foo-1.2-el9", ""),
    ("debian/1.2-3", ""),
    ("start-of-1.2", ""),
    ("before-2.0", ""),
    ("nightly-2024", ""),
    ("private-1.2", ""),
    ("1a2b3c4", ""),
    ("jetty-9.4.51.v20230217", ""),
    ("n5.1.2", ""),
    ("v1.0.0-beta.2.1", ""),
    ("demo-1.2.3-x86_64", ""),
    ("v1.2.3-hotfix.4", ""),
    ("PR-12", ""),
    ("beta-2", ""),
    ("sprint-7", ""),
    ("v1.2.3-rc.1", "1.2.3-rc.1"),
    ("release-1-2-3", "1.2.3"),
    ("2024.1.0b2", "2024.1.0b2"),
    ("less-643", "643"),
    ("rel_2_0_0b4", "2.0.0b4"),
    ("REL9_6_BETA1", "9.6.BETA1"),
    ("v3_1_0_preview1", "3.1.0.preview1"),
    ("release-1-2-3-rc1", "1.2.3.rc1"),
    ("FIREFOX_108_0b3_RELEASE", "108.0b3"),
    ("NSS_3_87_RTM", ""),
    ("1_2_hotfix_4", ""),
    ("prerelease-2.27.1", ""),
    ("emacs-pretest-28.0.91", ""),
    ("svn-1234", ""),
]
VERSIONS = [
    *("2.0.0", "2.0.0rc1", "2.0.0b2", "2.0.0a1", "2.0.0a9", "2.0.0a10", "2.0.0.dev5"),
    *("2.0.0a1.dev3", "2.0.0rc1.dev1", "2.0.0rc1.post1", "2.0.0rc1.post1.dev2", "2.0.0rc1+l"),
    *("2.0.0.post1", "2.0.0.post1.dev2", "2.0.0.post1.dev2+x", "2.0.0.post1+zz", "2.0.0+local.1"),
    *("2.0.0+abc", "2.0.0.dev5+g", "2.0.0.1", "2.0.1.dev1", "2.0.1", "2.1.0.dev0", "1.9.9.post9"),
    *("1.9.9.post10", "9.0", "10.0", "1!1.0", "1!1.0rc1", "1!1.0.post1"),
]


@pytest.mark.parametrize(("tag", "version"), TAGS)
def test_a_tag_names_a_version_and_the_version_the_tag(tag: str, version: str) -> None:
    found, style = split_tag(tag)

    assert found == version
    assert not found or tag_of(found, style) == tag


@given(st.text(alphabet="019.-_/vVrabcxelis@ ", max_size=12))
def test_whatever_a_tag_is_its_version_leads_back_to_it(tag: str) -> None:
    version, style = split_tag(tag)

    assert version == "" or (version[0].isdigit() and tag_of(version, style) == tag)


def test_tags_of_a_version_begin_with_the_style_in_use() -> None:
    tags = ["v2.0", "demo-2.0", "2.0", "demo-2.1", "old-2.0"]

    assert tags_of_version("2.0", tags, ["demo-X.Y.Z"]) == ["demo-2.0", "2.0", "v2.0"]


def _evr(version: str) -> tuple[str, str, str]:
    numbers = spec_numbers(version)
    release = f"{numbers.release_start}{f'.{numbers.order}' if numbers.order else ''}"
    return str(numbers.epoch or ""), numbers.version, release


def _one_version(version: str) -> tuple[str, str, str]:
    numbers = spec_numbers(version)
    return str(numbers.epoch or ""), numbers.one_version, "1"


@pytest.mark.parametrize("evr", [_evr, _one_version])
def test_rpm_orders_the_numbers_as_pep440_orders_the_versions(evr) -> None:  # type: ignore[no-untyped-def]
    for one, other in itertools.combinations(VERSIONS, 2):
        wanted = 1 if Version(one) > Version(other) else -1
        assert compare_evr(evr(one), evr(other)) == wanted, (one, other)


@pytest.mark.parametrize("version", VERSIONS)
def test_version_and_milestone_are_upstreams_version(version: str) -> None:
    numbers = spec_numbers(version)

    assert not numbers.milestone or numbers.version + numbers.milestone == version
    assert numbers.version[0].isdigit()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.0.0.0rc1", ("3.0.0", "0rc1", ".0rc1")),
        ("2.0.0rc1", ("2.0.0", "rc1", "rc1")),
        ("2.0b1", ("2.0", "b1", "b1")),
        ("2.0.0-rc1", ("2.0.0", "rc1", "")),
        ("2.0.0-alpha.2", ("2.0.0", "a2", "")),
        ("2.0.0.dev1.g12", ("2.0.0", "dev1.g12", ".dev1.g12")),
        ("1.1.1k", ("1.1.1k", "", "")),
    ],
)
def test_the_numbers_of_a_version(version: str, expected: tuple[str, str, str]) -> None:
    numbers = spec_numbers(version)

    assert (numbers.version, numbers.order, numbers.milestone) == expected


@pytest.mark.parametrize("version", ["x.1", "demo_2.0", "", "1.0-final", "next", "1.0 0", "%(id)"])
def test_what_has_no_known_order_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        spec_numbers(version)
