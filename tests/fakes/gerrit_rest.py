"""A Gerrit's REST API and repositories on loopback, strict about what real clients must do."""

import base64
import contextlib
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.conftest import GitRepository

USER, PASSWORD = "rdo-ci", "http password of Gerrit"
MAGIC = b")]}'\n"
_CHANGE = re.compile(r"/changes/([^/]+)")
_REVIEW = re.compile(r"/changes/([^/]+)/revisions/([^/]+)/review")
_FIELDS = {"message", "tag", "labels", "omit_duplicate_comments", "notify"}


@dataclass
class OpenChange:
    """A change: its patch sets are the hashes of git commits, the last one is current."""

    project: str
    number: int
    message: str
    status: str = "NEW"
    patch_sets: list[str] = field(default_factory=list)


class GerritServer:
    """Projects are bare repositories, which git fetches by its dumb protocol.

    `votes` are what was posted: number of the change, its revision and the content.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes: dict[int, OpenChange] = {}
        self.votes: list[tuple[int, str, dict[str, Any]]] = []
        self.asked: list[str] = []
        self.status = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.gerrit = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def address(self, number: int) -> str:
        """The page of a change."""
        return f"{self.url}/c/{self.changes[number].project}/+/{number}"

    def propose(self, number: int, project: str, repository: GitRepository, message: str) -> str:
        """Upload the newest commit of a repository as the next patch set of a change."""
        change = self.changes.setdefault(number, OpenChange(project, number, message))
        change.message = message
        revision = repository.git("rev-parse", "HEAD")
        bare = self.folder / project
        if not bare.exists():
            repository.git("init", "--quiet", "--bare", str(bare))
        change.patch_sets.append(revision)
        ref = self.ref(change)
        repository.git("push", "--quiet", str(bare), f"HEAD:{ref}")
        subprocess.run(["git", "-C", str(bare), "update-server-info"], check=True)
        return revision

    def ref(self, change: OpenChange) -> str:
        return f"refs/changes/{change.number % 100:02}/{change.number}/{len(change.patch_sets)}"

    def event(self, number: int, kind: str = "patchset-created", **more: object) -> bytes:
        """The event that the plugin `webhooks` posts for a change."""
        change = self.changes[number]
        about = {"project": change.project, "number": number, "owner": {"username": "ann"}}
        return json.dumps({"type": kind, "change": about, **more}).encode()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[GerritServer]:
    """Run a Gerrit until the end of the block."""
    gerrit = GerritServer(folder)
    thread = threading.Thread(target=gerrit.server.serve_forever)
    thread.start()
    try:
        yield gerrit
    finally:
        gerrit.server.shutdown()
        gerrit.server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    @property
    def gerrit(self) -> GerritServer:
        return self.server.gerrit  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing to stderr."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.gerrit.asked.append(parts.path)
        if self.gerrit.status:
            self._text(self.gerrit.status, "away")
            return
        path = self._logged_in(parts.path)
        if path is None:
            return
        if found := _CHANGE.fullmatch(path):
            self._change(unquote(found[1]), parse_qs(parts.query).get("o", []))
            return
        self._file(parts.path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = self._logged_in(urlsplit(self.path).path)
        if path is None:
            return
        found = _REVIEW.fullmatch(path)
        if found is None or not self.path.startswith("/a/"):
            self._text(404 if found is None else 403, "Not found")
            return
        if "application/json" not in self.headers.get("Content-Type", ""):
            self._text(415, "Expected Content-Type application/json")
            return
        self._vote(unquote(found[1]), found[2], json.loads(body))

    def _logged_in(self, path: str) -> str | None:
        """The path without `/a`, which needs a login; None if that was refused."""
        if not path.startswith("/a/"):
            return path
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self._text(401, "Unauthorized")
            return None
        return path.removeprefix("/a")

    def _find(self, name: str) -> OpenChange | None:
        project, _, number = name.rpartition("~")
        change = self.gerrit.changes.get(int(number)) if number.isdecimal() else None
        return change if change and project in {"", change.project} else None

    def _change(self, name: str, options: list[str]) -> None:
        change = self._find(name)
        if change is None:
            self._text(404, f"Not found: {name}")
            return
        answer: dict[str, Any] = {
            "id": f"{change.project}~master~I{change.number:040x}",
            "project": change.project,
            "branch": "master",
            "subject": change.message.splitlines()[0],
            "status": change.status,
            "_number": change.number,
            "owner": {"_account_id": 1000},
        }
        if "DETAILED_ACCOUNTS" in options:
            answer["owner"]["username"] = "ann"
        if "CURRENT_REVISION" in options:
            revision: dict[str, Any] = {"ref": self.gerrit.ref(change)}
            if "CURRENT_COMMIT" in options:
                revision["commit"] = {"message": change.message}
            answer["current_revision"] = change.patch_sets[-1]
            answer["revisions"] = {change.patch_sets[-1]: revision}
        self._json(answer)

    def _vote(self, name: str, revision: str, content: dict[str, Any]) -> None:
        change = self._find(name)
        if change is None or revision not in change.patch_sets:
            self._text(404, f"Not found: {revision}")
            return
        labels = content.get("labels", {})
        wrong = set(content) - _FIELDS or set(labels) - {"Verified"}
        if wrong or not all(value in {-1, 0, 1} for value in labels.values()):
            self._text(400, f"invalid: {wrong or labels}")
            return
        self.gerrit.votes.append((change.number, revision, content))
        self._json({"labels": labels})

    def _file(self, path: str) -> None:
        file = (self.gerrit.folder / path.lstrip("/")).resolve()
        if not file.is_relative_to(self.gerrit.folder) or not file.is_file():
            self._text(404, "Not Found")
            return
        self._answer(200, "application/octet-stream", file.read_bytes())

    def _json(self, content: Any) -> None:
        self._answer(200, "application/json;charset=utf-8", MAGIC + json.dumps(content).encode())

    def _text(self, status: int, text: str) -> None:
        self._answer(status, "text/plain;charset=utf-8", text.encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
