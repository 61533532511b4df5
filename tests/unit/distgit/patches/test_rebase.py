"""The state of each patch on a new version, without a clone."""

from collections.abc import Mapping

import pytest

from rdo.distgit.patches.rebase import (
    Fate,
    PatchFate,
    RebaseProgress,
    as_text,
    had_already,
    judge,
)
from rdo.tools.git.cloned_history import PatchCommit


def patch(letter: str, *, subject: str = "", body: str = "", author: str = "me") -> PatchCommit:
    return PatchCommit(
        letter * 40, letter * 7, subject or f"Change {letter}", body, f"{author} <x@example.test>"
    )


P, Q = patch("a"), patch("b", body="why\n\nChange-Id: I0b\n")
ONTO = "2.0"


def known(
    *newer: PatchCommit, upstream: Mapping[str, str] | None = None, ours: str = ""
) -> dict[str, str]:
    """What upstream has of P and Q; `ours` are those whose patch id is their letter."""
    ids = {letter * 40: f"id {letter}" for letter in ours}
    return had_already([P, Q], newer, upstream or {}, ids, ONTO)


U = patch("d", subject="Something of theirs")
TWIN = patch("e", body="Change-Id: I0b\n")
UNDOES = patch("f", body=f"This reverts commit {'e' * 12}.")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(known(), {}, id="nothing is new"),
        pytest.param(known(U), {}, id="something else"),
        pytest.param(
            known(U, upstream={"id a": U.hash}, ours="a"),
            {P.hash: "2.0 has the same patch, ddddddd"},
            id="the same patch",
        ),
        pytest.param(known(U, upstream={"id a": U.hash}, ours="b"), {}, id="another's patch"),
        pytest.param(
            known(upstream={"id a": U.hash}, ours="a"), {}, id="the same patch, in no new commit"
        ),
        pytest.param(
            known(TWIN), {Q.hash: "2.0 has its Change-Id, eeeeeee"}, id="the same Change-Id"
        ),
        pytest.param(known(TWIN, UNDOES), {}, id="what was reverted again is not had"),
        pytest.param(
            known(TWIN, upstream={"id b": TWIN.hash}, ours="b"),
            {Q.hash: "2.0 has the same patch, eeeeeee"},
            id="the patch itself says more than its Change-Id",
        ),
    ],
)
def test_what_upstream_has_already(found: dict[str, str], expected: dict[str, str]) -> None:
    assert found == expected


def test_commits_without_a_change_id_are_not_one_another() -> None:
    assert had_already([P], [U], {}, {}, ONTO) == {}


def fate(progress: RebaseProgress, *, is_there: bool = False) -> PatchFate:
    [found] = judge([P], progress, ONTO, lambda _: is_there)
    return found


MOVED = patch("c", subject=P.subject)
STRANGERS = patch("c", subject=P.subject, author="you")
SAME = {P.hash: "id", MOVED.hash: "id"}


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        pytest.param(
            RebaseProgress({P.hash: "why"}, (MOVED,), SAME, stopped=P.hash),
            PatchFate(Fate.DROPPED, P, "why", is_upstream=True),
            id="upstream has it, whatever else is true",
        ),
        pytest.param(
            RebaseProgress({}, (), {}, stopped=P.hash, conflicts=("one", "two")),
            PatchFate(Fate.CONFLICTING, P, "in one, two"),
            id="it conflicts",
        ),
        pytest.param(
            RebaseProgress({}, (), {}, stopped=P.hash),
            PatchFate(Fate.CONFLICTING, P),
            id="its conflicts are solved and not yet committed",
        ),
        pytest.param(
            RebaseProgress({}, (), {}, stopped=Q.hash, waiting=frozenset({P.hash})),
            PatchFate(Fate.WAITING, P),
            id="it is behind one that conflicts",
        ),
        pytest.param(
            RebaseProgress({}, (MOVED,), SAME),
            PatchFate(Fate.APPLIED, P),
            id="it was applied as it is",
        ),
        pytest.param(
            RebaseProgress({}, (MOVED,), {P.hash: "id", MOVED.hash: "other"}),
            PatchFate(Fate.ADAPTED, P),
            id="it was adapted",
        ),
        pytest.param(
            RebaseProgress({}, (STRANGERS,), SAME),
            PatchFate(Fate.DROPPED, P, "nothing is left of it on 2.0"),
            id="another's commit of that subject is not it",
        ),
        pytest.param(
            RebaseProgress({}, (U,), {}),
            PatchFate(Fate.DROPPED, P, "nothing is left of it on 2.0"),
            id="nothing came of it",
        ),
    ],
)
def test_what_becomes_of_a_patch(progress: RebaseProgress, expected: PatchFate) -> None:
    assert fate(progress) == expected


def test_a_patch_whose_hunks_are_there_is_upstreams() -> None:
    assert fate(RebaseProgress({}, (), {}), is_there=True) == PatchFate(
        Fate.DROPPED, P, "2.0 has its hunks", is_upstream=True
    )


def test_a_patch_that_somebody_emptied_is_not_upstreams_whatever_is_there() -> None:
    emptied = fate(RebaseProgress({}, (), {}, solved=frozenset({P.hash})), is_there=True)

    assert (emptied.fate, emptied.is_upstream) == (Fate.DROPPED, False)


def test_of_two_patches_with_one_subject_each_has_its_own_commit() -> None:
    first, second = patch("1", subject="Fix"), patch("2", subject="Fix")
    becomes = patch("3", subject="Fix")

    found = judge([first, second], RebaseProgress({}, (becomes,), {}), ONTO, lambda _: False)

    assert [one.fate for one in found] == [Fate.APPLIED, Fate.DROPPED]


def test_the_report_counts_by_fate_and_names_each() -> None:
    found = [
        PatchFate(Fate.APPLIED, P),
        PatchFate(Fate.APPLIED, U),
        PatchFate(Fate.DROPPED, Q, "2.0 has it"),
    ]

    assert as_text(found, ONTO).splitlines() == [
        "3 patches (2 applied, 1 dropped) on 2.0:",
        "  applied     aaaaaaa  Change a",
        "  applied     ddddddd  Something of theirs",
        "  dropped     bbbbbbb  Change b  (2.0 has it)",
    ]
    assert as_text(found[:1], ONTO).splitlines()[0] == "1 patch (1 applied) on 2.0:"
    assert as_text([], ONTO) == "no patches on 2.0:"
