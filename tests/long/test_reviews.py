"""Review CI: open changes of a Gerrit are built with what depends on them, and voted on."""

import hashlib
import hmac
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import GitRepository
from tests.e2e.command import needs_roots
from tests.e2e.distribution import TARGET, Distribution
from tests.e2e.trunk.test_hooks import SECRET, address, process
from tests.e2e.trunk.test_try import clone
from tests.fakes import gerrit_rest
from tests.fakes.gerrit_rest import PASSWORD, USER, GerritServer
from tests.patience import PATIENCE

pytestmark = needs_roots

CONFIG = """
[hooks.review]
kind = "gerrit"
secret-file = "hook.secret"
repositories = ["file://{upstreams}"]
[reviews.review]
kind = "gerrit"
url = "{url}"
user = "{user}"
password-file = "gerrit.password"
repositories = ["file://{upstreams}"]
"""


@pytest.fixture(scope="module")
def gerrit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GerritServer]:
    with gerrit_rest.running(tmp_path_factory.mktemp("gerrit")) as server:
        yield server


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory, gerrit: GerritServer) -> Distribution:
    """Two built packages; the upper one imports a name of the lower one."""
    folder = tmp_path_factory.mktemp("reviews")
    (folder / "hook.secret").write_bytes(SECRET)
    (folder / "gerrit.password").write_text(f"{PASSWORD}\n")
    text = CONFIG.format(url=gerrit.url, user=USER, upstreams=folder / "upstream")
    made = Distribution(folder, settings=("", text))
    made.add("lowermod")
    made.add("uppermod", "lowermod")
    made.release("uppermod", "1.1", "lowermod", code="from lowermod import version as lower")
    made.run()
    return made


def change(
    factory: Distribution, gerrit: GerritServer, number: int, name: str, code: str, message: str
) -> GitRepository:
    """Open a change of an upstream that replaces its module."""
    work = clone(factory, name, factory.folder / f"work-{number}-{time.monotonic_ns()}")
    work.commit(message, {f"{name}/__init__.py": code})
    gerrit.propose(number, name, work, message)
    return work


def tell(url: str, body: bytes) -> httpx.Response:
    """Tell the hook of an event as Gerrit does."""
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}"}
    return httpx.post(
        f"{url}/hooks/review", content=body, headers=headers, trust_env=False, timeout=PATIENCE
    )


def reviews(factory: Distribution) -> dict[int, Any]:
    """The newest review of each change, by its number."""
    rows = factory.rdo("review", "list", "--json").json
    return {row["number"]: row for row in reversed(rows)}


def votes(gerrit: GerritServer, number: int) -> list[dict[str, Any]]:
    return [content for voted, _, content in gerrit.votes if voted == number]


def test_a_change_is_built_with_its_dependents_and_voted_on(
    factory: Distribution, gerrit: GerritServer
) -> None:
    change(factory, gerrit, 41, "lowermod", "version = 'good'\n", "a good change")
    change(factory, gerrit, 42, "lowermod", "other = 1\n", "remove the version")
    with process(factory.folder, "serve", "--port", "0"):
        url = address(factory.folder)
        for number in (41, 42):
            assert tell(url, gerrit.event(number)).status_code == 202
        elsewhere = gerrit.event(41).replace(b'"lowermod"', b'"unknown"')
        assert tell(url, elsewhere).status_code == 404

    done = factory.rdo("review", "run")

    assert done.code == 0, done.stderr
    [good], [bad] = votes(gerrit, 41), votes(gerrit, 42)
    assert good["labels"] == {"Verified": 1}
    assert bad["labels"] == {"Verified": -1}
    assert "python-lowermod, change: built" in bad["message"]
    assert "it breaks python-uppermod" in bad["message"]
    row = reviews(factory)[42]
    assert f"/{TARGET}/reviews/{row['id']}" in bad["message"]
    shown = factory.rdo("review", "show", row["id"], "--json").json
    assert [(one["package"], one["outcome"]) for one in shown["builds"]] == [
        ("python-lowermod", "built"),
        ("python-uppermod", "failed"),
    ]
    assert PASSWORD not in done.stderr + (factory.folder / "serve.log").read_text()


def test_what_a_change_depends_on_is_built_first(
    factory: Distribution, gerrit: GerritServer
) -> None:
    uses = "from lowermod import newname\n"
    change(factory, gerrit, 51, "lowermod", "version = newname = 'x'\n", "add a name")
    needs = f"use it\n\nDepends-On: {gerrit.address(51)}\n"
    change(factory, gerrit, 52, "uppermod", uses, needs)
    stray = "use it\n\nDepends-On: http://127.0.0.1:9/c/x/+/1\n"
    change(factory, gerrit, 54, "uppermod", uses, stray)
    for number in (52, 54):
        assert factory.rdo("review", "add", gerrit.address(number)).code == 0

    done = factory.rdo("review", "run")

    assert done.code == 0, done.stderr
    found = {number: votes(gerrit, number)[0]["labels"]["Verified"] for number in (52, 54)}
    assert found == {52: 1, 54: -1}  # without the first change there is no such name
    assert "not a change on a server that is configured" in votes(gerrit, 54)[0]["message"]
    unknown = factory.rdo("review", "add", "https://elsewhere.example.test/c/x/+/1")
    assert unknown.code != 0


def test_a_killed_run_goes_on_and_a_newer_patch_set_supersedes(
    factory: Distribution, gerrit: GerritServer
) -> None:
    change(factory, gerrit, 61, "lowermod", "version = 'one'\n", "a change")
    assert factory.rdo("review", "add", gerrit.address(61)).code == 0
    first = reviews(factory)[61]["id"]
    command = [sys.executable, "-m", "rdo", "-C", str(factory.folder), "review", "run"]
    with subprocess.Popen(command, env={**os.environ}) as run:
        wait_until(lambda: reviews(factory)[61]["state"] == "running")
        run.send_signal(signal.SIGKILL)
    assert reviews(factory)[61]["state"] == "running"

    with subprocess.Popen(command, env={**os.environ}) as run:
        wait_until(lambda: reviews(factory)[61]["attempt"] == 2)
        change(factory, gerrit, 61, "lowermod", "version = 'two'\n", "a better change")
        assert factory.rdo("review", "add", gerrit.address(61)).code == 0
        assert run.wait(600) == 0

    rows = [one for one in factory.rdo("review", "list", "--json").json if one["number"] == 61]
    states = {one["id"]: one["state"] for one in rows}
    assert states.pop(first) == "superseded"
    assert list(states.values()) == ["done"]
    [(_, revision, content)] = [one for one in gerrit.votes if one[0] == 61]
    assert (revision, content["labels"]) == (gerrit.changes[61].patch_sets[-1], {"Verified": 1})
    assert not list((factory.folder / "data/tmp").glob("try-*"))


def wait_until(condition: Any, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
