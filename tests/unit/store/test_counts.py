"""Builds counted by day: the database keeps the numbers, whoever writes the builds."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from rdo.model.build import Built, Failed, FailureReason
from rdo.store import Store
from rdo.store.database.backup import write_backup
from rdo.store.database.restore import restore
from rdo.store.work.history import Counts
from tests.unit.store.samples import NOW, TARGET, commit, make_older

BUILT = Built((Path("a.rpm"),))
BROKEN, LOST = Failed(FailureReason.TEST, ""), Failed(FailureReason.NETWORK, "")
DAY = timedelta(days=1)


def test_counts_follow_every_change_of_an_outcome(store: Store) -> None:
    seen = []

    def count() -> None:
        with store.read() as at:
            counts = at.history.counts(TARGET)
            of_package = at.history.counts(TARGET, package="a")
            other = at.history.counts("other")
        assert (counts, other) == (of_package, Counts())
        seen.append((counts.built, counts.failed, counts.spurious))

    with store.write() as at:
        first = at.builds.plan(TARGET, commit("a", "a1"), now=NOW)
        second = at.builds.plan(TARGET, commit("a", "a2"), now=NOW)
    count()
    with store.write() as at:
        at.builds.settle(first.id, LOST, now=NOW, final=False)
        at.builds.settle(second.id, BUILT, now=NOW)
    count()
    with store.write() as at:
        at.builds.spoil(second.id, BROKEN, now=NOW)
        again = at.builds.retry(first.id, now=NOW)
        at.builds.drop(again.id, "newer", now=NOW)
    count()
    with store.write() as at:
        third = at.builds.plan(TARGET, commit("a", "a3"), now=NOW)
        at.builds.settle(third.id, BUILT, now=NOW)
        at.builds.lost(third.id, now=NOW)
    count()
    with store.write() as at:
        at.builds.session.execute(text(f"DELETE FROM builds WHERE id = {first.id}"))
    count()

    assert seen == [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 1, 2), (0, 1, 1)]


def test_counts_are_those_of_the_days_that_are_asked_for(store: Store) -> None:
    with store.write() as at:
        for number in range(4):
            when = NOW + number * DAY
            build = at.builds.plan(TARGET, commit("a", f"a{number}"), now=when)
            at.builds.settle(build.id, BUILT, now=when + 9 * DAY)
    midnight = NOW.replace(hour=0)

    with store.read() as at:
        for package in ("", "a"):
            found = [
                at.history.counts(TARGET, since=since, until=until, package=package).built
                for since, until in (
                    (midnight + DAY, midnight + 3 * DAY),
                    (midnight + 3 * DAY, None),
                    (None, midnight + DAY),
                    (midnight + DAY, midnight + DAY),
                )
            ]
            assert found == [2, 1, 1, 0], package


def test_a_database_from_before_has_its_builds_counted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rdo.sqlite"
    columns = (
        "id,target,package,commit_id,release_date,attempt,bootstrap,inputs,state,outcome,reason,"
        "detail,needs,rpms,ticket,created,superseded"
    )
    rows = (
        "(1,'t','a',1,86400,1,0,'','done','built',NULL,'','[]','[]','',1,0)",
        "(2,'t','a',1,86401,1,0,'','done','failed','test','','[]','[]','',1,0)",
        "(3,'t','a',1,86402,1,0,'','done','dropped',NULL,'','[]','[]','',1,0)",
    )
    make_older(
        url,
        "0015",
        "INSERT INTO commits VALUES (1,'t','a',1,'aa','dd','',1,2,NULL,'master','core','')",
        *(f"INSERT INTO builds ({columns}) VALUES {row}" for row in rows),
    )

    with Store(url) as store, store.read() as at:
        assert at.history.counts("t") == Counts(built=1, failed=1)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_backup_of_postgresql_counts_once(store: Store, postgresql: str, tmp_path: Path) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        at.builds.settle(build.id, BUILT, now=NOW)
    file = tmp_path / "backup"
    write_backup(postgresql, file)

    restore(postgresql, file, tmp_path, identity="", now=NOW)

    with Store(postgresql) as restored, restored.read() as at:
        assert at.history.counts(TARGET) == Counts(built=1)
