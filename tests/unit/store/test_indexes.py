"""No question of a round or of a publication searches through the history."""

import re
from pathlib import Path

import pytest
from sqlalchemy import event, text

from rdo.model.artifact import Artifact, Fragment
from rdo.model.build import Built, Failed, FailureReason
from rdo.model.nevra import Nevra
from rdo.model.vote import JobVerdict
from rdo.store import Store, Transaction
from rdo.store.given.check_results import CheckResult, ResultState
from rdo.store.given.votes import Ballot, VoteFilter
from rdo.store.schema.base import Base
from rdo.store.work.builds import Build
from rdo.store.work.history import BuildFilter
from rdo.store.work.traces import Trace, TracedSource
from tests.unit.store.samples import NOW, TARGET, commit

ARTIFACT = Artifact("a-1-1.noarch.rpm", Nevra("a", 0, "1", "1", "noarch"), "5a", 1, is_source=False)
RESULT = CheckResult("installable", "", ResultState.PASSED, "", "[]", (), NOW, "me", 0.1)
SOURCE = TracedSource(upstream="u")
TRACE = Trace(SOURCE, "abcdef01", 1)

GROWS = re.compile(
    r"SEARCH (builds|commits|artifacts|repositories|moves|intents|votes|traces) .*\(target=\?\)"
)
BOUNDED = {
    "SEARCH builds USING INDEX ix_builds_open (target=?)",
    "SEARCH builds USING INDEX ix_builds_unpublished (target=?)",
    "SEARCH commits USING INDEX ix_commits_untraced (target=?)",
    "SEARCH intents USING INDEX ix_intents_open (target=?)",
    # the highest number: sqlite takes the last entry of the index
    "SEARCH builds USING COVERING INDEX ix_builds_published (target=?)",
    # the newest of all: sqlite reads from the end of the index, up to the limit
    "SEARCH moves USING INDEX ix_moves_promotions (target=?)",
    "SEARCH votes USING INDEX ix_votes_target_id (target=?)",
    "SEARCH votes USING INDEX ix_votes_elsewhere (target=?)",
    "SEARCH votes USING INDEX ix_votes_in_progress (target=?)",
    "SEARCH votes USING INDEX ix_votes_not_good (target=?)",
}


def ask_everything(at: Transaction) -> None:
    """Every call that a round, a status or a publication makes."""
    first = at.builds.plan(TARGET, commit(upstream="a1"), now=NOW, inputs="i")
    at.builds.start(first.id, now=NOW)
    at.builds.keep_ticket(first.id, "root:1")
    at.builds.running(TARGET)
    at.builds.settle(first.id, Failed(FailureReason.INTERRUPTED, ""), now=NOW, final=False)
    build = at.builds.retry(first.id, now=NOW)
    at.builds.settle(build.id, Built((Path("a.rpm"),)), now=NOW)
    at.builds.unpublished(TARGET)
    at.artifacts.add(build.id, {ARTIFACT: Fragment("", "", "")})
    at.builds.publish(build.id, superseded=False)
    at.builds.spurious_attempts(build.id)
    at.builds.already_built(TARGET, "i")
    at.builds.queue(TARGET)
    at.builds.history(TARGET, "python-pbr")
    at.builds.with_prefix(TARGET, "a1")
    failed = at.builds.plan(TARGET, commit(upstream="a2"), now=NOW, as_newest=True)
    at.builds.settle(failed.id, Failed(FailureReason.TEST, ""), now=NOW)
    at.packages.states(TARGET)
    at.packages.state(TARGET, "python-pbr")
    at.commits.newest(TARGET, "python-pbr")
    at.commits.newest(TARGET, "python-pbr", of={"u"})
    at.commits.newest(TARGET, "python-pbr", of={"u"}, upstream_hash="a")
    at.commits.newest(TARGET, "python-pbr", but={"u"})
    at.commits.owner(TARGET, "a", "b")
    at.traces.untraced_packages(TARGET)
    at.traces.untraced(TARGET, "python-pbr")
    at.traces.heads(TARGET, "python-pbr")
    at.traces.keep(TARGET, "python-pbr", heads={SOURCE: "a"}, traces=[TRACE], commits=())
    at.traces.names_beginning(TARGET, "abcdef0")
    at.traces.builds(TARGET, TRACE.name)
    at.artifacts.of_build(build.id)
    at.artifacts.fragments([stored.id for stored in at.artifacts.good(TARGET)])
    place = at.repositories.add(
        TARGET, component=None, path="aa", build_id=build.id, digest="d", now=NOW
    )
    at.repositories.at_path(TARGET, "aa")
    at.repositories.newest_of(TARGET, None, "d")
    at.repositories.of_build(TARGET, build.id)
    at.repositories.find(TARGET, place.id)
    at.repositories.with_prefix(TARGET, "aa", limit=5)
    at.builds.find(TARGET, build.id)
    at.names.move(TARGET, None, "current", place, now=NOW, by="", why="")
    at.names.repository(TARGET, None, "current")
    at.names.components(TARGET, "current")
    at.names.history(TARGET, None, "current")
    at.check_results.keep(TARGET, [place.id], RESULT)
    at.check_results.of(TARGET, [place.id])
    at.check_results.about(place.id)
    at.check_results.forget([place.id])
    ask_about_votes(at, build)
    ask_about_history(at, build)
    at.statistics.builds_by_day(TARGET, NOW)
    at.statistics.turns(TARGET, NOW)
    at.statistics.failing_at(TARGET, NOW)
    at.statistics.arrivals(TARGET, NOW)
    at.heads.seen(TARGET, "python-pbr", upstream_hash="a", distgit_hash="b", now=NOW)
    at.heads.all(TARGET)
    intent = at.intents.open(TARGET, "publish", {}, now=NOW)
    at.intents.unfinished(TARGET)
    at.intents.close(intent, now=NOW)


def ask_about_history(at: Transaction, build: Build) -> None:
    """Every call that a server makes, but for pages of builds, which begin with the newest."""
    at.history.counts(TARGET)
    at.history.counts(TARGET, since=NOW, until=NOW)
    at.history.counts(TARGET, since=NOW, package="python-pbr")
    at.gauges.queue(TARGET)
    at.history.failing_count(TARGET)
    at.history.get(TARGET, build.id)
    at.history.of_ids(TARGET, [build.id, 7])
    at.repositories.builds_in_tree(TARGET, [build.id, 7])
    at.repositories.paths_of([build.id, 7])
    at.votes.on_builds(TARGET, [build.id, 7])
    for wanted in (
        VoteFilter(user="u"),
        VoteFilter(timestamp=NOW),
        VoteFilter(component="c"),
        VoteFilter(on_build=False),
        VoteFilter(success=False),
        VoteFilter(in_progress=True),
    ):
        at.votes.listed(TARGET, wanted)


def ask_about_votes(at: Transaction, build: Build) -> None:
    """Every call that DLRN's API and the promoter make."""
    at.builds.published_of(TARGET, "a", "b")
    at.builds.published_of(TARGET, "a", "b", "c")
    for ballot in (Ballot(build.id), Ballot(ref_hash="d")):
        at.votes.add(TARGET, ballot, "job", JobVerdict.SUCCESS, timestamp=NOW, now=NOW)
        at.votes.on(TARGET, ballot)
        at.votes.on(TARGET, ballot, success=True)
    at.votes.on_builds(TARGET, [build.id])
    for job in ("job", None):
        for success in (True, None):
            for component in ("c", None):
                at.votes.newest(TARGET, since=NOW, job=job, success=success, component=component)
    at.votes.listed(TARGET)
    at.votes.listed(TARGET, VoteFilter(build_id=build.id))
    at.votes.listed(TARGET, VoteFilter(job="job"))
    at.votes.listed(TARGET, VoteFilter(ref_hash="d"))
    place = at.repositories.add(
        TARGET, component="c", path="bb", build_id=build.id, digest="d", now=NOW
    )
    move = at.names.move(TARGET, "c", "tested", place, now=NOW, by="", why="")
    at.names.note_aggregate(move, "e")
    at.names.aggregate(TARGET, "tested")
    at.names.of_aggregate(TARGET, "e")
    [past] = at.names.led_to_aggregates(TARGET, "tested", limit=9)
    at.names.has_led_to(TARGET, "tested", past)
    [past] = at.names.led_to(TARGET, "c", "tested", limit=9)
    at.names.has_led_to(TARGET, "tested", past)
    at.names.promotions(TARGET)
    at.names.promotions(TARGET, name="tested")
    at.names.promotions(TARGET, component="c")
    at.names.promotions(TARGET, name="tested", component="c")
    at.names.promotions(TARGET, aggregate="e")
    at.names.promotions(TARGET, build_ids=[build.id])
    at.names.promoted_components(TARGET)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_page_of_builds_or_commits_is_read_without_sorting_all(store: Store) -> None:
    seen: list[tuple[str, object]] = []
    event.listen(
        store._engine, "before_cursor_execute", lambda *args: seen.append((args[2], args[3]))
    )
    with store.write() as at:
        at.commits.listed(TARGET)
        at.commits.listed(TARGET, before=7)
        at.history.listed(TARGET)
        at.history.listed(TARGET, BuildFilter(package="a"), before=7)
        at.history.listed(TARGET, BuildFilter(outcome="failed", has_outcome=True), offset=3)
    with store._engine.connect() as connection:
        cursor = connection.connection.cursor()
        plans = [
            str(row)
            for statement, parameters in seen
            if statement.startswith(("SELECT builds", "SELECT commits"))
            for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        ]

    assert plans
    assert [plan for plan in plans if "TEMP B-TREE" in plan] == []
    assert [plan for plan in plans if "SCAN" in plan] == []  # of a target without new builds


@pytest.fixture
def statements(store: Store) -> list[tuple[str, object]]:
    """The statements of `ask_everything`, with their parameters."""
    seen: list[tuple[str, object]] = []

    def note(*args: object) -> None:
        seen.append((str(args[2]), args[3]))

    event.listen(store._engine, "before_cursor_execute", note)
    with store.write() as at:
        ask_everything(at)
    event.remove(store._engine, "before_cursor_execute", note)
    return [item for item in seen if item[0].startswith(("SELECT", "UPDATE", "DELETE"))]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_statement_goes_by_an_index(
    store: Store, statements: list[tuple[str, object]]
) -> None:
    plans: set[str] = set()
    with store._engine.connect() as connection:
        cursor = connection.connection.cursor()
        for statement, parameters in statements:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            plans |= {row[3] for row in cursor.fetchall()}
        cursor.close()

    assert len(statements) > 30
    assert {plan for plan in plans if plan.startswith("SCAN")} == set()
    assert {plan for plan in plans if GROWS.match(plan) and plan not in BOUNDED} == set()


_DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def test_an_index_of_a_few_rows_holds_no_other_ones(store: Store) -> None:
    kind = store._engine.dialect.name
    declared = {
        str(index.name)
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.dialect_kwargs.get(f"{kind}_where") is not None
    }
    with store._engine.connect() as connection:
        found = connection.execute(text(_DEFINITIONS[kind])).all()

    assert declared == {name for name, definition in found if " WHERE " in definition}
    assert "ix_builds_open" in declared
