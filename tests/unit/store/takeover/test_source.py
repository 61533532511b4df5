"""Reading DLRN's database, as each of its migrations leaves it."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rdo.errors import ConfigError, UserError
from rdo.store.takeover.source import DlrnBuild, DlrnDatabase, DlrnPromotion, DlrnVote, Newest
from tests.unit.docs.pages import REPOSITORY

SCHEMAS: dict[str, list[str]] = json.loads(
    (REPOSITORY / "tests/data/dlrn/schemas.json").read_text()
)
COMMIT: dict[str, Any] = {
    "id": 7,
    "type": "rpm",
    "dt_commit": 1_700_000_000,
    "dt_distro": 1_700_000_100,
    "dt_extended": 0,
    "dt_build": 1_700_000_200,
    "project_name": "python-a",
    "commit_hash": 40 * "a",
    "distro_hash": 40 * "b",
    "commit_branch": "master",
    "status": "SUCCESS",
    "artifacts": "repos/aa/aa/x.src.rpm,repos/aa/aa/x.noarch.rpm",
    "rpms": "repos/aa/aa/x.src.rpm,repos/aa/aa/x.noarch.rpm",
    "notes": "OK",
    "flags": 2,
}
VOTE: dict[str, Any] = {
    "id": 3,
    "commit_id": 7,
    "ref_hash": 32 * "c",
    "ci_name": "job",
    "ci_url": "http://logs",
    "ci_vote": 1,
    "ci_in_progress": 0,
    "timestamp": 1_700_000_300,
    "notes": "well",
    "user": "ci",
}
PROMOTION: dict[str, Any] = {
    "id": 5,
    "commit_id": 7,
    "promotion_name": "tested",
    "timestamp": 1_700_000_400,
    "user": "ci",
    "aggregate_hash": 32 * "c",
}
ROWS = {
    "commits": COMMIT,
    "civotes": VOTE,
    "civotes_agg": VOTE,
    "promotions": PROMOTION,
    "users": {"username": "ci", "password": "$6$x"},
}


def database(file: Path, statements: list[str], rows: dict[str, dict[str, Any]]) -> str:
    """Make a database with a row in each table, of the columns that there are; return its URL."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        for name, row in rows.items():
            columns = {one[1] for one in connection.execute(f"PRAGMA table_info({name})")}
            if values := {key: value for key, value in row.items() if key in columns}:
                names, marks = ",".join(f'"{key}"' for key in values), ",".join("?" * len(values))
                insertion = f"INSERT INTO {name} ({names}) VALUES ({marks})"
                connection.execute(insertion, list(values.values()))
        connection.commit()
    return f"sqlite:///{file}"


@pytest.mark.parametrize("revision", SCHEMAS)
def test_each_schema_that_dlrn_has_had_is_read(revision: str, tmp_path: Path) -> None:
    number = list(SCHEMAS).index(revision)
    with DlrnDatabase(database(tmp_path / "x", SCHEMAS[revision], ROWS)) as opened:
        newest = opened.newest()
        [[commit]] = list(opened.commits(0, newest.commits))
        votes = list(opened.votes(0, newest.votes, on_aggregates=False))
        promotions = list(opened.promotions(0, newest.promotions))
        users = opened.users()

    has_api, has_users = number >= 4, number >= 6
    assert commit == DlrnBuild(
        id=7,
        kind="rpm",
        package="python-a",
        upstream_hash=40 * "a",
        distgit_hash=40 * "b",
        extended_hash=None,
        component=None,
        branch="master",
        upstream_time=1_700_000_000,
        distgit_time=1_700_000_100,
        extended_time=0,
        built=1_700_000_200,
        status="SUCCESS",
        artifacts=("repos/aa/aa/x.src.rpm", "repos/aa/aa/x.noarch.rpm"),
        notes="OK",
        is_purged=True,
    )
    user = "ci" if has_users else ""
    vote = DlrnVote(3, 7, "", "job", "http://logs", True, False, 1_700_000_300, "well", user, None)
    assert votes == ([[vote]] if has_api else [])
    aggregate = 32 * "c" if revision in list(SCHEMAS)[-3:] else ""
    promotion = DlrnPromotion(5, 7, "tested", 1_700_000_400, user, aggregate)
    assert promotions == ([[promotion]] if number >= 5 else [])
    assert users == ([("ci", "$6$x")] if has_api else [])


def test_values_of_any_kind_are_read(tmp_path: Path) -> None:
    """SQLite stores anything in any column, and strangers have written some of it."""
    commit = {
        **COMMIT,
        "dt_commit": "1700172809.0",
        "dt_distro": "x",
        "dt_build": 10**18,
        "extended_hash": "None",
        "notes": b"\xff",
        "flags": None,
        "component": "",
        "artifacts": None,
    }
    vote = {**VOTE, "ci_vote": None, "timestamp": None, "ci_url": None, "user": None}
    rows = {"commits": commit, "civotes": vote}
    with DlrnDatabase(database(tmp_path / "x", list(SCHEMAS.values())[-1], rows)) as opened:
        [[found]] = list(opened.commits(0, 100))
        [[voted]] = list(opened.votes(0, 100, on_aggregates=False))

    assert (found.upstream_time, found.distgit_time, found.built) == (1_700_172_809, 0, 0)
    assert (found.extended_hash, found.component, found.artifacts) == (None, None, ())
    assert (found.is_purged, found.notes) == (False, "\N{REPLACEMENT CHARACTER}")
    assert (voted.success, voted.timestamp, voted.url, voted.user) == (False, 0, "", "")


def test_nothing_is_read_beyond_a_moment(tmp_path: Path) -> None:
    with DlrnDatabase(database(tmp_path / "x", list(SCHEMAS.values())[-1], ROWS)) as opened:
        assert opened.newest() == Newest(7, 3, 3, 5)
        assert list(opened.commits(7, 100)) == []
        assert list(opened.commits(0, 6)) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{tmp}/none", "there is no database"),
        ("sqlite:///{tmp}/other", "is not a database of DLRN: its table commits has no id"),
        ("sqlite:///{tmp}/text", "cannot be read: file is not a database"),
        ("sqlite://", "there is no database"),
        ("oracle://x/y", "is of an unknown kind"),
        ("nonsense", "is not the URL of a database"),
        ("mysql://x:secret@127.0.0.1:1/y", "127.0.0.1:1/y"),
    ],
)
def test_what_is_no_database_of_dlrn_is_reported(url: str, said: str, tmp_path: Path) -> None:
    database(tmp_path / "other", ["CREATE TABLE commits (name TEXT)"], {})
    (tmp_path / "text").write_text("no database, but a text that is long enough" * 20)

    with pytest.raises(UserError) as raised:
        DlrnDatabase(url.format(tmp=tmp_path))

    assert said in str(raised.value)
    assert "secret" not in str(raised.value)
    assert isinstance(raised.value, ConfigError) or "127.0.0.1" in url


def test_the_database_is_not_changed(tmp_path: Path) -> None:
    folder = tmp_path / "dlrn"
    folder.mkdir()
    url = database(folder / "x", list(SCHEMAS.values())[-1], ROWS)
    before = (folder / "x").read_bytes()

    with DlrnDatabase(url) as opened:
        list(opened.commits(0, opened.newest().commits))

    assert (folder / "x").read_bytes() == before
    assert [one.name for one in folder.iterdir()] == ["x"]
