"""A growing log is served in parts, as one long answer, and as events."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.lock import hold
from rdo.model.build import BUILD_LOG, Built
from rdo.store.work.builds import Build
from rdo.web import followers
from tests.patience import PATIENCE, until
from tests.publishing import TARGET, Factory, commit
from tests.serving import Served

ERROR = "a.c:1:2: error: 'b' undeclared"
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def running(made: Factory) -> Iterator[Build]:
    """A build that runs in a round."""
    with hold(made.folder / "round.lock", purpose="a round"):
        with made.store.write() as at:
            build = at.builds.plan(TARGET, commit("python-a", "aa22"), now=made.now())
            at.builds.start(build.id, now=made.now())
        made.folder_of(build).mkdir(parents=True)
        yield build


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as opened:
        yield opened


def place(build: Build) -> str:
    return f"/api/v1/targets/{TARGET}/builds/{build.id}/log"


def write(made: Factory, build: Build, text: str) -> None:
    with (made.folder_of(build) / BUILD_LOG).open("a") as log:
        log.write(text)


def end(made: Factory, build: Build) -> None:
    with made.store.write() as at:
        at.builds.settle(build.id, Built(()), now=made.now())


def test_a_log_is_sent_while_it_grows_until_its_build_ends(
    made: Factory, running: Build, client: httpx.Client
) -> None:
    with client.stream("GET", place(running), params={"follow": "true"}) as answer:
        pieces = answer.iter_bytes()
        write(made, running, "one\ntw")
        got = next(pieces)
        write(made, running, "o\n")
        while got != b"one\ntwo\n":
            got += next(pieces)
        write(made, running, "three")
        end(made, running)
        got += b"".join(pieces)

    assert answer.headers["Content-Type"].startswith("text/plain")
    assert got == b"one\ntwo\nthree"


def read_events(answer: httpx.Response) -> Iterator[tuple[str, int, Any]]:
    """The events of a stream: kind, number and content."""
    found: dict[str, str] = {}
    for line in answer.iter_lines():
        key, _, value = line.partition(": ")
        if line:
            found[key] = value
        elif found:
            yield found["event"], int(found["id"]), json.loads(found["data"])
            found = {}


@pytest.mark.parametrize("at", ["api", "page"])
def test_events_have_whole_lines_errors_marked_and_an_end(
    made: Factory, running: Build, client: httpx.Client, at: str
) -> None:
    path = place(running) if at == "api" else f"/{TARGET}/builds/{running.id}.html"
    path = path.replace(".html", "/log.events")
    write(made, running, f"+ make\n{ERROR}\n<b>an")
    with client.stream("GET", path, headers=EVENTS) as answer:
        events = read_events(answer)
        kind, number, lines = next(events)
        write(made, running, " end</b>\n")
        more = next(events)
        end(made, running)
        last = next(events)

    assert (kind, lines) == ("lines", [["+ make", False], [ERROR, True]])
    assert more[2] == [["<b>an end</b>", False]]
    assert (last[0], last[1]) == ("end", more[1])
    headers = {**EVENTS, "Last-Event-ID": str(number)}
    with client.stream("GET", path, headers=headers) as answer:
        assert [one[2] for one in read_events(answer)] == [[["<b>an end</b>", False]], {}]


def test_a_build_without_a_log_yet_is_waited_for_and_none_to_come_is_404(
    made: Factory, running: Build, client: httpx.Client
) -> None:
    assert client.get(place(running)).status_code == 404
    with client.stream("GET", place(running), headers=EVENTS) as answer:
        write(made, running, "first\n")
        assert next(read_events(answer))[2] == [["first", False]]
    (made.folder_of(running) / BUILD_LOG).unlink()
    end(made, running)
    assert client.get(place(running), headers=EVENTS).status_code == 404


def test_a_log_whose_round_was_killed_ends(made: Factory, client: httpx.Client) -> None:
    with made.store.write() as at:
        build = at.builds.plan(TARGET, commit("python-a", "aa22"), now=made.now())
        at.builds.start(build.id, now=made.now())
    made.folder_of(build).mkdir(parents=True)
    write(made, build, "half\n")

    assert client.get(place(build), params={"follow": "true"}).text == "half\n"


def test_a_range_of_a_log_is_206_and_one_beyond_it_416(
    made: Factory, running: Build, client: httpx.Client
) -> None:
    write(made, running, "0123456789")
    asked = {
        "bytes=2-4": (206, "234", "bytes 2-4/10"),
        "bytes=8-": (206, "89", "bytes 8-9/10"),
        "bytes=-3": (206, "789", "bytes 7-9/10"),
        "bytes=5-99": (206, "56789", "bytes 5-9/10"),
        "bytes=10-": (416, None, "bytes */10"),
        "bytes=4-2": (416, None, "bytes */10"),
        "bytes=-": (200, "0123456789", None),
        "bytes=1-2,4-5": (200, "0123456789", None),
    }
    for text, (status, content, where) in asked.items():
        answer = client.get(place(running), headers={"Range": text})
        assert (answer.status_code, answer.headers.get("Content-Range")) == (status, where), text
        assert content is None or answer.text == content, text


def test_who_watches_is_counted_and_let_go(
    made: Factory,
    running: Build,
    server: Served,
    client: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(made, running, "one\n")
    monkeypatch.setattr(followers, "MOST", 1)
    with client.stream("GET", place(running), headers=EVENTS) as first:
        events = read_events(first)  # kept, because it ends the connection when it goes
        assert next(events)[0] == "lines"
        refused = httpx.get(
            f"{server.url}{place(running)}", headers=EVENTS, trust_env=False, timeout=PATIENCE
        )
    until(lambda: server.service.followers.count == 0)
    with client.stream("GET", place(running), params={"follow": "true"}) as second:
        pieces = second.iter_bytes()
        assert next(pieces) == b"one\n"
        server.service.followers.end()
        assert b"".join(pieces) == b""

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")


def test_a_client_that_takes_nothing_is_given_up(
    made: Factory, running: Build, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(followers, "SEND_SECONDS", 0.2)
    write(made, running, "x" * 79 + "\n")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        slow.sendall(f"GET {place(running)}?follow=true HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: server.service.followers.count == 1)
        write(made, running, ("y" * 79 + "\n") * 400_000)
        until(lambda: server.service.followers.count == 0)


def test_a_fifo_in_place_of_a_log_is_not_waited_for(
    made: Factory, running: Build, client: httpx.Client, tmp_path: Path
) -> None:
    os.mkfifo(made.folder_of(running) / BUILD_LOG)

    assert client.get(place(running)).status_code == 404
