"""Two processes of `rdo serve` on one PostgreSQL: each shows what the other has written."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.cli.main import run as rdo
from tests.conftest import GitRepository
from tests.e2e.repositories.test_serve import Server, serving, user_token
from tests.e2e.trunk.test_trunk_loop import CONFIG, site
from tests.postgresql import running_server
from tests.rounds.test_webhooks import Listener, listener
from tests.unpacked import NotFetchedError

__all__ = ["listener", "site"]  # fixtures

TARGET = "one-deb12"
API = f"/api/v1/targets/{TARGET}"
JOBS = 20


@pytest.fixture
def factory(site: Path, listener: Listener) -> Iterator[Path]:
    """A factory with its database on a server; it has published a commit, and has two webhooks."""
    try:
        with running_server(is_fetched=True) as server:
            settings = (site / "rdo.toml").read_text()
            assert 'data = "data"\n' in CONFIG
            settings = settings.replace("data =", f'database = "{server.url}"\ndata =', 1)
            hooks = f'[hooks.github]\nkind = "github"\nsecret-file = "{site}/secret"\n'
            hooks += f'[webhooks.chat]\nurl = "{listener.url}"\n'
            (site / "secret").write_text("key\n")
            (site / "rdo.toml").write_text(f"{settings}{hooks}")
            assert rdo(["-C", str(site), "trunk", "run"]) == 0
            yield site
    except NotFetchedError as error:
        pytest.skip(str(error))


@pytest.fixture
def servers(factory: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(factory)) for _ in range(2)]


def ask(server: Server, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.request(
        method, f"{server.url}{path}", headers=headers, trust_env=False, timeout=60, **more
    )


def test_a_login_and_its_revocation_hold_on_both(
    factory: Path, servers: list[Server], capsys: pytest.CaptureFixture[str]
) -> None:
    token = user_token(factory, capsys, "reader")
    path = f"/{TARGET}/api/health"
    before = [ask(server, "POST", path, token).status_code for _ in range(3) for server in servers]

    assert rdo(["-C", str(factory), "user", "token", "--revoke", "1"]) == 0

    after = [ask(server, "POST", path, token).status_code for server in servers]
    assert (set(before), after) == ({200}, [401, 401])


def test_votes_on_both_at_once_are_all_there_on_both(
    factory: Path, servers: list[Server], capsys: pytest.CaptureFixture[str]
) -> None:
    token = user_token(factory, capsys, "ci")

    def vote(server: Server, first: int) -> None:
        for number in range(first, first + JOBS):
            cast = {"repository": "current", "job": f"job-{number}", "verdict": "success"}
            codes.append(ask(server, "POST", f"{API}/votes", token, json=cast).status_code)

    codes: list[int] = []
    threads = [
        threading.Thread(target=vote, args=(server, JOBS * number))
        for number, server in enumerate(servers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [201] * (2 * JOBS)
    listed = [ask(server, "GET", f"{API}/votes?limit=100").json()["items"] for server in servers]
    assert listed[0] == listed[1]
    own = {one["job"] for one in listed[0] if one["job"].startswith("job-")}
    assert own == {f"job-{number}" for number in range(2 * JOBS)}


def test_a_message_that_both_receive_is_polled_once(
    factory: Path, servers: list[Server], upstream: GitRepository
) -> None:
    body = json.dumps({"repository": {"clone_url": upstream.url}, "ref": "refs/heads/master"})
    signature = hmac.new(b"key", body.encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "0f6f2f60-1",
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }

    answers = [
        httpx.post(
            f"{server.url}/hooks/github", content=body, headers=headers, trust_env=False, timeout=60
        )
        for server in (*servers, *servers)
    ]

    assert [one.status_code for one in answers] == [202, 200, 200, 200], answers[0].text


def test_two_rounds_beside_two_servers_tell_a_failure_once(
    factory: Path, upstream: GitRepository, listener: Listener
) -> None:
    settings = (factory / "rdo.toml").read_text()
    broken = settings.replace('command = ["cp"', 'command = ["false"')
    assert broken != settings
    (factory / "rdo.toml").write_text(broken)
    upstream.commit("two")
    with (
        serving(factory, "--with-trunk", "--every", "1") as one,
        serving(factory, "--with-trunk", "--every", "1") as two,
    ):
        failed = f"{API}/builds?outcome=failed"
        for _ in range(600):
            if ask(two, "GET", failed).json()["items"] and listener.posts:
                break
            threading.Event().wait(0.5)
        for _ in range(3):  # and the rounds go on meanwhile
            threading.Event().wait(1)
        assert ask(one, "GET", failed).json() == ask(two, "GET", failed).json()
        assert (one.end(), two.end()) == (0, 0), one.log + two.log

    keys = [headers["X-RDO-Delivery"] for headers, _ in listener.posts]
    assert len(keys) == len(set(keys)) == 1, keys
    assert "Traceback" not in one.log + two.log
