"""Every request to `rdo serve`: request ids, limits, errors and users."""

import base64
import logging
import socket
import time

import httpx
import pytest

from rdo.access.roles import Role
from rdo.errors import ConfigError, RefusedError
from rdo.web import connections
from rdo.web.serving import listen
from tests.patience import PATIENCE
from tests.serving import Served


def test_an_answer_has_an_id_that_the_log_repeats(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "rdo.web"), server.client() as client:
        own = client.get("/api/health", headers={"X-Request-ID": "from-a-proxy-1"})
        bad = client.get("/api/health?secret=hunter2", headers={"X-Request-ID": "a b\x7f"})

    assert own.headers["X-Request-ID"] == "from-a-proxy-1"
    assert len(bad.headers["X-Request-ID"]) == 16
    assert "/api/health' 200" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/api/health", 405),
        ("GET", "/api/../../../../etc/passwd", 404),
        ("GET", "/api/%2e%2e/%2e%2e/rdo.toml", 404),
        ("GET", "/api/%00", 404),
    ],
)
def test_an_unknown_place_is_reported_as_json(
    server: Served, method: str, path: str, status: int
) -> None:
    with server.client() as client:
        answer = client.request(method, path)

    assert answer.status_code == status
    assert list(answer.json()) == ["message"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Served) -> None:
    with server.client(server.token(Role.ADMIN)) as client:
        announced = client.post("/api/health", content=b"x" * 10_000_000)
        streamed = client.post("/api/health", content=(b"x" * 100_000 for _ in range(100)))

    assert (announced.status_code, streamed.status_code) == (413, 413)


def test_a_client_that_sends_its_head_byte_by_byte_is_given_up(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as slow:
        slow.settimeout(60)
        slow.sendall(b"GET / HT")
        begun, is_open = time.monotonic(), True
        while is_open and time.monotonic() - begun < 60:
            try:
                slow.sendall(b"X")
                time.sleep(0.05)
                slow.setblocking(False)
                is_open = slow.recv(1) != b""
            except BlockingIOError:
                slow.setblocking(True)
            except OSError:
                is_open = False

    assert not is_open


def test_wrong_credentials_are_refused_and_logged_without_them(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.token(Role.CI)
    wrong = token[:-4] + "AAAA"
    basic = base64.b64encode(b"somebody:hunter2").decode()
    with caplog.at_level(logging.DEBUG), server.client() as client:
        answers = [
            client.post("/api/health", headers={"Authorization": header} if header else {})
            for header in ("", f"Bearer {wrong}", f"Basic {basic}", "Basic x", f"Bearer {token}")
        ]

    assert [one.status_code for one in answers] == [401, 401, 401, 401, 200]
    assert answers[0].headers["WWW-Authenticate"].startswith("Basic ")
    for secret in (token, wrong, basic, "hunter2"):
        assert secret not in caplog.text


def test_a_token_of_one_target_is_none_of_another(server: Served) -> None:
    token = server.token(Role.ADMIN, "other-deb12")
    with server.client(token) as here, server.client(token, "other-deb12") as there:
        assert here.post("/api/health").status_code == 403
        assert there.post("/api/health").status_code == 200


def test_a_revoked_token_is_refused_at_once(server: Served) -> None:
    with server.client(server.token(Role.READER)) as client:
        assert client.post("/api/health").status_code == 200
        server.accounts.revoke(1)
        assert client.post("/api/health").status_code == 401


def test_metrics_have_the_names_of_dlrn(server: Served) -> None:
    with server.client() as client:
        of_target = client.get("/metrics").text
        of_all = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=PATIENCE).text

    label = '{baseurl="https://trunk.example.test/master-deb12/repos"}'
    assert f"dlrn_builds_succeeded_total{label} 2.0" in of_target
    assert f"dlrn_builds_failed_total{label} 1.0" in of_target
    assert f"dlrn_builds_total{label} 3.0" in of_target
    assert f"dlrn_builds_total{label} 3.0" in of_all
    assert 'rdo_failing_packages{target="master-deb12"} 1.0' in of_all
    assert "rdo_http_answers_total{" in of_all


def test_an_answer_is_sent_at_once() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "asyncio leaves others with Nagle's delay"


def test_a_port_that_is_taken_is_reported() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(RefusedError, match=f"port {port} of 127.0.0.1 is taken"):
            listen("127.0.0.1", port)


def test_an_invalid_host_is_reported() -> None:
    with pytest.raises(ConfigError, match="cannot listen on 999"):
        listen("999.1.1.1", 0)
