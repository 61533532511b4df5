"""Whether a service answers at all, tried with real sockets."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rdo.deploy.on_host import reach
from rdo.deploy.on_host.acts import Unsure


class Busy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A server that accepts connections and says nothing."""
    monkeypatch.setattr(reach, "_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(reach, "_silent", {})
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_who_says_nothing_is_waited_for_once(silent: socket.socket) -> None:
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"

    for _ in range(2):
        with pytest.raises(Unsure, match="glance answers"):
            reach.must_answer(url, "glance")

    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_any_answer_is_one() -> None:
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        reach.must_answer(f"http://127.0.0.1:{server.server_port}", "nova")


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1"])
def test_nobody_there_is_reported_and_asked_again(url: str) -> None:
    with pytest.raises(Unsure, match="nova answers"):
        reach.must_answer(url, "nova")

    assert url not in reach._silent
