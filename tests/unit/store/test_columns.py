"""Rows that are only read."""

import pytest
from sqlalchemy import select, text

from rdo.store import Store
from rdo.store.columns import columns_of
from rdo.store.schema import Base, BuildRow, CommitRow
from tests.unit.store.samples import NOW, TARGET, commit


def test_columns_are_those_of_the_row_and_no_object_of_the_session(store: Store) -> None:
    with store.write() as at:
        at.builds.plan(TARGET, commit(), now=NOW)
    query = select(columns_of(CommitRow), columns_of(BuildRow)).outerjoin(
        BuildRow, (BuildRow.commit_id == CommitRow.id) & (BuildRow.state == "done")
    )

    with store.read() as at:
        session = at.builds.session
        [(columns, nothing)] = session.execute(query).all()
        kept = len(session.identity_map)
        row = session.scalars(select(CommitRow)).one()
        names = CommitRow.__table__.columns.keys()

        assert nothing is None
        assert kept == 0
        assert columns == tuple(getattr(row, name) for name in names)
        assert columns.upstream_hash == row.upstream_hash


def test_the_first_column_of_each_table_is_never_null() -> None:
    # which is how an outer join's missing row is recognised
    assert {
        name for name, table in Base.metadata.tables.items() if next(iter(table.columns)).nullable
    } == set()


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_postgresql_prepares_what_is_asked_again_and_again(store: Store) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%builds%'")

    for _ in range(9):
        with store.read() as at:
            at.history.get(TARGET, 1)
    with store.read() as at:
        count = at.builds.session.scalar(prepared)

    assert count == 1
