import bz2
import gzip
import io
import lzma
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.version import Version

from rdo.errors import OutsideError, RefusedError
from rdo.package_index import PackageIndex, Sdist
from rdo.tools.packaging.archive_test import fault_of_archive
from rdo.tools.packaging.download import download, download_file
from rdo.tools.packaging.pip_config import IndexSettings
from tests.distgits import Distgit
from tests.fakes.index import serve_index


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/short"):
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"abc")
            return
        if self.path.startswith("/chunks"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc")
            return
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


def tar(size: int) -> bytes:
    with io.BytesIO() as made:
        with tarfile.open(fileobj=made, mode="w") as archive:
            one = tarfile.TarInfo("x-1/a")
            one.size = size
            archive.addfile(one, io.BytesIO(b"a" * size))
        return made.getvalue()


TAR = tar(9000)
WHOLE = gzip.compress(TAR, mtime=0)
PAGE = b"\n<!DOCTYPE html><html>log in</html>"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("x.tar.gz", WHOLE, ""),
        ("x.tgz", WHOLE[:-20], "its end is missing, or it is damaged"),
        ("x.tar.xz", lzma.compress(b"x")[:-9], "its end is missing, or it is damaged"),
        ("x.tar.bz2", bz2.compress(b"x")[:-9], "its end is missing, or it is damaged"),
        ("x.tar.gz", b"<!DOCTYPE html><html>log in</html>", "it is a web page"),
        ("x.zip", b"PK\3\4" + b"x" * 99, "its end is missing"),
        ("x.tar.xz", WHOLE, "its first bytes are those of something else"),
        ("x.tar.gz", b"", "it is empty"),
        ("x.tar.gz", gzip.compress(TAR[:5000], mtime=0), "its end is missing"),
        ("x.tgz", gzip.compress(b"error 500\n", mtime=0), "it is not a tar archive"),
        ("x.tar.gz", gzip.compress(WHOLE, mtime=0), "it is not a tar archive"),
        ("x.patch.gz", gzip.compress(b"--- a/x", mtime=0), ""),
        ("x.tar", TAR, ""),
        ("x.tar", TAR[:5000], "its end is missing"),
        ("x.gem", PAGE, "it is a web page"),
        ("x.7z", b"x", "its first bytes are those of something else"),
        ("x.asc", b"", ""),
        ("x.conf", b"a = <html>", ""),
        ("x.conf", PAGE, "it is a web page"),
        ("x.tar.gz.asc", PAGE, "it is a web page"),
        ("x.html", PAGE, ""),
    ],
)
def test_an_archive_is_whole_or_its_fault_is_named(name: str, content: bytes, fault: str) -> None:
    assert fault_of_archive(name, content) == fault


def test_another_file_in_place_of_a_source_is_no_source(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    distgit = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    distgit.spec(source=f"{server}/demo-%{{version}}.tar.gz")

    said = distgit.pkg("get-source", code=6)

    assert "is not the archive demo-1.0.0.tar.gz" in said.err
    assert list(distgit.path.glob("*demo-*")) == []


def test_a_file_comes_from_http_and_from_the_disk(server: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("here")

    assert download(f"{server}/x", max_bytes=100) == b"x" * 100
    assert download((tmp_path / "x").as_uri(), max_bytes=100) == b"here"


def test_a_url_may_have_other_letters_and_a_protocol_in_capitals(server: str) -> None:
    url = server.replace("http", "HTTP") + "/démo%20x"

    assert download(url, max_bytes=100) == b"x" * 100


def test_a_failure_that_passes_is_not_noticed(tmp_path: Path) -> None:
    with serve_index() as served:
        served.add_file("a", "a.txt", b"content", uploaded="2026-01-02T03:04:05Z")
        url = f"{served.url}/files/a.txt"

        served.failures = [0, 503]
        assert download(url, max_bytes=100) == b"content"
        served.failures = [503, 0]
        download_file(url, tmp_path / "a", max_bytes=100)
        assert (tmp_path / "a").read_bytes() == b"content"


def test_a_file_that_could_not_be_downloaded_leaves_its_place_free(tmp_path: Path) -> None:
    with serve_index() as served:
        served.add("a", "1.0")
        served.failures = [0, 0, 503]
        with pytest.raises(OutsideError, match="503"):
            download_file(f"{served.url}/simple/a/", tmp_path / "a", max_bytes=1000)
    assert not (tmp_path / "a").exists()


def test_what_cannot_be_had_says_why(server: str, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match=r"cannot read \S+/none: .*404"):
        download(f"{server}/none", max_bytes=100)
    with pytest.raises(OutsideError, match=r"cannot read \S+/none: "):
        download((tmp_path / "none").as_uri(), max_bytes=100)


@pytest.mark.parametrize("path", ["short/x.tar.gz", "chunks/x.tar.gz"])
def test_what_ends_early_is_no_download(server: str, path: str) -> None:
    with pytest.raises(OutsideError, match=r"cannot read \S+/x.tar.gz"):
        download(f"{server}/{path}", max_bytes=1000)


@pytest.mark.parametrize("path", ["short/x-1.tar.gz", "chunks/x-1.tar.gz"])
def test_an_archive_of_an_index_that_ends_early_leaves_no_file(
    server: str, tmp_path: Path, path: str
) -> None:
    sdist = Sdist("x-1.tar.gz", Version("1"), f"{server}/{path}", "0" * 64)
    (tmp_path / "sources").mkdir()
    file = tmp_path / "sources" / sdist.file_name
    file.write_text("of an earlier try")

    with pytest.raises(OutsideError):
        PackageIndex(IndexSettings((server,), timeout_seconds=10)).download(sdist, file)

    assert list(file.parent.iterdir()) == []


def test_a_source_that_ends_early_is_not_kept(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> None:
    distgit = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    distgit.spec(source=f"{server}/short/demo-%{{version}}.tar.gz")

    said = distgit.pkg("get-source", code=6)

    assert "the server sent less than it announced" in said.err
    assert list(distgit.path.glob("*demo-*")) == []


def test_what_is_too_large_or_no_file_is_refused(server: str) -> None:
    with pytest.raises(RefusedError, match="is larger than"):
        download(f"{server}/x", max_bytes=99)
    with pytest.raises(RefusedError, match="is not the URL of a file"):
        download("ftp://127.0.0.1/x", max_bytes=99)
