import json
from typing import Any

from distroinfo import parse
from hypothesis import given
from hypothesis import strategies as st

from rdo.metadata.merge import merge, merge_files
from rdo.metadata.tree import Files, LocatedMapping


def tree(text: str) -> LocatedMapping:
    return Files().parse("f.yml", text.encode())


def test_a_later_file_wins_but_an_empty_value_never_does() -> None:
    old, new = tree("{a: 1, b: 2, c: {d: 3, e: 4}}"), tree("{a: 5, b: ~, c: {d: ~, e: 6}, f: ~}")

    assert merge(old, new) == {"a": 5, "b": 2, "c": {"d": 3, "e": 6}, "f": None}


def test_lists_are_joined_so_that_what_is_said_twice_is_there_twice() -> None:
    assert merge(tree("a: [x]"), tree("a: [x, y]")) == {"a": ["x", "x", "y"]}


def test_packages_merge_by_project_and_releases_by_name_in_the_order_they_came() -> None:
    first = tree("packages: [{project: a, x: 1}, {project: b}]\nreleases: [{name: r, repos: [1]}]")
    second = tree("packages: [{project: c}, {project: a, y: 2}]\nreleases: [{name: r, repos: [2]}]")

    assert merge_files([first, second]) == {
        "packages": [{"project": "a", "x": 1, "y": 2}, {"project": "b"}, {"project": "c"}],
        "releases": [{"name": "r", "repos": [1, 2]}],
    }


def test_a_file_that_stands_alone_is_taken_as_it_is() -> None:
    alone = tree("packages: [{project: a, x: 1}, {project: a, y: 2}]")

    assert merge_files([alone]) == {
        "packages": [{"project": "a", "x": 1}, {"project": "a", "y": 2}]
    }
    assert merge_files([alone, tree("")]) == {"packages": [{"project": "a", "x": 1, "y": 2}]}


def test_a_merged_value_has_the_place_of_the_file_that_gave_it() -> None:
    files = Files()
    old = files.parse("old.yml", b"a: 1\nb: 2\nc: [x]\n")
    new = files.parse("new.yml", b"\n\nb: 3\na: ~\nc: [y]\nd: 4\n")

    merged = merge(old, new)

    assert {key: str(files.where(place)) for key, place in merged.places.items()} == {
        "a": "old.yml:1",
        "b": "new.yml:3",
        "c": "new.yml:5",
        "d": "new.yml:6",
    }
    assert [str(files.where(place)) for place in merged["c"].places] == ["old.yml:3", "new.yml:5"]


values = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from("xyz"),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below),
    max_leaves=12,
)
mappings = st.dictionaries(st.sampled_from("abc"), values)


def places_complete(value: Any) -> bool:
    if isinstance(value, dict):
        assert isinstance(value, LocatedMapping)
        return set(value) == set(value.places) and all(map(places_complete, value.values()))
    if isinstance(value, list):
        return len(value) == len(value.places) and all(map(places_complete, value))  # type: ignore[attr-defined]
    return True


def section(mapping: dict[str, Any]) -> LocatedMapping:
    return tree(json.dumps(mapping))


def entries(identity: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    named = st.fixed_dictionaries({identity: st.sampled_from("xyz")})
    return st.lists(st.tuples(named, mappings).map(lambda pair: pair[0] | pair[1]), max_size=3)


files = st.fixed_dictionaries(
    {},
    optional={"packages": st.none() | entries("project"), "releases": entries("name"), "c": values},
)


@given(st.lists(files, min_size=1, max_size=3))
def test_files_become_one_as_distroinfo_makes_them_to_the_letter(trees: list[Any]) -> None:
    ours = merge_files(list(map(section, trees)))

    theirs = parse.merge_infos(*map(dict, trees))
    assert json.dumps(ours) == json.dumps(theirs)


@given(mappings, mappings)
def test_merging_is_what_distroinfo_does(a: Any, b: Any) -> None:
    assert merge(section(a), section(b)) == parse._merge(a, b)


@given(mappings, mappings)
def test_merging_changes_neither_side_and_keeps_every_place(a: Any, b: Any) -> None:
    x, y = section(a), section(b)

    merged = merge(x, y)

    assert (x, y) == (a, b)
    assert places_complete(merged)
    assert set(merged) == set(a) | set(b)


@given(mappings)
def test_an_empty_side_is_neutral(a: Any) -> None:
    x = section(a)

    assert merge(x, LocatedMapping()) == merge(LocatedMapping(), x) == x
