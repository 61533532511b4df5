"""A lookaside cache that takes nothing but rpkg's protocol, to the letter.

A request that is not of the protocol is answered by 400 and kept in `faults`, for the test to see.
It can be asked to misbehave: to end connections early, to send another file, to forget ranges.
"""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

_PATH = re.compile(r"/(?P<name>[\w/.+-]+)/(?P<file>[^/]+)/(?P<kind>sha512|md5)/(?P<hash>\w+)/(.+)")
_CHECK = {"name", "sha512sum", "filename"}
_UPLOAD = {"name", "sha512sum", "file", "mtime"}


class StrictLookaside(http.server.ThreadingHTTPServer):
    """The server: its files by path, and how it misbehaves."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[bytes, int]] = {}
        self.faults: list[str] = []
        self.asked: list[str] = []
        """The method, path and begin of each request."""
        self.hosts: set[str] = set()
        """The hosts of requests that came as to a proxy."""
        self.login = ""
        """What `Authorization` must be for a POST; nothing is asked for if empty."""
        self.sends_at_most = 1 << 40
        self.reads_at_most = 1 << 40
        self.knows_ranges = True
        self.is_ill = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def has(self, path: str, content: bytes, changed: int = 1_500_000_000) -> None:
        """Add a file, even if the hash in its path is wrong."""
        self.files[path] = (content, changed)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about clients that have gone away."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StrictLookaside
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._give(has_body=False)

    def do_GET(self) -> None:
        self._give(has_body=True)

    def _give(self, *, has_body: bool) -> None:
        path = self._path()
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
        begin = int(found[1]) if found and self.server.knows_ranges else 0
        self.server.asked.append(f"{self.command} {path} {begin}")
        if self.server.is_ill:
            return self._say(500, "Internal Server Error")
        if not _PATH.fullmatch(path) or self.headers.get("Accept-Encoding") != "identity":
            return self._fault("no download of the protocol")
        if path not in self.server.files:
            return self._say(404, "Not Found")
        content, changed = self.server.files[path]
        if begin >= len(content):
            return self._say(416, "")
        rest = content[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(rest)))
        self.send_header("Last-Modified", formatdate(changed, usegmt=True))
        self.end_headers()
        if has_body:
            self.wfile.write(rest[: self.server.sends_at_most])
            self.close_connection = len(rest) > self.server.sends_at_most
        return None

    def do_POST(self) -> None:
        path, size = self._path(), self.headers.get("Content-Length", "")
        self.server.asked.append(f"POST {path} 0")
        if path != "/upload.cgi" or not size.isdigit():
            return self._fault("no form of the protocol")
        if int(size) > self.server.reads_at_most:
            self.rfile.read(self.server.reads_at_most)
            self.close_connection = True
            return None
        body = self.rfile.read(int(size))
        if self.server.login and self.headers.get("Authorization") != self.server.login:
            return self._say(401, "Dist-git request is unauthorized.")
        fields = dict(self._fields(body))
        if self.server.is_ill:
            return self._say(500, "Internal Server Error")
        if "sha512sum" not in fields:
            return self._say(400, "Required checksum is not present")
        if set(fields) == _CHECK:
            return self._answer(fields)
        if set(fields) == _UPLOAD:
            return self._keep(fields)
        return self._fault(f"a form with {sorted(fields)}")

    def _answer(self, fields: dict[str, tuple[str, bytes]]) -> None:
        name, digest, file = (fields[key][1].decode() for key in ("name", "sha512sum", "filename"))
        known = f"/{name}/{file}/sha512/{digest}/{file}" in self.server.files
        self._say(200, "Available" if known else "Missing")

    def _keep(self, fields: dict[str, tuple[str, bytes]]) -> None:
        name, digest, changed = (fields[key][1].decode() for key in ("name", "sha512sum", "mtime"))
        file, content = fields["file"]
        if not file or not changed.isdigit() or hashlib.sha512(content).hexdigest() != digest:
            return self._fault("a file that is not what the form says")
        self.server.has(f"/{name}/{file}/sha512/{digest}/{file}", content, int(changed))
        return self._say(200, f"File {file} size {len(content)} stored OK")

    def _fields(self, body: bytes) -> Iterator[tuple[str, tuple[str, bytes]]]:
        """Yield each field of the form: its name, and its file name and content."""
        head = f"Content-Type: {self.headers.get('Content-Type', '')}\r\n\r\n".encode()
        for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            yield str(name), (part.get_filename() or "", content)

    def _path(self) -> str:
        place = urlsplit(self.path)
        if place.netloc:
            self.server.hosts.add(place.netloc)
        return unquote(place.path)

    def _fault(self, text: str) -> None:
        self.server.faults.append(f"{self.command} {self.path}: {text}")
        self._say(400, text)

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def strict_lookaside() -> Iterator[StrictLookaside]:
    """Run a server; at the end, fail if any request broke the protocol."""
    with StrictLookaside() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    assert server.faults == []
