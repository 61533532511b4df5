"""Webhooks of other servers: `rdo serve` and a loop of rounds are two processes."""

import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import GitRepository
from tests.e2e.trunk.test_trunk_loop import site, wait_for
from tests.patience import PATIENCE

__all__ = ("site",)
SECRET = b"a secret of the hook"
HOOKS = """
[hooks.forge]
kind = "github"
secret-file = "hook.secret"
"""


@contextlib.contextmanager
def process(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Run rdo beside the test, with its output in a file; end it as systemd would."""
    command = [sys.executable, "-m", "rdo", "-C", str(folder), *args]
    log = folder / f"{args[0]}.log"
    with (
        log.open("a") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, text=True, env={**os.environ}
        ) as it,
    ):
        try:
            yield it
        finally:
            it.send_signal(signal.SIGTERM)
            assert it.wait(60) is not None


def address(folder: Path) -> str:
    """Return where the server listens, once it does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := re.search(r"at (http://\S+)/", (folder / "serve.log").read_text()):
            return found[1]
        time.sleep(0.02)
    raise AssertionError((folder / "serve.log").read_text())


def push(url: str, repository: str, *, secret: bytes = SECRET) -> httpx.Response:
    """Tell the hook of a push as GitHub does."""
    body = json.dumps({"ref": "x", "at": time.time_ns(), "repository": {"clone_url": repository}})
    signature = hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={signature}"}
    return httpx.post(
        f"{url}/hooks/forge", content=body, headers=headers, trust_env=False, timeout=PATIENCE
    )


def commits(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / "data/rdo.sqlite")) as database:
        return [row[0] for row in database.execute("SELECT upstream_hash FROM commits ORDER BY id")]


@pytest.fixture
def hooked(site: Path) -> Path:
    (site / "hook.secret").write_bytes(SECRET + b"\n")
    with (site / "rdo.toml").open("a") as file:
        file.write(HOOKS)
    return site


def test_a_push_is_queued_and_built_while_the_loop_would_sleep(
    hooked: Path, upstream: GitRepository
) -> None:
    repos = hooked / "data/one-deb12/repos"
    with process(hooked, "serve", "--port", "0"), process(hooked, "trunk", "run", "--loop", "3600"):
        wait_for([repos / "current/repodata/repomd.xml"])
        url = address(hooked)
        assert push(url, upstream.url, secret=b"wrong").status_code == 403
        assert push(url, "https://elsewhere.example.test/x").status_code == 404

        head = upstream.commit("two")
        began = time.monotonic()
        answer = push(url, upstream.url)
        assert (answer.status_code, answer.json()) == (
            202,
            {"polled": {"one-deb12": ["python-foo"]}},
        )
        while head not in commits(hooked):
            assert time.monotonic() - began < 60
            time.sleep(0.02)
        print(f"queued after {time.monotonic() - began:.2f} s")  # noqa: T201
        wait_for([repos / head[:2] / head[2:4]])
    log = (hooked / "serve.log").read_text() + (hooked / "trunk.log").read_text()
    assert SECRET.decode() not in log
    assert "Traceback" not in log


def test_a_push_outlives_a_loop_that_is_killed(hooked: Path, upstream: GitRepository) -> None:
    repos = hooked / "data/one-deb12/repos"
    with process(hooked, "serve", "--port", "0"):
        with process(hooked, "trunk", "run", "--loop", "3600") as loop:
            wait_for([repos / "current/repodata/repomd.xml"])
            loop.send_signal(signal.SIGKILL)
            loop.wait(60)
        head = upstream.commit("two")
        assert push(address(hooked), upstream.url).status_code == 202
        assert head not in commits(hooked)
        with process(hooked, "trunk", "run", "--loop", "3600"):
            wait_for([repos / head[:2] / head[2:4]])
