"""What a change depends on, across servers: what is followed, and what is refused."""

from collections.abc import Callable

import pytest

from rdo.config.forges import ReviewSection
from rdo.forges.depends_on import MOST
from rdo.forges.gerrit import Gerrit
from rdo.forges.github import GitHub
from rdo.forges.gitlab import GitLab
from rdo.forges.rest import RestServer
from rdo.forges.reviews import ReviewReport
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.package import Package
from rdo.model.review import (
    BuildRole,
    Change,
    ChangeId,
    ReviewBuild,
    ReviewVerdict,
    ReviewVote,
)
from rdo.trunk.reviews.gathering import UnusableChangeError, gather
from rdo.trunk.reviews.places import ConfiguredForge
from rdo.trunk.reviews.running import verdict_of_jobs
from rdo.trunk.reviews.trial import as_build, judged
from rdo.trunk.sources.unmerged import OpenChange
from tests.unit.store.samples import NOW

HOME = "https://h.test"


class Shelf:
    """A server of reviews whose changes are announced beforehand; asked for others it fails."""

    def __init__(self, *changes: Change) -> None:
        self.changes = {one.id.number: one for one in changes}

    def change(self, _project: str, number: int) -> Change:
        return self.changes[number]

    def number_in(self, url: str) -> tuple[str, int] | None:
        start = f"{HOME}/"
        return ("p", int(url.removeprefix(start))) if url.startswith(start) else None

    def git_url(self, project: str) -> str:
        return f"{HOME}/{project}"

    def report(self, report: ReviewReport) -> None:
        raise AssertionError(report)


def change(number: int, *needs: str, state: str = "open", project: str = "p") -> Change:
    lines = "".join(f"Depends-On: {one}\n" for one in needs)
    return Change(
        id=ChangeId("shelf", project, number),
        revision=f"{number:040x}",
        ref=f"refs/changes/{number}",
        branch="master",
        subject="x",
        message=f"x\n\n{lines}",
        author="ann",
        url=f"{HOME}/{number}",
        is_open=state == "open",
        is_merged=state == "merged",
    )


def places(*changes: Change, projects: list[str] | None = None) -> dict[str, ConfiguredForge]:
    section = ReviewSection(kind="gerrit", url=HOME, projects=projects or [])
    return {"shelf": ConfiguredForge("shelf", section, Shelf(*changes))}


def numbers(wanted: Change, *others: Change) -> list[int]:
    return [one.id.number for one in gather(places(wanted, *others), wanted).changes]


def test_what_is_needed_comes_first_and_once() -> None:
    first = change(1, f"{HOME}/2", f"{HOME}/3")

    found = numbers(first, change(2, f"{HOME}/3"), change(3))

    assert found == [3, 2, 1]


def test_what_is_merged_is_there_already() -> None:
    assert numbers(change(1, f"{HOME}/2"), change(2, f"{HOME}/9", state="merged")) == [1]


@pytest.mark.parametrize(
    ("url", "others"),
    [
        ("https://elsewhere.test/2", ()),
        ("https://h.test.evil.test/2", ()),
        ("file:///etc/passwd", ()),
        ("Iabcdef", ()),
        (f"{HOME}/2", (change(2, state="abandoned"),)),
        (f"{HOME}/2", (change(2, f"{HOME}/1"),)),
        (f"{HOME}/1", ()),
        (f"{HOME}/2", (change(2, project="secret"),)),
    ],
)
def test_what_cannot_be_built_is_refused(url: str, others: tuple[Change, ...]) -> None:
    wanted = change(1, url)

    with pytest.raises(UnusableChangeError):
        gather(places(wanted, *others, projects=["p"]), wanted)


def test_the_number_of_changes_is_bounded() -> None:
    chain = [change(number, f"{HOME}/{number + 1}") for number in range(1, MOST + 5)]

    with pytest.raises(UnusableChangeError, match=f"more than {MOST}"):
        gather(places(*chain, change(MOST + 5)), chain[0])


GERRIT = Gerrit("g", RestServer("g", "https://h.test/r", {}), "Verified")
GITHUB = GitHub("g", "https://h.test", RestServer("g", "https://api.test", {}))
GITLAB = GitLab("g", RestServer("g", "https://h.test", {}))


@pytest.mark.parametrize(
    ("find", "url", "wanted"),
    [
        (GERRIT.number_in, "https://h.test/r/c/o/nova/+/42/3", ("o/nova", 42)),
        (GERRIT.number_in, "https://h.test/r/#/c/42/", ("", 42)),
        (GERRIT.number_in, "https://h.test/r/42", ("", 42)),
        (GERRIT.number_in, "https://h.test/c/o/nova/+/42", None),
        (GERRIT.number_in, "https://h.test/r/c/..%2Fx/+/42", None),
        (GITHUB.number_in, "https://h.test/o/nova/pull/7/files", ("o/nova", 7)),
        (GITHUB.number_in, "https://h.test/o/nova/issues/7", None),
        (GITHUB.number_in, "https://h.test/../nova/pull/7", None),
        (GITLAB.number_in, "https://h.test/o/sub/nova/-/merge_requests/7", ("o/sub/nova", 7)),
        (GITLAB.number_in, "https://h.test.evil/o/nova/-/merge_requests/7", None),
    ],
)
def test_an_address_is_of_one_server(
    find: Callable[[str], tuple[str, int] | None], url: str, wanted: tuple[str, int] | None
) -> None:
    assert find(url) == wanted


def test_a_change_is_one_side_of_a_package() -> None:
    place = places()["shelf"]
    packages = {
        name: Package(name, name, (up,), dist, "master", "rpm-master", "")
        for name, up, dist in (
            ("a", f"{HOME}/p.git", f"{HOME}/p-dist"),
            ("b", f"{HOME}/other", "git@h.test:p"),
            ("c", f"{HOME}/pp", f"{HOME}/ppp"),
        )
    }

    found = {one.package: one for one in place.requests(change(5), packages)}

    side = OpenChange(f"{HOME}/p", "refs/changes/5", f"{5:040x}")
    assert (found["a"].source, found["a"].distgit) == (side, None)
    assert (found["b"].source, found["b"].distgit) == (None, side)
    assert set(found) == {"a", "b"}


def vote(job: str, verdict: str) -> ReviewVote:
    return ReviewVote(job, verdict, "", "", "zuul", NOW)


@pytest.mark.parametrize(
    ("votes", "is_late", "wanted"),
    [
        ([], False, None),
        ([("one", "success")], False, None),
        ([("one", "success"), ("two", "in-progress")], False, None),
        ([("one", "success"), ("two", "success")], False, ReviewVerdict.SUCCESS),
        ([("one", "failure")], False, ReviewVerdict.FAILURE),
        ([("one", "failure"), ("one", "success"), ("two", "success")], False, "success"),
        ([("foreign", "failure"), ("one", "success")], False, None),
        ([("one", "success")], True, ReviewVerdict.UNTRIED),
    ],
)
def test_the_last_vote_of_each_job_decides(
    votes: list[tuple[str, str]], is_late: bool, wanted: str | None
) -> None:
    end = verdict_of_jobs(["one", "two"], [vote(*one) for one in votes], is_late=is_late)

    assert (end.verdict if end else None) == wanted


def test_only_a_fault_of_its_own_is_a_failure() -> None:
    def verdict(build: ReviewBuild) -> ReviewVerdict | None:
        end = judged(build)
        return end.verdict if end else None

    role = BuildRole.CHANGE
    own = as_build("a", role, Failed(FailureReason.TEST, "x"), 1)
    network = as_build("a", role, Failed(FailureReason.NETWORK, "x"), 1)
    waits = as_build("a", role, Waiting(("python3dist(b)",)), 1)
    assert verdict(own) is ReviewVerdict.FAILURE
    assert verdict(network) is ReviewVerdict.UNTRIED
    assert verdict(waits) is ReviewVerdict.UNTRIED
    assert verdict(ReviewBuild("a", role, "built", "", "", 1)) is None
