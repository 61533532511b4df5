"""What undo restores, and what it refuses to lose: the rules, without a clone."""

from dataclasses import replace

import pytest

from rdo.distgit.verb.revert import FileFate, Revert, fate
from rdo.distgit.verb.snapshot import RefMove, staged_rows
from rdo.errors import RefusedError

OLD, MADE, MINE = "100644 a", "100644 b", "100644 c"
RUNNABLE = "100755 b"
RESTORE, KEEP, REFUSE = FileFate.RESTORE, FileFate.KEEP, FileFate.REFUSE


@pytest.mark.parametrize(
    ("then", "made", "now", "expected", "after_a_kill"),
    [
        pytest.param(OLD, MADE, MADE, RESTORE, RESTORE, id="as the verb left it"),
        pytest.param(OLD, MADE, OLD, KEEP, KEEP, id="somebody put it back"),
        pytest.param(OLD, MADE, MINE, REFUSE, REFUSE, id="edited since"),
        pytest.param(OLD, MADE, RUNNABLE, REFUSE, REFUSE, id="another mode since"),
        pytest.param(OLD, MADE, "", REFUSE, RESTORE, id="removed since, nothing is lost"),
        pytest.param("", MADE, MADE, RESTORE, RESTORE, id="the verb made it"),
        pytest.param("", MADE, MINE, REFUSE, KEEP, id="the verb made it, edited since"),
        pytest.param("", MADE, "", KEEP, KEEP, id="the verb made it, removed since"),
        pytest.param(OLD, "", "", RESTORE, RESTORE, id="the verb removed it"),
        pytest.param(OLD, "", MINE, REFUSE, REFUSE, id="the verb removed it, made anew since"),
        pytest.param(OLD, "", OLD, KEEP, KEEP, id="the verb removed it, put back since"),
    ],
)
def test_the_fate_of_a_file(
    then: str, made: str, now: str, expected: FileFate, after_a_kill: FileFate
) -> None:
    assert fate(then, {made}, now) is expected
    assert fate(then, {made}, now, is_killed=True) is after_a_kill


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        pytest.param(OLD, MINE, RESTORE, id="edited"),
        pytest.param("", MINE, RESTORE, id="new"),
        pytest.param(OLD, "", RESTORE, id="removed"),
        pytest.param(OLD, OLD, KEEP, id="as before"),
    ],
)
def test_an_abort_reverts_a_person_s_part_as_well(then: str, now: str, expected: FileFate) -> None:
    assert fate(then, {MADE}, now, is_forced=True) is expected


PLAN = Revert(7, "patch", "t")
FULL = Revert(
    7,
    "new-version",
    "t",
    head="refs/heads/master",
    old_head="c" * 40,
    refs=(RefMove("refs/heads/master", "b" * 40, "a" * 40), RefMove("refs/tags/1", "b" * 40, "")),
    files={"foo.spec": (OLD, MADE), "odd \udcff": ("", MADE)},
    staged={"foo.spec": (OLD, MADE)},
    settings=("[a]", "[b]"),
    quits_rebase=True,
    again=8,
)


@pytest.mark.parametrize("plan", [PLAN, FULL], ids=["empty", "full"])
def test_a_plan_is_read_as_it_was_written(plan: Revert) -> None:
    assert Revert.parse(str(plan)) == plan


def test_a_plan_without_conflicts_is_safe() -> None:
    FULL.require_safe()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        pytest.param(
            replace(PLAN, conflicts=("master", "foo.spec")),
            "cannot undo patch: changed since then: master, foo.spec",
            id="changed since",
        ),
        pytest.param(
            replace(PLAN, conflicts=tuple(f"f{number}" for number in range(12))),
            "cannot undo patch: changed since then: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 …",
            id="many",
        ),
        pytest.param(
            replace(PLAN, operation="merge", conflicts=("foo.spec",)),
            "cannot undo patch: a merge is in progress here",
            id="an operation comes first",
        ),
    ],
)
def test_a_plan_that_would_lose_something_is_refused(plan: Revert, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        plan.require_safe()

    assert str(caught.value) == message


def test_a_plan_is_printed_in_a_few_lines() -> None:
    assert PLAN.summary() == "would undo patch"
    assert FULL.summary().splitlines() == [
        "would undo new-version",
        f"HEAD: {'c' * 40} -> refs/heads/master",
        "refs/heads/master: bbbbbbbbb -> aaaaaaaaa",
        "refs/tags/1: bbbbbbbbb -> removed",
        "git configuration (remotes) changes",
        "files: foo.spec, odd \udcff",
    ]
    many = replace(PLAN, files={f"f{number:02}": (OLD, MADE) for number in range(13)})
    assert many.summary().splitlines()[-1].endswith("f08, f09 and 3 more")


def test_the_rows_of_an_index() -> None:
    listed = "100644 a 0\tone\x00100755 b 0\ttwo words\x00100644 c 1\tin\x00100644 d 3\tin\x00"

    assert staged_rows(listed) == {"one": "100644 a", "two words": "100755 b", "in": "100644 d"}
    assert staged_rows("") == {}
