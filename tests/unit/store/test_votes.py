"""Votes, and the promotions that they lead to."""

from datetime import datetime
from pathlib import Path

import pytest

from rdo.model.build import Built
from rdo.model.vote import JobVerdict
from rdo.store import Store, Transaction
from rdo.store.given.names import Promotion
from rdo.store.given.repositories import Repository
from rdo.store.given.votes import Ballot, Vote, VoteFilter
from rdo.store.work.builds import Build
from tests.unit.store.samples import NOW, TARGET, commit, later, make_older


def built(at: Transaction, package: str = "a", upstream: str = "a1") -> Build:
    build = at.builds.plan(TARGET, commit(package, upstream), now=NOW)
    at.builds.settle(build.id, Built((Path("x.rpm"),)), now=later(1))
    return at.builds.publish(build.id, superseded=False)


def repository(at: Transaction, path: str, build: Build | None, component: str) -> Repository:
    return at.repositories.add(
        TARGET,
        component=component,
        path=path,
        build_id=build.id if build else None,
        digest=path,
        now=NOW,
    )


def vote(
    at: Transaction,
    on: Build | str,
    job: str,
    verdict: JobVerdict = JobVerdict.SUCCESS,
    *,
    when: datetime = NOW,
    component: str | None = None,
) -> Vote:
    ballot = Ballot(ref_hash=on) if isinstance(on, str) else Ballot(on.id, component=component)
    return at.votes.add(
        TARGET, ballot, job, verdict, timestamp=when, now=later(9), url="u", notes="n", user="ci"
    )


def test_a_vote_comes_back_with_the_commit_it_is_on(store: Store) -> None:
    with store.write() as at:
        build = built(at)
        said = vote(at, build, "weirdo", JobVerdict.FAILURE, when=later(5), component="core")

        [read] = at.votes.on(TARGET, Ballot(build.id))
        assert read == said
        assert read.commit == build.commit
        assert (read.ballot.component, read.job, read.user) == ("core", "weirdo", "ci")
        assert (read.timestamp, read.created) == (later(5), later(9))
        assert (read.success, read.in_progress, read.url, read.notes) == (False, False, "u", "n")


def test_votes_on_aggregates_are_apart_from_those_on_builds(store: Store) -> None:
    with store.write() as at:
        build = built(at)
        on_build, on_hash = vote(at, build, "one"), vote(at, "d41d8", "one", JobVerdict.IN_PROGRESS)

        assert at.votes.on(TARGET, Ballot(ref_hash="d41d8")) == (on_hash,)
        assert at.votes.on(TARGET, Ballot(ref_hash="d41d8"), success=True) == ()
        assert at.votes.on(TARGET, Ballot(ref_hash="")) == ()
        assert at.votes.on("other", Ballot(ref_hash="d41d8")) == ()
        assert at.votes.listed(TARGET) == (on_hash, on_build)
        assert at.votes.listed(TARGET, VoteFilter(on_build=True)) == (on_build,)
        assert at.votes.listed(TARGET, VoteFilter(in_progress=True)) == (on_hash,)
        assert at.votes.listed(TARGET, offset=1, limit=1) == (on_build,)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "new"),
        ({"job": "a"}, "old"),
        ({"job": "consistent"}, "agreed"),
        ({"success": True}, "old"),
        ({"success": False}, "new"),
        ({"component": "core"}, "old"),
        ({"component": "core", "job": "b"}, None),
        ({"since": later(2)}, "new"),
        ({"since": later(3)}, None),
    ],
)
def test_the_newest_vote_goes_by_the_time_that_the_job_names(
    store: Store, asked: dict[str, object], found: str | None
) -> None:
    with store.write() as at:
        build = built(at)
        made = {
            "new": vote(at, build, "b", JobVerdict.IN_PROGRESS, when=later(3)),
            "old": vote(at, build, "a", when=later(2), component="core"),
            "agreed": vote(at, build, "consistent", when=later(4)),
            "elsewhere": vote(at, "ab", "a", when=later(9)),
        }

        newest = at.votes.newest(TARGET, **{"since": NOW, **asked})  # type: ignore[arg-type]

        assert newest == (made[found] if found else None)


def test_promotions_are_listed_newest_first_and_by_what_dlrn_asks_for(store: Store) -> None:
    with store.write() as at:
        one, two = built(at, "a", "a1"), built(at, "b", "b1")
        here, there = repository(at, "p/1", one, "core"), repository(at, "p/2", two, "net")
        composed = repository(at, "p/3", None, "core")
        for component, name, place, aggregate in (
            ("core", "current", here, ""),
            ("core", "tested", here, ""),
            ("net", "tested", there, "f00"),
            ("core", "live", composed, ""),
        ):
            move = at.names.move(TARGET, component, name, place, now=NOW, by="me", why="w")
            at.names.note_aggregate(move, aggregate)

        def told(found: tuple[Promotion, ...]) -> list[tuple[str, str, str]]:
            return [(one.name, one.repository.path, one.aggregate) for one in found]

        live, second, first = ("live", "p/3", ""), ("tested", "p/2", "f00"), ("tested", "p/1", "")
        assert told(at.names.promotions(TARGET)) == [live, second, first]
        assert told(at.names.promotions(TARGET, offset=1, limit=1)) == [second]
        assert told(at.names.promotions(TARGET, name="tested")) == [second, first]
        assert told(at.names.promotions(TARGET, component="core")) == [live, first]
        assert told(at.names.promotions(TARGET, aggregate="f00")) == [second]
        assert told(at.names.promotions(TARGET, build_ids=[one.id])) == [first]
        assert told(at.names.promotions("other")) == []
        commits = [one.commit for one in at.names.promotions(TARGET)]
        assert commits == [None, two.commit, one.commit]
        assert at.names.promoted_components(TARGET) == ("core", "net")


def test_an_aggregate_is_what_the_name_had_in_each_component_then(store: Store) -> None:
    with store.write() as at:
        places = {
            (component, number): repository(at, f"{component}/{number}", None, component)
            for component in ("core", "net")
            for number in (1, 2)
        }
        for component, number, aggregate in (
            ("core", 1, ""),
            ("net", 1, "aa"),
            ("net", 2, "bb"),
            ("core", 2, "cc"),
        ):
            place = places[component, number]
            move = at.names.move(TARGET, component, "tested", place, now=NOW, by="", why="")
            at.names.note_aggregate(move, aggregate)

        found = {
            aggregate: [one.path for one in at.names.of_aggregate(TARGET, aggregate).values()]
            for aggregate in ("aa", "bb", "cc", "dd", "")
        }

        assert found == {
            "aa": ["core/1", "net/1"],
            "bb": ["core/1", "net/2"],
            "cc": ["core/2", "net/2"],
            "dd": [],
            "": [],
        }
        past = at.names.led_to_aggregates(TARGET, "tested", limit=2)
        assert [(one.aggregate, [place.path for place in one.repositories]) for one in past] == [
            ("cc", found["cc"]),
            ("bb", found["bb"]),
        ]
        assert at.names.has_led_to(TARGET, "tested", past[0])
        assert not at.names.has_led_to(TARGET, "live", past[0])
        assert at.names.aggregate(TARGET, "tested") == "cc"
        assert at.names.aggregate(TARGET, "live") == ""


def test_the_build_of_a_commit_is_its_newest_published_one(store: Store) -> None:
    with store.write() as at:
        first = built(at)
        at.builds.plan(TARGET, first.commit, now=NOW)
        second = built(at)

        hashes = first.commit.upstream_hash, first.commit.distgit_hash
        assert at.builds.published_of(TARGET, *hashes) == at.builds.get(second.id)
        assert at.builds.published_of(TARGET, *hashes, "e") is None
        assert at.builds.published_of(TARGET, "0", hashes[1]) is None


def test_a_database_from_before_votes_gets_those_of_consistent(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    make_older(
        url,
        "0005",
        "INSERT INTO commits VALUES (1,'t','a',1,'aa','dd','',1,2,NULL,'master','core','')",
        "INSERT INTO builds (id,target,package,commit_id,release_date,attempt,bootstrap,inputs,"
        "state,outcome,detail,needs,rpms,ticket,created,published,superseded) "
        "VALUES (7,'t','a',1,77,1,0,'','done','built','','[]','[]','',70,1,0)",
        "INSERT INTO repositories VALUES (1,'t','core','p/1',7,'d',78,NULL)",
        "INSERT INTO repositories VALUES (2,'t','core','p/2',NULL,'e',79,NULL)",
        "INSERT INTO moves VALUES (1,'t','core','current',NULL,1,78,'trunk','')",
        "INSERT INTO moves VALUES (2,'t','core','consistent',NULL,1,78,'trunk','')",
        "INSERT INTO moves VALUES (3,'t','core','consistent',1,2,79,'trunk','')",
    )

    with Store(url) as store, store.read() as at:
        [one] = at.votes.listed("t")

    assert (one.job, one.verdict, one.user) == ("consistent", JobVerdict.SUCCESS, "")
    assert one.ballot == Ballot(7, component="core")
    assert one.commit is not None
    assert one.commit.package == "a"
    assert (one.timestamp.timestamp(), one.created.timestamp()) == (77, 78)
