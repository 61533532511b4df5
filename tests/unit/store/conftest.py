import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rdo.store import Store
from rdo.store.schema import Base

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a real server on a socket of its own, with one empty database."""
    if not POSTGRES or os.geteuid() != 0:
        pytest.skip("PostgreSQL is not installed, or nobody may become its user")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="rdo-postgresql-"))
    shutil.chown(folder, "postgres")
    as_postgres = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")

    def server(program: str, *args: str) -> None:
        command = (*as_postgres, str(POSTGRES[0] / program), "-D", str(folder / "data"), *args)
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        server("initdb", "--auth=trust", "--username=rdo", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        server("pg_ctl", "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://rdo@/postgres?host={folder}"
        finally:
            server("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "sqlite":
        with Store.temporary() as opened:
            yield opened
        return
    url = request.getfixturevalue("postgresql")
    with Store(url) as opened:
        tables = ", ".join(Base.metadata.tables)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        engine.dispose()
        yield opened
