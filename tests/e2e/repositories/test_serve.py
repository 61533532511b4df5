"""The real `rdo serve` with repositories that a real round has published."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.app import App
from rdo.cli.main import run as rdo
from tests.conftest import GitRepository
from tests.e2e.trunk.test_trunk_loop import site, wait_for
from tests.patience import PATIENCE

__all__ = ["site"]  # the fixture

ADDRESS = re.compile(r"serving .* at (http://\S+?)/\n")


@dataclass
class Server:
    """A running `rdo serve`."""

    process: subprocess.Popen[str]
    url: str
    log: str = ""

    def end(self) -> int:
        """Tell it to end, as systemd does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=300)
        self.log += log
        return self.process.returncode


@contextlib.contextmanager
def serving(folder: Path, *args: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "rdo", "-C", str(folder), "serve", "--port", "0", *args]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stderr
    server = Server(process, "")
    with process:
        try:
            for line in process.stderr:
                server.log += line
                if found := ADDRESS.search(line):
                    server.url = found[1]
                    break
            assert server.url, server.log
            yield server
        finally:
            if process.poll() is None:
                process.kill()


def rounds_of(server: Server) -> int:
    """Return the number of the process beside a server that runs rounds, once there is one."""
    children = Path(f"/proc/{server.process.pid}/task")
    deadline = time.monotonic() + 120
    while True:
        for task in children.iterdir():
            for number in (task / "children").read_text().split():
                if b"--loop" in Path(f"/proc/{number}/cmdline").read_bytes():
                    return int(number)
        assert time.monotonic() < deadline, "no rounds"
        time.sleep(0.05)


def test_one_process_serves_and_runs_rounds_and_both_end_in_order(
    site: Path, upstream: GitRepository
) -> None:
    repos = site / "data/one-deb12/repos"
    App(site).store.close()
    with serving(site, "--with-trunk", "--every", "1") as server:
        wait_for([repos / "current/repodata/repomd.xml"])
        first = rounds_of(server)
        os.kill(first, signal.SIGKILL)
        while (again := rounds_of(server)) == first:
            time.sleep(0.05)
        health = httpx.get(f"{server.url}/api/health", trust_env=False, timeout=PATIENCE)
        head = upstream.commit("two")
        wait_for([repos / head[:2] / head[2:4]])
        metrics = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=PATIENCE).text
        code = server.end()

    assert (code, health.json()) == (0, {"result": "ok"}), server.log
    assert not Path(f"/proc/{again}").exists()
    assert "rounds: killed by signal 9; starting again" in server.log
    assert "rdo_rounds_running 1.0" in metrics
    assert "rdo_rounds_starts_total 2.0" in metrics
    assert "Traceback" not in server.log
    # the round that was killed may have been writing a page
    rdo(["-C", str(site), "trunk", "verify", "--repair"])
    assert rdo(["-C", str(site), "trunk", "verify"]) == 0


def user_token(folder: Path, capsys: pytest.CaptureFixture[str], role: str) -> str:
    assert rdo(["-C", str(folder), "user", "add", role, "--role", role]) == 0
    capsys.readouterr()
    assert rdo(["-C", str(folder), "user", "token", role]) == 0
    return capsys.readouterr().out.strip()


@pytest.fixture
def built(site: Path, upstream: GitRepository) -> Path:
    assert rdo(["-C", str(site), "trunk", "run"]) == 0
    return site


def test_it_answers_and_ends_in_order(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = user_token(built, capsys, "reader")
    with serving(built) as server:
        health = httpx.get(f"{server.url}/one-deb12/api/health", trust_env=False, timeout=PATIENCE)
        at_the_top = httpx.post(
            f"{server.url}/api/health",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=PATIENCE,
        )
        code = server.end()

    assert (health.json(), at_the_top.json()) == ({"result": "ok"}, {"result": "ok"})
    assert code == 0, server.log
    assert "GET '/one-deb12/api/health' 200" in server.log
    assert token not in server.log


def test_a_second_server_on_the_port_says_that_it_is_taken(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(built) as server:
        port = server.url.rpartition(":")[2]

        assert rdo(["-C", str(built), "serve", "--port", port]) == 5

    assert f"port {port} of 127.0.0.1 is taken" in capsys.readouterr().err


def test_a_database_that_is_gone_is_reported_at_once(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (built / "data/rdo.sqlite").unlink()

    assert rdo(["-C", str(built), "serve", "--port", "0"]) == 2

    assert "does not exist" in capsys.readouterr().err


def test_a_database_that_is_lost_while_it_serves_is_told_to_clients(built: Path) -> None:
    with serving(built) as server:
        (built / "data/rdo.sqlite").unlink()
        answer = httpx.get(f"{server.url}/api/health", trust_env=False, timeout=PATIENCE)

    assert answer.status_code == 503
    assert "was removed" in answer.json()["message"]


def test_users_are_shown_without_what_is_secret(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = user_token(built, capsys, "ci")

    assert rdo(["-C", str(built), "user", "list", "--json"]) == 0
    users = capsys.readouterr().out
    assert rdo(["-C", str(built), "user", "token", "--list", "--json"]) == 0
    tokens = capsys.readouterr().out
    assert rdo(["-C", str(built), "user", "audit"]) == 0

    assert [one["name"] for one in json.loads(users)] == ["ci"]
    assert token not in users + tokens + capsys.readouterr().out
    assert "digest" not in tokens


def dlrnapi(server: Server, token: str, *args: str) -> tuple[int, Any]:
    """Run DLRN's own client; return its exit code and the JSON that it printed."""
    program = Path(sys.executable).with_name("dlrnapi")
    done = subprocess.run(
        [str(program), "--url", server.url, "-u", "admin", "-p", token, *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, done.stdout + done.stderr


def test_the_client_of_dlrn_does_what_it_does_with_dlrn(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = user_token(built, capsys, "admin")
    versions = (built / "data/one-deb12/repos/current/versions.csv").read_text().splitlines()
    row = dict(zip(versions[0].split(","), versions[1].split(","), strict=True))
    commit, distro = row["Source Sha"], row["Dist Sha"]
    hashes = ("--commit-hash", commit, "--distro-hash", distro)
    with serving(built) as server:

        def ask(*args: str) -> Any:
            code, answer = dlrnapi(server, token, *args)
            assert code == 0, answer
            return answer

        assert ask("repo-get", "--max-age", "0")["job_id"] == "consistent"
        report: tuple[str, ...] = (
            "report-result",
            "--job-id",
            "job",
            "--info-url",
            "http://logs.example.test",
        )
        report = (*report, "--timestamp", "1700000000", "--success", "true")
        assert ask(*report, *hashes)["success"] is True
        assert ask("repo-get", "--max-age", "0", "--job-id", "job")["commit_hash"] == commit
        used = ask("repo-use", "--max-age", "0", "--reporting-job-id", "next")
        assert (used["job_id"], used["in_progress"]) == ("next", True)
        votes = ask("repo-status", *hashes)
        assert [one["job_id"] for one in votes] == ["consistent", "job", "next"]
        good = ask("repo-status", *hashes, "--success", "true")
        assert [one["job_id"] for one in good] == ["consistent", "job"]
        promoted = ask("repo-promote", *hashes, "--promote-name", "tested")
        assert promoted["repo_hash"] == f"{commit}_{distro[:8]}"
        batch = ("--hash-pairs", f"{commit}_{distro}", "--promote-name", "green")
        assert ask("repo-promote-batch", *batch)["promote_name"] == "green"
        listed = ask("promotion-get", "--promote-name", "tested")
        assert [one["repo_url"] for one in listed] == [promoted["repo_url"]]
        assert ask("agg-status", "--agg-hash", "none") == []
        dates = ("--start-date", "2020-01-01", "--end-date", "2100-01-01")
        assert ask("build-metrics", *dates)["succeeded"] == 1
        code, said = dlrnapi(server, token, "repo-promote", *hashes, "--promote-name", "current")
        assert (code, "Invalid promote_name current" in said) == (1, True)
        code, said = dlrnapi(server, "wrong", *report, *hashes)
        assert (code, "(401)" in said) == (1, True)
        assert server.end() == 0

    assert (built / "data/one-deb12/repos/tested").resolve().name == promoted["repo_hash"]
    assert token not in server.log
