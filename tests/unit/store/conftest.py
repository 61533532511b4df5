import os
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from rdo.store import Store
from rdo.store.schema import Base
from tests.databases import VARIABLE
from tests.postgresql import Server, running_server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with running_server(is_fetched=VARIABLE in os.environ) as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: Server) -> str:
    """The URL of a database with empty tables."""
    Store(postgresql_server.url).close()
    engine = create_engine(postgresql_server.url)
    with engine.begin() as connection:
        tables = ", ".join(Base.metadata.tables)
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return postgresql_server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "sqlite":
        with Store.temporary() as opened:
            yield opened
        return
    with Store(request.getfixturevalue("postgresql")) as opened:
        yield opened
