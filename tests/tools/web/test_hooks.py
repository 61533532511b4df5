"""`/hooks/NAME`: which messages are accepted or refused, and that answers reveal nothing."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served, served

SECRET = b"secret of the hook"
HOOKS = """
[hooks.any]
kind = "generic"
secret-file = "any.secret"
per-minute = 5
targets = ["{target}"]
[hooks.lost]
kind = "generic"
secret-file = "no-such-file"
"""
UPSTREAM = "https://git.example.test/python-a"


@pytest.fixture
def hooked(made: Factory, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "any.secret").write_bytes(SECRET + b"\n")
    with served(tmp_path, more=HOOKS.format(target=TARGET)) as running:
        yield running


def send(
    server: Served, hook: str = "any", secret: bytes = SECRET, body: bytes = b"", **content: Any
) -> httpx.Response:
    sent = body or json.dumps({"at": time.time(), **content}).encode()
    signature = hmac.new(secret, sent, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}"}
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.post(f"{server.url}/hooks/{hook}", content=sent, headers=headers)


def asked(server: Served, target: str = TARGET) -> list[str]:
    with server.app.store.read() as at:
        return [one.package for one in at.polls.asked(target)]


def test_a_push_is_asked_for_once_in_the_targets_of_the_hook(hooked: Served) -> None:
    body = json.dumps({"url": UPSTREAM, "at": time.time()}).encode()

    answer = send(hooked, body=body)

    assert (answer.status_code, answer.json()) == (202, {"polled": {TARGET: ["python-a"]}})
    assert (asked(hooked), asked(hooked, "other-deb12")) == (["python-a"], [])
    again = send(hooked, body=body)
    assert (again.status_code, again.json()["message"]) == (200, "this message was received before")
    assert send(hooked, url=f"{UPSTREAM}-distgit.git").status_code == 202
    assert asked(hooked) == ["python-a"]


def test_a_stranger_learns_nothing(hooked: Served) -> None:
    wrong = send(hooked, secret=b"wrong", url=UPSTREAM)
    for answer in (
        send(hooked, "no-such-hook", url=UPSTREAM),
        send(hooked, "lost", secret=b"", url=UPSTREAM),
        send(hooked, secret=b"wrong", url="https://elsewhere.example.test/x"),
        send(hooked, secret=b"wrong", body=b"not json"),
    ):
        assert (answer.status_code, answer.content) == (403, wrong.content)
    assert asked(hooked) == []
    codes = [send(hooked, secret=b"wrong", url=UPSTREAM).status_code for _ in range(20)]
    assert codes[-1] == 429
    assert send(hooked, url=UPSTREAM).status_code == 202  # who knows the secret is not held up


def test_what_is_sent_has_bounds(hooked: Served) -> None:
    assert send(hooked, url="https://elsewhere.example.test/x").status_code == 404
    assert send(hooked, body=b'{"url": "x", "at": 5}').status_code == 422
    assert send(hooked, body=b" " * 1_100_000).status_code == 413
    codes = [send(hooked, url=UPSTREAM).status_code for _ in range(4)]
    assert codes == [202, 202, 202, 429]
