"""Machine faults in a server: a clear answer to the client, and no traceback."""

import contextlib
import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rdo.access.roles import Role
from rdo.app import App
from rdo.store import Store
from rdo.trunk.care.acks import acknowledge
from rdo.trunk.context import open_trunk
from tests.databases import needs_a_file
from tests.disk import Disk
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served, served, serving

API = f"/api/v1/targets/{TARGET}"
VOTE = {"repository": "current", "job": "tempest", "verdict": "success"}
NEEDS_MOUNT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO):
        yield
    assert "Traceback" not in caplog.text
    assert "a bug" not in caplog.text


def is_away(answer: httpx.Response, words: str) -> None:
    """Check that an answer says to come back, and why."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert words in answer.json()["message"]


@contextlib.contextmanager
def logged_in(server: Served, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=120) as client:
        yield client


def test_a_database_that_somebody_holds_is_503_for_who_writes_and_is_read_by_all(
    made: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_a_file()
    monkeypatch.setattr("rdo.store.database.sqlite_file.BUSY_SECONDS", 1)
    with served(tmp_path) as server, logged_in(server, server.token(Role.CI)) as client:
        assert client.post(f"{API}/votes", json=VOTE).status_code == 201
        with contextlib.closing(sqlite3.connect(tmp_path / "rdo.sqlite")) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            writers = [
                threading.Thread(
                    target=lambda: answers.append(client.post(f"{API}/votes", json=VOTE))
                )
                for _ in range(20)  # more than there are connections
            ]
            answers: list[httpx.Response] = []
            for writer in writers:
                writer.start()
            read = client.get(f"{API}/builds")
            for writer in writers:
                writer.join()
            other.execute("ROLLBACK")
        after = client.post(f"{API}/votes", json=VOTE)

    for answer in answers:
        is_away(answer, "lock")
    assert (len(answers), read.status_code, after.status_code) == (20, 200, 201)


def test_a_database_that_is_gone_is_503_on_every_way(
    made: Factory, server: Served, tmp_path: Path
) -> None:
    needs_a_file()
    token = server.token(Role.CI)
    (tmp_path / "rdo.sqlite").unlink()
    with logged_in(server, token) as client:
        for method, path in (
            ("GET", f"{API}/builds"),
            ("POST", f"{API}/votes"),
            ("GET", f"/{TARGET}/api/promotions"),
            ("POST", f"/{TARGET}/api/report_result"),
            ("GET", "/api/v1/health"),
        ):
            is_away(client.request(method, path, json=VOTE), "was removed")
        page = client.get(f"/{TARGET}/index.html", headers={"Accept": "text/html"})
        metrics = client.get("/metrics")

    assert page.status_code == 503
    assert "Not available" in page.text
    assert metrics.status_code == 503


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "small")
    made.mount("8m")
    yield made
    subprocess.run(["umount", "--lazy", made.place], check=True)


@NEEDS_MOUNT
def test_a_full_disk_is_503_and_changes_nothing(made: Factory, tmp_path: Path, disk: Disk) -> None:
    needs_a_file()
    made.store.close()
    for name in ("data", "rdo.sqlite"):
        shutil.move(tmp_path / name, disk.place / name)
    with served(disk.place) as server:
        tokens = [server.token(role) for role in (Role.CI, Role.PROMOTER)]
        move = {"name": "tested", "repository": "current", "because": "it works"}
        acts = list(zip(tokens, (("votes", VOTE), ("promotions", move)), strict=True))

        def act() -> list[httpx.Response]:
            answers = []
            for token, (path, content) in acts:
                with logged_in(server, token) as client:
                    answers.append(client.post(f"{API}/{path}", json=content))
            return answers

        disk.fill()
        refused = act()
        names = httpx.get(f"{server.url}{API}", trust_env=False, timeout=PATIENCE).json()["names"]
        disk.free()
        done = act()

    for answer in refused:
        is_away(answer, "space")
    assert done[0].status_code == done[1].status_code == 201, [one.text for one in done]
    assert "tested" not in names


def test_a_repository_whose_folder_is_gone_is_reported(
    made: Factory, server: Served, tmp_path: Path
) -> None:
    made.publish("python-a", "aa22", "1.1")
    gone = made.tree.repos / "aa/11"
    [path] = [one.relative_to(made.tree.repos) for one in gone.iterdir()]
    shutil.rmtree(gone)
    with logged_in(server, server.token(Role.PROMOTER)) as client:
        listed = client.get(f"{API}/repositories")
        moved = client.post(
            f"{API}/promotions",
            json={"name": "tested", "repository": str(path), "because": "it was good"},
        )
        answers = [
            client.get(f"{API}/diff", params={"before": str(path), "after": "current"}),
            client.get(f"{API}/checks", params={"repository": str(path)}),
            client.get(f"{API}/promotions/new/explain", params={"candidate": str(path)}),
            client.get(f"{API}/commits/{'aa11'.ljust(40, '0')}/repositories"),
            client.get(f"/{TARGET}/repositories/1.html"),
            client.get(f"/{TARGET}/index.html"),
            client.get(f"/{TARGET}/builds/1.html"),
        ]

    assert listed.status_code == 200
    assert moved.status_code == 404, moved.text
    assert "was removed" in moved.json()["message"]
    assert {one.status_code for one in answers} <= {200, 404}, [one.text for one in answers]
    assert not (made.tree.repos / "tested").exists()


@contextlib.contextmanager
def somebody() -> Iterator[socket.socket]:
    """A place inside that nobody outside may reach; what connects to it is told by `accept`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        yield listener


def test_no_address_of_a_client_is_asked(
    made: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither that of a review, nor of a push, nor of an import, nor of a vote."""
    (tmp_path / "secret").write_text("s3cret")
    hook = '[hooks.lab]\nkind = "gitlab"\nsecret-file = "secret"\n'
    with (
        served(tmp_path, more=hook) as server,
        somebody() as inside,
        logged_in(server, server.token(Role.ADMIN)) as client,
    ):
        url = f"http://127.0.0.1:{inside.getsockname()[1]}/x"
        push = {
            "object_kind": "push",
            "project": {"git_http_url": url, "git_ssh_url": url, "web_url": url},
        }
        token = {"X-Gitlab-Token": "s3cret", "X-Gitlab-Event": "Push Hook"}
        answers = [
            client.post(f"{API}/reviews", json={"url": url}),
            client.post("/hooks/lab", json=push, headers=token),
            client.post(f"/{TARGET}/api/remote/import", json={"repo_url": url}),
            client.post(f"{API}/votes", json={**VOTE, "url": url}),
        ]
        with pytest.raises(TimeoutError):
            inside.accept()

    assert [one.status_code for one in answers] == [404, 404, 403, 201], [x.text for x in answers]


def killed_after(root: Path, commits: int) -> bool:
    """Say that somebody is on a package, killed after so many commits; whether it was killed."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    try:
        left = iter(range(commits))
        commit = Store._commit

        def commit_or_die(self: Store, connection: object) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), 9)
            commit(self, connection)  # type: ignore[arg-type]  # the connection that it was given

        Store._commit = commit_or_die  # type: ignore[method-assign]
        acknowledge(open_trunk(App(root), TARGET), "python-b", by="ann", why="mine")
        os._exit(0)
    finally:
        os._exit(1)


def test_an_ack_that_is_killed_is_there_or_not(
    made: Factory, server: Served, tmp_path: Path
) -> None:
    server.app.close()
    kills = 0
    while killed_after(tmp_path, kills):
        kills += 1
        with serving(App(tmp_path)) as again:
            known = httpx.get(
                f"{again.url}{API}/packages/python-b/ack", trust_env=False, timeout=PATIENCE
            )
        assert known.status_code == 200
        assert known.json() is None or known.json()["by"] == "ann"

    with serving(App(tmp_path)) as again:
        known = httpx.get(
            f"{again.url}{API}/packages/python-b/ack", trust_env=False, timeout=PATIENCE
        )
    assert kills > 0
    assert (known.json()["by"], known.json()["why"]) == ("ann", "mine")
