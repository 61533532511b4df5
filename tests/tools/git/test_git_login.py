"""URLs with a user and a password, on a server that asks for them."""

import logging
import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.errors import CommandError
from rdo.metadata.sources import open_source
from rdo.mirrors import Mirrors, Reached, Unreachable
from rdo.tools.git.login import git_address
from rdo.tools.git.mirror import Mirror, ls_remote
from tests.conftest import GitRepository
from tests.fakes.git_server import GitServer, git_server

SECRET = "TOKEN-12345"
LOGIN = f"bot:{SECRET}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "up") as served:
        served.login = LOGIN
        yield served


@pytest.fixture
def upstream(tmp_path: Path, server: GitServer) -> GitRepository:
    repository = GitRepository(tmp_path / "up/demo")
    repository.commit("one")
    server.publish()
    return repository


def url(server: GitServer, login: str = LOGIN) -> str:
    return f"{server.url_with(login)}/demo/.git"


def holding(folder: Path, text: str = SECRET) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if text.encode() in path.read_bytes()]


def test_a_mirror_is_made_and_updated_and_never_holds_the_password(
    upstream: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    mirrors = Mirrors(tmp_path / "mirrors")
    polled = mirrors.poll([url(server)])[url(server)]
    assert isinstance(polled, Reached), polled
    head = upstream.commit("two")
    server.publish()

    polled = mirrors.poll([url(server)])[url(server)]

    assert isinstance(polled, Reached), polled
    assert polled.mirror.resolve("master") == head
    assert polled.mirror.fetch_ref(url(server), "master") == head
    assert not holding(tmp_path / "mirrors")
    assert not holding(tmp_path / "mirrors", "bot@")


def test_no_command_line_and_no_environment_holds_the_password(
    upstream: GitRepository, server: GitServer
) -> None:
    server.delay = 0.2
    seen: list[bytes] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                if int(place.name) == os.getpid():
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        seen.append((place / name).read_bytes())
                    except OSError:
                        continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert "refs/heads/master" in ls_remote(url(server))
    finally:
        over.set()
        watcher.join()

    assert any(b"ls-remote" in text for text in seen)
    assert not [text for text in seen if SECRET.encode() in text]


@pytest.mark.parametrize(
    ("password", "written"),
    [("p@ss word", "p%40ss%20word"), ("q'u\"o\\te$(id)", "q'u\"o%5Cte$(id)"), ("", "")],
)
def test_a_password_may_have_any_character(
    upstream: GitRepository, server: GitServer, password: str, written: str
) -> None:
    server.login = f"bot:{password}"

    assert ls_remote(url(server, f"bot:{written}"))


def test_a_user_alone_gets_the_password_from_the_helpers_of_the_user(
    upstream: GitRepository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "credentials"
    kept.write_text(f"{server.url_with('other:x')}\n{server.url_with(LOGIN)}\n")
    settings = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    settings.write_text(f"[credential]\nhelper = store --file={kept}\n")

    assert ls_remote(url(server, "bot"))


def test_the_helpers_of_the_user_do_not_learn_the_password(
    upstream: GitRepository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "credentials"
    settings = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    settings.write_text(f"[credential]\nhelper = store --file={kept}\n")

    assert ls_remote(url(server))

    assert not kept.exists()


def test_another_server_does_not_get_the_password(
    upstream: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    with git_server(tmp_path / "up") as other, git_address(url(server)) as remote:
        other.login = "x:y"
        with pytest.raises(CommandError):
            Mirror.create(tmp_path / "m.git")._git(
                *remote.options, "ls-remote", f"{other.url}/demo/.git"
            )

        assert other.logins == []


def test_a_wrong_password_is_an_error_that_does_not_tell_it(
    upstream: GitRepository,
    server: GitServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.login = "bot:other"

    polled = Mirrors(tmp_path / "mirrors").poll([url(server)])[url(server)]

    assert isinstance(polled, Unreachable)
    assert "Authentication failed" in polled.reason
    assert server.logins
    assert SECRET not in polled.reason + caplog.text


def test_a_mirror_of_an_older_rdo_forgets_the_password_when_it_is_polled(
    upstream: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    mirrors = Mirrors(tmp_path / "mirrors")
    mirrors.poll([url(server)])
    config = mirrors.path(url(server)) / "config"
    bare = config.read_text()
    assert server.url in bare
    config.write_text(bare.replace("http://", f"http://{LOGIN}@"))

    polled = mirrors.poll([url(server)])[url(server)]

    assert isinstance(polled, Reached)
    assert not polled.has_moved
    assert config.read_text() == bare


def test_the_files_with_the_password_are_gone_afterwards_and_private_before(
    upstream: GitRepository, server: GitServer
) -> None:
    with git_address(url(server)) as remote:
        settings = Path(remote.options[1].removeprefix("include.path="))
        found = re.search(r"cat (\S+);", settings.read_text())
        assert found
        assert SECRET in Path(found[1]).read_text()
        assert stat.S_IMODE(settings.parent.stat().st_mode) == 0o500
        assert SECRET not in settings.read_text()

    assert not settings.exists()


def test_metadata_in_a_repository_behind_a_password(
    upstream: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    upstream.commit("info", {"rdo.yml": "x: 1\n"})
    server.publish()

    opened = open_source(url(server), tmp_path / "cache", max_age=0)

    assert (opened.folder / "rdo.yml").exists()
    assert not holding(tmp_path / "cache")
