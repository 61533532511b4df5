"""Events as JSON to a real web server on loopback."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rdo.model.audiences import Audiences
from rdo.model.build import Failed, FailureReason
from rdo.notify.outbox import Outbox, Sent
from rdo.notify.webhook import Webhook
from rdo.store import Store
from tests.rounds.factory import Factory


class Listener(ThreadingHTTPServer):
    """Records posted messages and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to stderr."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    with Store.temporary() as store:
        made = Factory(tmp_path, store)
        made.audiences = Audiences(webhooks=("chat",))
        made.add("alpha")
        made.builder.will("python-alpha", Failed(FailureReason.TEST, "%check: no"))
        made.round()
        yield made


def send(factory: Factory, url: str, secret: Path | None = None) -> Sent:
    ways = {"webhook:chat": Webhook("chat", url, secret)}
    lock_file = factory.folder / "notify.lock"
    return Outbox(factory.store, ways, factory.clock, lock_file).run()


def test_an_event_is_posted_as_json_and_signed(
    factory: Factory, listener: Listener, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key\n")

    assert send(factory, listener.url, secret).sent == 1

    [(headers, body)] = listener.posts
    told = json.loads(body)
    assert told["kind"] == headers["X-RDO-Event"] == "broken"
    assert told["key"] == headers["X-RDO-Delivery"] == "master-deb12:broken:1:maintainers"
    assert (told["package"], told["reason"], told["build_id"]) == ("python-alpha", "test", 1)
    signature = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signature}"


@pytest.mark.parametrize(
    ("status", "refused", "left"), [(410, 1, 0), (503, 0, 1), (429, 0, 1), (302, 0, 1)]
)
def test_what_is_not_taken_is_tried_again_unless_it_never_will_be(
    factory: Factory, listener: Listener, status: int, refused: int, left: int
) -> None:
    listener.status = status

    done = send(factory, listener.url)

    assert (done.sent, done.refused, done.left) == (0, refused, left)
    assert len(listener.posts) == 1


def test_a_listener_that_is_away_is_reported_later(factory: Factory, listener: Listener) -> None:
    away = send(factory, "http://127.0.0.1:9/")
    back = send(factory, listener.url)

    assert (away.left, back.sent) == (1, 1)
