"""Decisions of a clone's journal, without a clone."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from rdo.distgit.verb.journal import JournalEntry
from rdo.distgit.verb.rehearsal import Effect
from rdo.distgit.verb.revert import moved_again
from rdo.distgit.verb.snapshot import CloneState, RefMove, index_info, ref_moves

A, B, C = "a" * 40, "b" * 40, "c" * 40
MAIN, OTHER, TAG = "refs/heads/main", "refs/heads/other", "refs/tags/1.0"


def at(head: str = MAIN, **refs: str) -> CloneState:
    """A state whose branches are at these hashes."""
    return CloneState(head, {f"refs/heads/{name}": to for name, to in refs.items()}, "i", "t", "")


NOW = at(main=A)


@pytest.mark.parametrize(
    ("after", "is_change"),
    [
        pytest.param(None, False, id="it is under way"),
        pytest.param(NOW, False, id="all is as before"),
        pytest.param(at(main=B), True, id="a branch has moved"),
        pytest.param(replace(NOW, head=A), True, id="HEAD is detached"),
        pytest.param(replace(NOW, index="j"), True, id="something is staged"),
        pytest.param(replace(NOW, tree="u"), True, id="a file differs"),
        pytest.param(replace(NOW, settings="[remote]"), True, id="there is a remote more"),
    ],
)
def test_whether_a_verb_changed_anything(after: CloneState | None, is_change: bool) -> None:
    assert JournalEntry(1, "fix", NOW, after).is_change is is_change


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        pytest.param({"main": A}, {"main": A}, [], id="nothing has moved"),
        pytest.param({"main": A}, {"main": B}, [RefMove(MAIN, A, B)], id="moved"),
        pytest.param({}, {"main": B}, [RefMove(MAIN, "", B)], id="new"),
        pytest.param({"main": A}, {}, [RefMove(MAIN, A, "")], id="gone"),
        pytest.param(
            {"other": A, "main": A},
            {"other": B, "main": C},
            [RefMove(MAIN, A, C), RefMove(OTHER, A, B)],
            id="several, by name",
        ),
    ],
)
def test_the_refs_that_move(
    before: Mapping[str, str], after: Mapping[str, str], moves: list[RefMove]
) -> None:
    assert list(ref_moves(at(**before), at(**after))) == moves


def test_a_move_is_a_command_and_a_removal_another() -> None:
    assert RefMove(TAG, A, B).command == f"update {TAG} {B}"
    assert RefMove(TAG, A, "").command == f"delete {TAG}"


@pytest.mark.parametrize(
    ("before", "after", "now", "conflicts"),
    [
        pytest.param(at(main=A), at(main=B), at(main=B), [], id="nobody went on"),
        pytest.param(at(main=A), at(main=B), at(main=C), ["main"], id="somebody committed"),
        pytest.param(at(main=A), at(main=B), at(main=A), ["main"], id="somebody put it back"),
        pytest.param(at(main=A), at(main=B), at(), ["main"], id="somebody removed it"),
        pytest.param(at(), at(main=B), at(main=C), ["main"], id="the verb made it"),
        pytest.param(at(main=A), at(), at(main=A), ["main"], id="the verb removed it"),
        pytest.param(
            at(main=A), at(main=A), at(main=C), [], id="the verb did not touch what moved"
        ),
        pytest.param(at(), at(), at(other=C), [], id="a branch of somebody's own"),
        pytest.param(
            at(main=A), at(main=B), at(OTHER, main=B), ["HEAD"], id="another one is checked out"
        ),
    ],
)
def test_what_somebody_has_moved_again(
    before: CloneState, after: CloneState, now: CloneState, conflicts: list[str]
) -> None:
    assert list(moved_again(before, after, now)) == conflicts


def test_a_tag_is_named_in_full() -> None:
    tagged = [replace(NOW, refs={TAG: to}) for to in (A, B, C)]

    assert list(moved_again(*tagged)) == [TAG]


LISTED = f"100644 blob {A}\tone\000100755 blob {B}\ttwo words\000"


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        pytest.param({"one"}, [f"100644 {A}\tone"], id="a file that is there"),
        pytest.param({"two words"}, [f"100755 {B}\ttwo words"], id="a mode and a blank are kept"),
        pytest.param({"gone"}, [f"0 {'0' * 40}\tgone"], id="one that is not is removed"),
        pytest.param(
            {"one", "gone"}, [f"0 {'0' * 40}\tgone", f"100644 {A}\tone"], id="both, by name"
        ),
        pytest.param(set(), [], id="none"),
    ],
)
def test_the_rows_of_a_tree_that_an_index_takes(names: set[str], rows: list[str]) -> None:
    assert index_info(LISTED, names).split("\0")[:-1] == rows


PLAIN = Effect("fix", True, True, MAIN, MAIN, (), False, (), "", ())


@pytest.mark.parametrize(
    ("effect", "lines"),
    [
        pytest.param(PLAIN, ["nothing would change"], id="nothing"),
        pytest.param(replace(PLAIN, head=OTHER), [f"HEAD: {MAIN} -> {OTHER}"], id="HEAD"),
        pytest.param(
            replace(PLAIN, refs=(RefMove(MAIN, A, B), RefMove(TAG, "", B), RefMove(OTHER, A, ""))),
            [
                f"{MAIN}: {A[:9]} -> {B[:9]}",
                f"{TAG}: new -> {B[:9]}",
                f"{OTHER}: {A[:9]} -> removed",
            ],
            id="refs",
        ),
        pytest.param(replace(PLAIN, diff="+x"), ["+x"], id="files"),
    ],
)
def test_an_effect_is_printed_line_by_line(effect: Effect, lines: list[str]) -> None:
    assert str(effect).splitlines() == lines


def test_new_settings_are_reported() -> None:
    assert len(str(replace(PLAIN, has_new_settings=True)).splitlines()) == 1
    assert str(replace(PLAIN, has_new_settings=True)) != str(PLAIN)
