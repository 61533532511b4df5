import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rdo.errors import OutsideError, RefusedError
from rdo.tools.download import download


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(b"x" * 100)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_a_file_comes_from_http_and_from_the_disk(server: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("here")

    assert download(f"{server}/x", max_bytes=100) == b"x" * 100
    assert download((tmp_path / "x").as_uri(), max_bytes=100) == b"here"


def test_what_cannot_be_had_says_why(server: str, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match=r"cannot read \S+/none: .*404"):
        download(f"{server}/none", max_bytes=100)
    with pytest.raises(OutsideError, match=r"cannot read \S+/none: "):
        download((tmp_path / "none").as_uri(), max_bytes=100)


def test_what_is_too_large_or_no_file_is_refused(server: str) -> None:
    with pytest.raises(RefusedError, match="is larger than"):
        download(f"{server}/x", max_bytes=99)
    with pytest.raises(RefusedError, match="is not the URL of a file"):
        download("ftp://127.0.0.1/x", max_bytes=99)
