"""rdo reads from GitHub and GitLab on loopback, and posts to them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.forges.gerrit import Gerrit
from rdo.forges.github import GitHub
from rdo.forges.gitlab import GitLab
from rdo.forges.rest import MOST_BYTES, RestServer
from rdo.forges.reviews import ReviewReport, ReviewServer
from rdo.model.review import ReviewVerdict

SHA = "ab" * 20
PULL = {
    "title": "a fix",
    "body": "Depends-On: https://h.test/o/nova/pull/1",
    "state": "open",
    "merged": False,
    "head": {"sha": SHA},
    "base": {"ref": "main"},
    "user": {"login": "ann"},
}
MERGE = {
    "title": "a fix",
    "description": None,
    "state": "merged",
    "sha": SHA,
    "target_branch": "main",
    "author": {"username": "ann"},
}


class JsonServer(ThreadingHTTPServer):
    """Answers what is announced by method and path, and keeps what was sent; all else is 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.sent: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, asked: str, content: Any, status: int = 200) -> None:
        self.answers[asked] = status, json.dumps(content).encode()


class _Handler(BaseHTTPRequestHandler):
    server: JsonServer

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, content: Any) -> None:
        asked = f"{self.command} {self.path}"
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.sent.append((asked, headers, content))
        status, body = self.server.answers.get(asked, (404, b"{}"))
        self.send_response(status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to stderr."""


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with JsonServer() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def github(server: JsonServer) -> GitHub:
    headers = {"Authorization": "Bearer token"}
    return GitHub("forge", "https://h.test", RestServer("forge", server.url, headers))


def gitlab(server: JsonServer) -> GitLab:
    return GitLab("forge", RestServer("forge", server.url, {"PRIVATE-TOKEN": "token"}))


def report(of: ReviewServer, project: str, verdict: ReviewVerdict) -> ReviewReport:
    change = of.change(project, 7)
    return ReviewReport(change, "master", verdict, "x" * 500, "lines", "https://rdo.test/1")


def test_github_gets_the_status_of_the_commit(server: JsonServer) -> None:
    server.says("GET /repos/o/nova/pulls/7", PULL)
    server.says(f"POST /repos/o/nova/statuses/{SHA}", {}, 201)
    forge = github(server)

    sent = report(forge, "o/nova", ReviewVerdict.FAILURE)
    forge.report(sent)

    change = sent.change
    assert (change.revision, change.ref, change.is_open) == (SHA, "refs/pull/7/head", True)
    assert "Depends-On: https://h.test/o/nova/pull/1" in change.message
    _, headers, content = server.sent[-1]
    assert headers["authorization"] == "Bearer token"
    assert (content["state"], content["context"]) == ("failure", "rdo/master")
    assert len(content["description"]) == 140


def test_gitlab_gets_the_status_of_the_commit(server: JsonServer) -> None:
    server.says("GET /api/v4/projects/o%2Fsub%2Fnova/merge_requests/7", MERGE)
    server.says(f"POST /api/v4/projects/o%2Fsub%2Fnova/statuses/{SHA}", {}, 201)
    forge = gitlab(server)

    sent = report(forge, "o/sub/nova", ReviewVerdict.SUCCESS)
    forge.report(sent)

    assert (sent.change.is_open, sent.change.is_merged) == (False, True)
    _, headers, content = server.sent[-1]
    assert headers["private-token"] == "token"
    assert (content["state"], content["name"]) == ("success", "rdo/master")


def test_what_a_server_may_answer_is_told_apart(server: JsonServer) -> None:
    forge, asked = github(server), "GET /repos/o/nova/pulls/7"
    for status, error in ((404, NotFoundError), (401, RefusedError), (429, OutsideError)):
        server.says(asked, {}, status)
        with pytest.raises(error):
            forge.change("o/nova", 7)
    for status in (302, 500, 503):
        server.says(asked, PULL, status)
        with pytest.raises(OutsideError):
            forge.change("o/nova", 7)
    assert not any("elsewhere" in asked for asked, _, _ in server.sent)  # no redirect is followed
    strange: tuple[Any, ...] = (
        [],
        "text",
        PULL | {"head": {"sha": "--upload-pack=x"}},
        PULL | {"head": 5},
    )
    for content in strange:
        server.says(asked, content)
        with pytest.raises(OutsideError):
            forge.change("o/nova", 7)
    for body in (b"<html>", b"[" * 100_000, b" " * (MOST_BYTES + 10)):
        server.answers[asked] = 200, body
        with pytest.raises(OutsideError):
            forge.change("o/nova", 7)
    gone = GitHub("forge", "https://h.test", RestServer("forge", "http://127.0.0.1:9", {}))
    with pytest.raises(OutsideError, match="cannot be reached"):
        gone.change("o/nova", 7)


def test_a_gerrit_that_names_a_strange_ref_is_not_believed(server: JsonServer) -> None:
    forge = Gerrit("forge", RestServer("forge", server.url, {}), "Verified")
    options = "o=CURRENT_REVISION&o=CURRENT_COMMIT&o=DETAILED_ACCOUNTS"
    found = {"project": "nova", "_number": 7, "status": "NEW", "current_revision": SHA}
    for ref in ("refs/heads/master", "refs/changes/07/7/1:refs/heads/x", "--exec=x"):
        server.says(f"GET /changes/nova~7?{options}", found | {"revisions": {SHA: {"ref": ref}}})
        with pytest.raises(OutsideError, match="where the change is"):
            forge.change("nova", 7)
