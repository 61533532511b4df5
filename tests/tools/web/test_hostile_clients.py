"""Clients that break HTTP's rules or are slow get an answer or are cut off; no traceback."""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from rdo.access.roles import Role
from rdo.web import connections
from rdo.web.connections import BoundedProtocol
from rdo.web.limits import BodyLimit
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served, serving

HEALTH = f"/{TARGET}/api/health"


@contextlib.contextmanager
def connected(server: Served, *, buffer: int = 0) -> Iterator[socket.socket]:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.socket() as opened:
        if buffer:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        opened.settimeout(60)
        opened.connect((host, int(port)))
        yield opened


def said(server: Served, request: bytes) -> bytes:
    """Send bytes, and read until the server closes the connection or has answered all."""
    with connected(server) as opened:
        opened.sendall(request)
        opened.shutdown(socket.SHUT_WR)
        return rest(opened)


def rest(opened: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionError):  # the server has had enough of us
        while part := opened.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


GET = f"GET {HEALTH} HTTP/1.1\r\nHost: x\r\n".encode()
POST = f"POST {HEALTH} HTTP/1.1\r\nHost: x\r\n".encode()


AGAINST_THE_RULES = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"GET\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # no host
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    GET + b"A" * 100_000 + b": x\r\n\r\n",
    GET + b"X-A: 1\r\n" * 20_000 + b"\r\n",
    GET + b"X-A: a\x00b\r\n\r\n",
    GET + b" folded: x\r\n\r\n",
    GET + b"X-Request-ID: a\rSet-Cookie: b\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://elsewhere.example.test/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //elsewhere.example.test/%2f.. HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%ff%fe/%00/%c0%ae%c0%ae HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET /{TARGET}/packages/%0d%0aSet-Cookie:a.html HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    f"GET /{TARGET}/builds/{'9' * 5000}.html HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    f"GET /{TARGET}/builds/1/log?offset=-1 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    f"GET /{TARGET}/builds/1/log?offset={'9' * 30} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    b"GET /static/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /static/htmx.min.js HTTP/1.1\r\nHost: x\r\nRange: bytes="
    + b",".join(b"0-%d" % number for number in range(3000))
    + b"\r\n\r\n",
    POST + b"Content-Length: -5\r\n\r\n",
    POST + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc",
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
    POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    POST + b"Authorization: Basic \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    POST + b"Authorization: Bearer \xc3\xa9\r\nContent-Length: 0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT elsewhere.example.test:25 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
)


def test_a_request_against_the_rules_is_refused(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for request in AGAINST_THE_RULES:
        with caplog.at_level(logging.WARNING):
            answer = said(server, request)

        assert 200 <= status(answer) < 500 or answer == b"", (request[:300], answer[:300])
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"set-cookie" not in head
        assert b"elsewhere" not in head
        assert "Traceback" not in caplog.text, request[:300]
        assert "a bug" not in caplog.text, request[:300]


def test_requests_in_one_go_are_answered_in_their_order(server: Served) -> None:
    with connected(server) as opened:
        opened.sendall((GET + b"\r\n") * 20 + GET + b"Connection: close\r\n\r\n")
        answers = rest(opened)

    assert answers.count(b"HTTP/1.1 200 ") == 21
    assert answers.count(b'{"result":"ok"}') == 21


def test_a_body_that_does_not_come_in_is_408(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = BodyLimit.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "seconds", 0.3)
    with served_again(server) as slow, connected(slow) as opened:
        opened.sendall(POST + b"Content-Length: 100\r\n\r\nabc")
        answer = rest(opened)

    assert status(answer) == 408
    assert b"connection: close" in answer.lower()


@contextlib.contextmanager
def served_again(server: Served) -> Iterator[Served]:
    """The same factory by another server, which is made now."""
    with serving(server.app.anew()) as again:
        yield again


def test_a_client_that_does_not_read_is_given_up(
    made: Factory, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.5)
    log = made.folder / "builds/1/rpmbuild.log"
    log.write_bytes(b"x" * 1_000_000)
    path = f"/api/v1/targets/{TARGET}/builds/1/log"
    with connected(server, buffer=4096) as opened, lost_connections(monkeypatch) as is_lost:
        opened.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 30)
        assert is_lost.wait(60)

    assert httpx.get(f"{server.url}{HEALTH}", trust_env=False, timeout=PATIENCE).status_code == 200


@contextlib.contextmanager
def lost_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Be told when the server has ended a connection, which a client that reads nothing is not."""
    is_lost, lost = threading.Event(), BoundedProtocol.connection_lost

    def connection_lost(self: BoundedProtocol, error: Exception | None) -> None:
        lost(self, error)
        is_lost.set()

    monkeypatch.setattr(BoundedProtocol, "connection_lost", connection_lost)
    yield is_lost


def test_a_token_is_in_no_log_wherever_a_client_puts_it(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.token(Role.ADMIN)
    with (
        caplog.at_level(logging.DEBUG),
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as to,
    ):
        to.get(HEALTH, params={"token": token})
        to.get(HEALTH, headers={"Cookie": token, "Referer": f"http://x/?{token}"})
        to.post(HEALTH, headers={"Authorization": token})
        to.post(HEALTH, headers={"Authorization": f"Bearer  {token}x"})
        to.post(HEALTH, auth=(token, "x"))
        to.post(f"/{TARGET}/api/report_result", json={"job_id": token}, auth=("a-admin", token))
        to.post(f"/{TARGET}/api/graphql", json={"query": f"{{{token}"})

    ours = [one.getMessage() for one in caplog.records if one.name.startswith("rdo")]
    assert len(ours) >= 7
    assert token not in "\n".join(ours)
