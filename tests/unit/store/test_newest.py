"""A target that rests: its newest rows are found, whatever others have built since."""

import re

import pytest
from sqlalchemy import event, insert, text

from rdo.store import Store
from rdo.store.given.votes import VoteFilter
from rdo.store.schema import Base, BuildRow, CommitRow, MoveRow, RepositoryRow, VoteRow
from rdo.store.work.history import BuildFilter
from tests.unit.store.samples import TARGET

EACH = 2000
REMOVED = re.compile(r"Rows Removed by Filter: (\d+)")


def write_history(store: Store) -> None:
    """Give a target, then another one, its rows, and let the server count them."""
    targets = [TARGET] * EACH + ["busy"] * EACH
    rows: dict[type[Base], list[dict[str, object]]] = {
        CommitRow: [
            {
                "id": number,
                "target": target,
                "package": "a",
                "position": number,
                "upstream_hash": f"{number:x}",
                "distgit_hash": "d",
                "extended_hash": "",
                "upstream_time": 1,
                "distgit_time": 1,
                "upstream_branch": "",
            }
            for number, target in enumerate(targets, 1)
        ],
        BuildRow: [
            {
                "id": number,
                "target": target,
                "package": "a",
                "commit_id": number,
                "release_date": number,
                "attempt": 1,
                "bootstrap": False,
                "inputs": "",
                "state": "done",
                "detail": "",
                "needs": "[]",
                "rpms": "[]",
                "ticket": "",
                "created": 1,
                "superseded": False,
            }
            for number, target in enumerate(targets, 1)
        ],
        RepositoryRow: [
            {
                "id": number,
                "target": target,
                "component": "",
                "path": "",
                "build_id": number,
                "digest": "",
                "created": 1,
            }
            for number, target in enumerate(targets, 1)
        ],
        MoveRow: [
            {
                "id": number,
                "target": target,
                "component": "",
                "name": "tested",
                "new_id": number,
                "moved": 1,
                "moved_by": "",
                "why": "",
            }
            for number, target in enumerate(targets, 1)
        ],
        VoteRow: [
            {
                "id": number,
                "target": target,
                "build_id": number,
                "component": "",
                "job": "tempest",
                "success": True,
                "in_progress": False,
                "timestamp": 1,
                "created": 1,
                "url": "",
                "notes": "",
                "user": "ci",
            }
            for number, target in enumerate(targets, 1)
        ],
    }
    with store.write() as at:
        for table, values in rows.items():
            at.builds.session.execute(insert(table), values)
        at.builds.session.execute(text("ANALYZE"))


def test_the_newest_rows_of_a_target_that_rests(store: Store) -> None:
    write_history(store)

    with store.read() as at:
        pages = [
            [number for number, _ in at.commits.listed(TARGET, limit=2)],
            [number for number, _ in at.commits.listed(TARGET, package="a", limit=2)],
            [one.id for one in at.history.listed(TARGET, limit=2)],
            [one.id for one in at.history.listed(TARGET, BuildFilter(package="a"), limit=2)],
            [one.id for one in at.votes.listed(TARGET, limit=2)],
            [one.id for one in at.votes.listed(TARGET, VoteFilter(job="tempest"), limit=2)],
            [one.id for one in at.names.promotions(TARGET, limit=2)],
            [one.id for one in at.names.promotions(TARGET, name="tested", limit=2)],
            [one.new_id for one in at.names.history(TARGET, None, "tested", limit=2)],
        ]
        before = [one.id for one in at.history.listed(TARGET, before=EACH, limit=2)]
        last = at.names.last_move_id(TARGET, "tested")

    assert pages == [[EACH, EACH - 1]] * len(pages)
    assert before == [EACH - 1, EACH - 2]
    assert last == EACH


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_postgresql_does_not_read_what_other_targets_have_since(store: Store) -> None:
    write_history(store)
    asked: list[tuple[str, object]] = []
    event.listen(store._engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))

    with store.read() as at:
        at.commits.listed(TARGET)
        at.commits.listed(TARGET, before=EACH)
        at.history.has_builds(TARGET)
        at.history.listed(TARGET)
        at.history.listed(TARGET, BuildFilter(package="a"), before=EACH)
        at.votes.listed(TARGET)
        at.votes.listed(TARGET, VoteFilter(job="tempest", success=True))
        at.votes.listed(TARGET, VoteFilter(user="ci", on_build=True))
        at.names.promotions(TARGET)
        at.names.promotions(TARGET, name="tested")
        at.names.history(TARGET, None, "tested")
        at.names.last_move_id(TARGET, "tested")
        questions = [one for one in asked if one[0].startswith("SELECT")]
        plans = {
            statement: "\n".join(
                at.builds.session.connection()
                .exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", parameters)  # type: ignore[arg-type]
                .scalars()
            )
            for statement, parameters in questions
        }

    assert len(plans) == 11
    assert {plan for plan in plans.values() if sum(map(int, REMOVED.findall(plan))) > 0} == set()
