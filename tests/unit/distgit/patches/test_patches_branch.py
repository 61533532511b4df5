"""Which commits of a patches branch get a patch file."""

import pytest

from rdo.distgit.patches.patches_branch import choose
from rdo.errors import RefusedError
from rdo.tools.git.cloned_history import PatchCommit

COMMITS = [
    PatchCommit(str(number) * 40, "", subject, "", "")
    for number, subject in enumerate(("Branch off", "DROP: ci", "Fix it", "DROP: docs"))
]


@pytest.mark.parametrize(
    ("excluded", "ignore", "chosen", "counts"),
    [
        pytest.param(0, "", "0123", (0, 0), id="all"),
        pytest.param(1, "", "123", (1, 0), id="those at the base are left out"),
        pytest.param(9, "", "", (4, 0), id="more than there are"),
        pytest.param(0, "^DROP", "02", (0, 2), id="those that are ignored"),
        pytest.param(2, "^DROP", "2", (2, 1), id="what is excluded is not counted as ignored"),
        pytest.param(0, "docs", "012", (0, 1), id="anywhere in the subject"),
        pytest.param(0, "drop", "0123", (0, 0), id="letters are what they are"),
    ],
)
def test_the_choice(excluded: int, ignore: str, chosen: str, counts: tuple[int, int]) -> None:
    found = choose(COMMITS, excluded, ignore)

    assert "".join(one.hash[0] for one in found.chosen) == chosen
    assert (found.excluded, found.ignored) == counts
    assert (list(found.commits), found.ignore) == (COMMITS, ignore)


def test_an_ignore_that_takes_for_ever_is_refused() -> None:
    hostile = PatchCommit("9" * 40, "", "a" * 60 + "!", "", "")

    with pytest.raises(RefusedError, match=r"patches_ignore=\(a\+\)\+\$ takes too long"):
        choose([hostile], 0, "(a+)+$")


def test_an_ignore_that_is_no_pattern_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"patches_ignore=\["):
        choose(COMMITS, 0, "[")
