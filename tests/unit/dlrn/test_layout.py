from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rdo.dlrn.layout import component_directory, hash_directory
from rdo.model.commit import Commit, package_suffix

NOW = datetime(2026, 8, 1, tzinfo=UTC)
UPSTREAM = "20350a9b" + "1" * 32
COMMIT = Commit("python-pbr", UPSTREAM, "84f7143c" + "2" * 32, NOW, NOW, "master")


def test_the_directory_is_made_of_both_hashes() -> None:
    assert str(hash_directory(COMMIT)) == f"20/35/{UPSTREAM}_84f7143c"


def test_a_component_has_a_part_of_the_tree() -> None:
    directory = hash_directory(COMMIT, "network")

    assert str(directory) == f"component/network/20/35/{UPSTREAM}_84f7143c"


def test_a_short_extended_hash_gives_one_suffix() -> None:
    commit = replace(COMMIT, extended_hash=package_suffix("python-pbr"))

    assert str(hash_directory(commit)).endswith(f"_84f7143c_{package_suffix('python-pbr')[:8]}")


def test_an_extended_hash_of_two_halves_gives_two_suffixes() -> None:
    commit = replace(COMMIT, extended_hash="a" * 40 + "_" + "b" * 40)

    assert str(hash_directory(commit)).endswith("_84f7143c_aaaaaaaa_bbbbbbbb")


@pytest.mark.parametrize("value", ["../../etc", "", "ABC", "0" * 39, "0" * 40 + "/"])
def test_what_is_no_hash_makes_no_directory(value: str) -> None:
    with pytest.raises(ValueError, match="is not a commit hash"):
        hash_directory(replace(COMMIT, upstream_hash=value))
    with pytest.raises(ValueError, match="is not a commit hash"):
        hash_directory(replace(COMMIT, distgit_hash=value))


@pytest.mark.parametrize("component", ["..", "a/b", "", ".hidden"])
def test_a_component_that_leaves_the_tree_is_refused(component: str) -> None:
    with pytest.raises(ValueError, match="cannot be a folder"):
        component_directory(component)
