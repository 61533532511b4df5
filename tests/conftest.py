import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from rdo import http_retry

# One profile for all property tests. It measures no time, since a loaded machine is no fault of
# the code, and tries the same examples each time, so that a change fails for what it changed.
settings.register_profile(
    "rdo",
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,  # the fixtures of these tests are not changed by them
    ],
)
settings.load_profile("rdo")

COMMITTER = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Test"), ("EMAIL", "test@example.test"))
}


def pytest_configure() -> None:
    """Let Ctrl-C end the tests even if a shell started them in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class GitRepository:
    """A real git repository with a work tree, for use as an upstream or a distgit."""

    def __init__(self, path: Path, branch: str = "master") -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", f"--initial-branch={branch}")

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def git(self, *args: str, **env: str) -> str:
        command = ["git", "-C", str(self.path), *args]
        # Fixtures of a module run before the environment of a test is sealed.
        sealed = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **COMMITTER}

        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=sealed | os.environ | env
        )
        return done.stdout.strip()

    def commit(
        self, subject: str, files: dict[str, str] | None = None, when: int | None = None
    ) -> str:
        """Write `files` (path -> text), commit everything, and return the hash."""
        for name, text in (files or {}).items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all")
        stamp = {"GIT_AUTHOR_DATE": f"{when} +0000", "GIT_COMMITTER_DATE": f"{when} +0000"}
        self.git(
            "commit", "--quiet", "--allow-empty", "--message", subject, **(stamp if when else {})
        )
        return self.git("rev-parse", "HEAD")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a value of bytes after its argument: the id must be the same in each process."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def sealed_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the developer's home folder, git configuration and rdo configuration."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("RDO_CONFIG", "RDO_DATA", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in COMMITTER.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def no_pause_between_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pause between two tries, for tests whose server always fails."""
    monkeypatch.setattr(http_retry, "WAITS", (0.0, 0.0))


@pytest.fixture(autouse=True)
def loopback_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets of the test process connect only to this machine."""
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)


@pytest.fixture
def upstream(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "upstream")


@pytest.fixture
def distgit(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "distgit", branch="rpm-master")
