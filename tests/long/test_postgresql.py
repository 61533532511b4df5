"""The suites of the store's users on a server of PostgreSQL: they pass there as on SQLite."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import VARIABLE
from tests.long.conftest import UNRAISABLE
from tests.postgresql import Server, running_server
from tests.unpacked import NotFetchedError

REPOSITORY = Path(__file__).parents[2]
SUITES = ("tests/unit/store", "tests/tools/dlrn", "tests/tools/web")
"""The store and the API: all that is asked of a database in words of its own."""
FURTHER = ("tests/tools/promotion", "tests/tools/publish")
"""They call the same functions of the store, and are mostly about folders, dnf and rpm."""
FURTHER_TOO = "RDO_TEST_FURTHER_SUITES"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with running_server(is_fetched=True) as started:
            yield started
    except NotFetchedError as error:
        pytest.skip(str(error))


_only_if_asked = pytest.mark.skipif(
    FURTHER_TOO not in os.environ, reason=f"a quarter of an hour; {FURTHER_TOO}=1 asks for it"
)


@pytest.mark.parametrize(
    "suite", [*SUITES, *(pytest.param(one, marks=_only_if_asked) for one in FURTHER)]
)
def test_a_suite_passes_on_postgresql(server: Server, suite: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        UNRAISABLE,
        "-m",
        "not slow",
        suite,
    ]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | {VARIABLE: str(server.folder)},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert re.search(r"\d{2,} passed", done.stdout), done.stdout
    made = server.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 't%'")
    assert suite == "tests/unit/store" or int(made) > 10, "the suite did not use the server"
