import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from rdo.mirrors import Mirrors, Polled, Reached, Unreachable
from rdo.tools import git
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


def test_a_lock_that_a_killed_git_left_does_not_stop_fetching_for_ever(
    upstream: GitRepository, mirrors: Mirrors
) -> None:
    upstream.commit("one")
    mirrors.poll([upstream.url])
    upstream.commit("two")
    lock = mirrors.path(upstream.url) / "refs/heads/master.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()

    assert isinstance(mirrors.poll([upstream.url])[upstream.url], Unreachable)
    os.utime(lock, (0, 0))

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
