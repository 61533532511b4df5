import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from rdo.mirrors import Mirrors, Polled, Reached, Unreachable
from rdo.tools.git import mirror as git
from tests.conftest import GitRepository


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors")


def reached(polled: Polled) -> Reached:
    assert isinstance(polled, Reached)
    return polled


def test_the_first_poll_makes_the_mirror(upstream: GitRepository, mirrors: Mirrors) -> None:
    head = upstream.commit("one")

    remote = reached(mirrors.poll([upstream.url])[upstream.url])

    assert remote.has_moved
    assert remote.refs == {"refs/heads/master": head}
    assert remote.mirror.resolve("master") == head


def test_what_did_not_move_is_not_fetched(upstream: GitRepository, mirrors: Mirrors) -> None:
    upstream.commit("one")
    upstream.git("tag", "--annotate", "--message", "x", "1.0")
    mirrors.poll([upstream.url])
    # A fetch would need the mirror's configuration; without it only the question can succeed.
    (mirrors.path(upstream.url) / "config").write_text("damaged")

    remote = reached(mirrors.poll([upstream.url])[upstream.url])

    assert not remote.has_moved


def test_what_moved_is_fetched(upstream: GitRepository, mirrors: Mirrors) -> None:
    upstream.commit("one")
    mirrors.poll([upstream.url])
    head = upstream.commit("two")

    remote = reached(mirrors.poll([upstream.url])[upstream.url])

    assert remote.has_moved
    assert remote.mirror.resolve("master") == head


def test_an_unreachable_remote_stops_no_other_and_keeps_its_mirror(
    upstream: GitRepository, distgit: GitRepository, mirrors: Mirrors
) -> None:
    head = upstream.commit("one")
    distgit.commit("one")
    mirrors.poll([upstream.url, distgit.url])
    upstream.path.rename(upstream.path.with_name("away"))
    distgit.commit("two")

    polled = mirrors.poll([upstream.url, distgit.url])

    away = polled[upstream.url]
    assert isinstance(away, Unreachable)
    assert "upstream" in away.reason
    assert away.last is not None
    assert away.last.mirror.resolve("master") == head
    assert reached(polled[distgit.url]).has_moved


def test_a_remote_that_was_never_reached_has_no_last_state(
    tmp_path: Path, mirrors: Mirrors
) -> None:
    url = (tmp_path / "absent").as_uri()

    away = mirrors.poll([url])[url]

    assert isinstance(away, Unreachable)
    assert away.last is None


def test_a_url_that_git_must_not_see_is_unreachable_like_any_other(mirrors: Mirrors) -> None:
    away = mirrors.poll(["--upload-pack=x"])["--upload-pack=x"]

    assert isinstance(away, Unreachable)
    assert "not a git URL" in away.reason


def test_a_poll_killed_before_it_noted_what_it_saw_fetches_again(
    upstream: GitRepository, mirrors: Mirrors
) -> None:
    upstream.commit("one")
    git.Mirror.clone(upstream.url, mirrors.path(upstream.url))

    remote = reached(mirrors.poll([upstream.url])[upstream.url])

    assert remote.has_moved
    assert not reached(mirrors.poll([upstream.url])[upstream.url]).has_moved


def test_two_urls_never_share_a_mirror(mirrors: Mirrors) -> None:
    first = mirrors.path("https://a.example.test/x/nova.git")
    second = mirrors.path("https://b.example.test/x/nova.git")

    assert first != second
    assert first.parent == second.parent == mirrors.folder
    assert mirrors.path("https://a.example.test/..").parent == mirrors.folder


@pytest.mark.parametrize(
    "name", ["refs/heads/master.lock", "packed-refs.lock", "config.lock", "objects/info/x/y.lock"]
)
def test_a_lock_that_a_killed_git_left_is_reported_and_removed_at_once(
    upstream: GitRepository, mirrors: Mirrors, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.commit("one")
    mirrors.poll([upstream.url])
    new = upstream.commit("two")
    lock = mirrors.path(upstream.url) / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()

    remote = reached(mirrors.poll([upstream.url])[upstream.url])

    assert remote.refs["refs/heads/master"] == new
    assert not lock.exists()
    said = f"removed the lock {name} of {lock.relative_to(mirrors.folder).parts[0]}"
    assert said in caplog.text


@pytest.mark.parametrize("by", ["its folder", "its environment"])
def test_a_lock_whose_git_still_works_stays_and_is_reported(
    upstream: GitRepository, mirrors: Mirrors, by: str
) -> None:
    upstream.commit("one")
    mirrors.poll([upstream.url])
    upstream.commit("two")
    path = mirrors.path(upstream.url)
    command = ["git", "cat-file", "--batch"]
    env = dict(os.environ) if by == "its folder" else {**os.environ, "GIT_DIR": str(path)}
    cwd = path if by == "its folder" else path.parent
    # It waits for its input, as a git that writes waits for its server.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd, env=env
    ) as other:
        assert other.stdin
        assert other.stdout
        other.stdin.write(b"HEAD\n")
        other.stdin.flush()
        other.stdout.readline()  # it is at work
        lock = path / "packed-refs.lock"
        lock.touch()

        found = mirrors.poll([upstream.url])[upstream.url]

        assert isinstance(found, Unreachable)
        assert found.reason == (
            f"the mirror {path.name} is locked by a running git: process {other.pid}"
        )
        assert lock.exists()
        other.communicate()

    assert reached(mirrors.poll([upstream.url])[upstream.url]).has_moved


def test_ctrl_c_does_not_wait_for_a_remote_that_never_answers(
    upstream: GitRepository, mirrors: Mirrors
) -> None:
    upstream.commit("one")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/silent"
        began: list[float] = []
        is_over = threading.Event()

        def press_ctrl_c() -> None:
            asked, _ = silent.accept()
            with asked:
                began.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
                is_over.wait()

        keyboard = threading.Thread(target=press_ctrl_c)
        keyboard.start()
        with pytest.raises(KeyboardInterrupt):
            mirrors.poll([upstream.url, url])
        is_over.set()
        keyboard.join()

    assert time.monotonic() - began[0] < git.ASK_TIMEOUT_SECONDS
    assert mirrors.last_seen(url) is None
