"""Answers are compared with distroinfo's own on the same input."""

from typing import Any

import pytest
from distroinfo import info, query

from rdo import metadata
from rdo.errors import ConfigError, NotFoundError
from rdo.metadata import queries
from rdo.metadata.queries import Filter

from .conftest import DATA

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(DATA)
    return info.DistroInfo("all.yml", local_info=".").get_info()


@pytest.fixture
def ours() -> dict[str, Any]:
    return metadata.load(DATA, "all.yml").dump()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "wanted",
    [
        "openstack-alpha",
        "alpha",
        "ALPHA",
        "openstack/alpha",
        "alpha-distgit",
        "https://git.example.test/openstack/beta.git",
        "git@somewhere:openstack/beta-tests.git",
        "https://elsewhere.example.test/delta",
        "gam",
        "python-",
        "nothing",
        "",
    ],
)
def test_a_package_is_found_as_distroinfo_finds_it(
    theirs: Any, ours: dict[str, Any], wanted: str, strict: bool
) -> None:
    found = queries.find_package(ours["packages"], wanted, strict=strict)

    assert found == query.find_package(theirs, wanted, strict=strict)


def test_a_package_with_several_upstreams_is_found_by_each() -> None:
    package = {
        "name": "a",
        "project": "a",
        "upstream": ["https://x.test/one", "https://y.test/two"],
    }

    assert queries.find_package([package], "https://y.test/two.git", strict=True) == package


@pytest.mark.parametrize(
    "filters",
    [
        {"name": "^python-"},
        {"name": "~^python-"},
        {"maintainers": "second"},
        {"maintainers": "~second"},
        {"tags": "maple", "component": "common"},
        {"tags": "~maple"},
        {"component": "~common"},
        {"distro-branch": "."},
        {"none": "."},
        {"none": "~."},
    ],
)
def test_filters_let_through_what_distroinfo_does(
    theirs: Any, ours: dict[str, Any], filters: dict[str, str]
) -> None:
    parsed = [Filter.parse(f"{key}:{regex}") for key, regex in filters.items()]

    found = queries.filtered(ours["packages"], parsed)

    assert found == query.filter_pkgs(theirs["packages"], filters)


@pytest.mark.parametrize("text", ["name", "name:", "name:~", ":x", "name:("])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a filter"):
        Filter.parse(text)


def test_a_filter_and_its_text_are_inverse() -> None:
    for text in ("name:x", "name:~x", "a:b:c"):
        assert str(Filter.parse(text)) == text


def test_what_is_no_text_cannot_be_filtered() -> None:
    with pytest.raises(ConfigError, match="x is of kind int"):
        queries.filtered([{"x": 1}], [Filter.parse("x:1")])


@pytest.mark.parametrize("base_os", ["", "el9s"])
@pytest.mark.parametrize("release", ["oak", "maple"])
def test_distrepos_are_those_of_distroinfo(
    theirs: Any, ours: dict[str, Any], release: str, base_os: str
) -> None:
    if (release, base_os) == ("oak", "el9s"):
        pytest.skip("has none; the next test")

    found = [(x.release, x.base_os, x.repos) for x in queries.distrepos(ours, release, base_os)]

    assert found == query.get_distrepos(theirs, release, base_os or None)


@pytest.mark.parametrize(
    ("release", "base_os", "said"),
    [
        ("aok", "", "no release aok"),
        ("oak", "el9s", "release oak has no repositories for el9s"),
        ("elm", "", "release elm has no repositories"),
    ],
)
def test_a_release_without_repositories_is_not_found(
    ours: dict[str, Any], release: str, base_os: str, said: str
) -> None:
    with pytest.raises(NotFoundError, match=said):
        queries.distrepos(ours, release, base_os)


def changed(package: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return package | {key.replace("_", "-"): value for key, value in changes.items()}


def test_diffs_are_those_of_distroinfo(ours: dict[str, Any]) -> None:
    first, second, third, *rest = ours["packages"]
    new = {
        **ours,
        "packages": [
            changed(first, tags={**first["tags"], "oak": {"source-branch": "9"}, "ash": None}),
            changed(second, maintainers=["new@example.test"], buildsys_tags={"x": "y-1-1"}),
            {**third, "project": "brand-new", "name": "brand-new"},
            *rest,
        ],
    }

    for key in ("tags", "buildsys-tags"):
        assert queries.tags_diff(ours, new, key) == query.tags_diff(ours, new, key)
    for attribute in ("maintainers", "name", "tags", "none"):
        theirs = query.attr_diff(ours, new, attribute)
        assert queries.attr_diff(ours, new, attribute) == theirs
    assert [name for name, _ in queries.tags_diff(ours, new)] == [first["name"], "brand-new"]


def test_maintainers_are_counted_busiest_first(ours: dict[str, Any]) -> None:
    people = queries.maintainers(ours["packages"])

    assert [(x.address, len(x.packages)) for x in people] == [
        ("first@example.test", 5),
        ("second@example.test", 4),
        ("third@example.test", 1),
        ("fourth@example.test", 1),
    ][:2] + sorted([("fourth@example.test", 1), ("third@example.test", 1)])


def test_a_package_is_an_orphan_when_all_its_maintainers_have_gone(ours: dict[str, Any]) -> None:
    gone = ["First@example.test", "third@example.test"]

    names = [package["name"] for package in queries.orphans(ours["packages"], gone)]

    assert names == ["delta", "python-six", "libffi"]


def test_a_package_is_named_by_name_or_project(ours: dict[str, Any]) -> None:
    packages = ours["packages"]

    assert queries.named(packages, "openstack-alpha") is queries.named(packages, "alpha")
    with pytest.raises(NotFoundError, match='no package alhpa; did you mean "alpha"'):
        queries.named(packages, "alhpa")


def test_the_summary_counts_releases_and_kinds(ours: dict[str, Any]) -> None:
    found = queries.summary(ours)

    assert (found.packages, found.components) == (8, 3)
    assert {x.name: x.packages for x in found.releases} == {"oak": 5, "maple": 2, "elm": 0}
    assert found.kinds == {"lib": 3, "core": 2, "dependency": 2, "no config": 1}
