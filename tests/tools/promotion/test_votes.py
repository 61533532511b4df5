"""Votes on repositories, aggregates and composed sets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.vote import JobVerdict
from rdo.promotion.compositions import change, find
from rdo.promotion.deciding.votes import find_ballot, last_votes, vote, votes_on
from tests.publishing import START, Factory, RpmShelf, factory, open_target, package

SUCCESS, FAILURE = JobVerdict.SUCCESS, JobVerdict.FAILURE


def test_a_vote_is_on_what_was_tested_wherever_names_lead_later(
    made: Factory, target: OpenTarget
) -> None:
    made.publish("python-a", "a1")
    path = made.leads("current")
    vote(target, find_ballot(target, "current"), "one", SUCCESS, by="ci", url="https://ci/1")
    vote(target, find_ballot(target, "a1000000"), "two", FAILURE, by="ci", timestamp=START)
    made.publish("python-a", "a2", "2.0")

    [one, two] = votes_on(target, find_ballot(target, path))

    assert (one.on, one.vote.job, one.vote.url) == (path, "one", "https://ci/1")
    assert (two.on, two.vote.job, two.vote.verdict) == (path, "two", FAILURE)
    assert votes_on(target, find_ballot(target, "current")) == ()
    assert [row.vote.job for row in last_votes(target, job="one")] == ["one"]


def test_a_composed_repository_has_votes_of_its_own(made: Factory, target: OpenTarget) -> None:
    made.publish("python-a", "a1")
    made.publish("python-a", "a2", "2.0")
    made.publish("python-b", "b1")
    wanted = change(target, find(target, "current"), ["python-a=1"])
    [composed] = made.tree.compose(wanted.build_ids, made.members)

    vote(target, find_ballot(target, composed.path), "one", SUCCESS, by="ci")

    [said] = last_votes(target, job="one")
    assert said.on == composed.digest
    assert votes_on(target, find_ballot(target, composed.digest[:12])) == (said,)


@pytest.fixture
def parts(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    packages = (package("python-a", component="one"), package("python-b", component="two"))
    with factory(tmp_path, shelf, *packages, components=True) as made:
        made.publish("python-a", "a1", component="one")
        made.publish("python-b", "b1", component="two")
        yield made


def test_with_components_a_name_stands_for_its_aggregate(parts: Factory) -> None:
    target = open_target(parts)
    md5 = (parts.tree.repos / "current/delorean.repo.md5").read_text()

    for text, component in (("current", None), (md5, None), ("current", "two")):
        vote(target, find_ballot(target, text, component), f"job-{text}", SUCCESS, by="ci")

    assert [row.on for row in votes_on(target, find_ballot(target, "current"))] == [md5, md5]
    path = parts.leads("component/two/current")
    jobs = [row.vote.job for row in votes_on(target, find_ballot(target, path)) if row.on == path]
    assert jobs == ["job-current", "consistent"]
    with pytest.raises(NotFoundError, match="has ever led to an aggregate"):
        find_ballot(target, "0" * 32)
    with pytest.raises(NotFoundError, match="is not one repository: it has no three"):
        find_ballot(target, "current", "three")


@pytest.mark.parametrize(
    ("job", "url", "when", "error", "told"),
    [
        ("", "", START, ConfigError, "is not a job"),
        ("a\nb", "", START, ConfigError, "is not a job"),
        ("j" * 257, "", START, ConfigError, "more than 256 characters"),
        ("consistent", "", START, RefusedError, "cast by rdo itself"),
        ("a", "javascript:alert(1)", START, ConfigError, "is not an http or https URL"),
        ("a", "https://x y", START, ConfigError, "is not an http or https URL"),
        ("a", "", datetime(1969, 1, 1, tzinfo=UTC), ConfigError, "is not a time of a vote"),
        ("a", "", datetime(2099, 1, 1, tzinfo=UTC), ConfigError, "is not a time of a vote"),
    ],
)
def test_what_cannot_be_a_vote_is_one_clear_error(
    made: Factory,
    target: OpenTarget,
    job: str,
    url: str,
    when: datetime,
    error: type[Exception],
    told: str,
) -> None:
    made.publish("python-a", "a1")
    ballot = find_ballot(target, "current")
    before = last_votes(target)

    with pytest.raises(error, match=told):
        vote(target, ballot, job, SUCCESS, by="ci", url=url, timestamp=when)

    assert last_votes(target) == before
