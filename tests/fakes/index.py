"""A package index on loopback, in the JSON form of PEP 691 or the older HTML form."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from packaging.utils import canonicalize_name

from rdo.package_index import PackageIndex
from rdo.tools.packaging.pip_config import IndexSettings


def sdist(top: str, files: dict[str, str], mtime: int = 1_700_000_000) -> bytes:
    """A .tar.gz with `files` below the folder `top`."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size, member.mtime = len(text.encode()), mtime
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


@dataclass(slots=True)
class FakeIndex:
    """Serves the files that were added; knows JSON if `json_form`, and counts the requests."""

    url: str = ""
    json_form: bool = True
    requests: list[str] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    """The statuses of the next answers; 0 closes the connection in the middle of an answer."""
    _files: dict[str, bytes] = field(default_factory=dict)
    _projects: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    @property
    def index(self) -> PackageIndex:
        return PackageIndex(IndexSettings((f"{self.url}/simple",), timeout_seconds=10))

    def add(
        self,
        project: str,
        version: str,
        files: dict[str, str] | None = None,
        *,
        uploaded: str = "2026-01-02T03:04:05.678Z",
        yanked: bool = False,
    ) -> bytes:
        """Offer an sdist; its file name has underscores, as today's backends write them."""
        stem = f"{project.replace('-', '_').replace('.', '_')}-{version}"
        content = sdist(stem, {"PKG-INFO": f"Version: {version}\n", **(files or {})})
        self.add_file(project, f"{stem}.tar.gz", content, uploaded=uploaded, yanked=yanked)
        return content

    def add_file(
        self, project: str, name: str, content: bytes, *, uploaded: str, yanked: bool = False
    ) -> None:
        self._files[f"/files/{name}"] = content
        rows = self._projects.setdefault(canonicalize_name(project), [])
        rows[:] = [row for row in rows if row["filename"] != name]
        rows.append(
            {
                "filename": name,
                "url": f"../../files/{name}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "upload-time": uploaded,
                "yanked": "broken" if yanked else False,
            }
        )

    def damage(self, name: str) -> None:
        """Serve other bytes than the index promises."""
        self._files[f"/files/{name}"] += b"x"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        self.requests.append(path)
        if path in self._files:
            return 200, "application/octet-stream", self._files[path]
        rows = self._projects.get(path.removeprefix("/simple/").rstrip("/"))
        if rows is None:
            return 404, "text/plain", b"no such project"
        if self.json_form:
            body = {"meta": {"api-version": "1.1"}, "name": "x", "files": rows}
            return 200, "application/vnd.pypi.simple.v1+json", json.dumps(body).encode()
        return 200, "text/html; charset=utf-8", "".join(map(_anchor, rows)).encode()


def _anchor(row: dict[str, object]) -> str:
    hashes = row["hashes"]
    assert isinstance(hashes, dict)
    yanked = ' data-yanked=""' if row["yanked"] else ""
    name = row["filename"]
    return f'<a href="{row["url"]}#sha256={hashes["sha256"]}"{yanked}>{name}</a><br/>\n'


@contextmanager
def serve_index() -> Iterator[FakeIndex]:
    """Run an index until the block ends."""
    fake = FakeIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = fake.answer(self.path)
            failure = fake.failures.pop(0) if fake.failures else None
            self.send_response(failure or status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if failure is None else body[:-1])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield fake
        server.shutdown()
        thread.join()
