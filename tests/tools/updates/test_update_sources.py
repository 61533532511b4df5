"""Updates from a Koji and a Copr on loopback, which are asked like the real ones."""

import functools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from rdo.cli import main
from tests.fakes.koji_hub import KojiHubServer
from tests.rpms import make_rpms

NVR = "python-sample-1.0-1"
UPDATE = """\
notes: A sample
builds:
- {{id: {nvr}, source: {source}, repo: kilo, dist: el7}}
"""


class CoprServer:
    """A Copr frontend that knows one project of one user, and the files of its backend.

    Only the questions and keys of its API version 3 are answered; all else is an error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = "succeeded"
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_CoprHandler, self))
        self.http = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, path: str, query: dict[str, list[str]]) -> object:
        match path:
            case "/api_3/build/list":
                assert set(query) == {
                    *("ownername", "projectname", "packagename", "status"),
                    *("limit", "order", "order_type"),
                }
                if (query["ownername"], query["projectname"]) != (["me"], ["rdo-kilo-el7"]):
                    return None
                source = {"name": "python-sample", "version": "1.0-1", "url": "x"}
                one = {"id": 7, "state": self.state, "source_package": source}
                is_asked = query["status"] == [self.state] and query["packagename"] == [
                    "python-sample"
                ]
                return {"items": [one] if is_asked else [], "meta": {}}
            case "/api_3/build/built-packages/7":
                files = [path.name for path in sorted(self.folder.glob("*.rpm"))]
                return {"epel-7-x86_64": {"packages": [_nevra(name) for name in files]}}
            case "/api_3/build-chroot/list":
                assert query == {"build_id": ["7"]}
                row = {"name": "epel-7-x86_64", "result_url": f"{self.url}/results/7/"}
                return {"items": [row], "meta": {}}
        return None


def _nevra(file: str) -> dict[str, object]:
    rest, arch = file.removesuffix(".rpm").rsplit(".", 1)
    name, version, release = rest.rsplit("-", 2)
    return {"name": name, "epoch": 0, "version": version, "release": release, "arch": arch}


class _CoprHandler(BaseHTTPRequestHandler):
    def __init__(self, copr: CoprServer, *args: object) -> None:
        self.copr = copr
        super().__init__(*args)  # type: ignore[arg-type]  # the base's own, passed on

    def do_GET(self) -> None:
        parts = urlparse(self.path)
        if parts.path.startswith("/results/7/"):
            self._send(200, (self.copr.folder / Path(parts.path).name).read_bytes())
            return
        found = self.copr.answer(parts.path, parse_qs(parts.query))
        missing = {"error": "Project does not exist."}
        self._send(404 if found is None else 200, json.dumps(found or missing).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def copr(tmp_path: Path) -> Iterator[CoprServer]:
    make_rpms(tmp_path / "built")
    server = CoprServer(tmp_path / "built")
    yield server
    server.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[KojiHubServer]:
    pytest.importorskip("koji", reason="the extra koji is not installed")
    server = KojiHubServer(tmp_path / "hub")
    server.have(NVR, make_rpms(tmp_path / "built"))
    yield server
    server.close()


class Desk:
    """A file to check, and what is said of it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.base = f"{folder}/openstack-"

    def check(self, source: str, server: str, *more: str, nvr: str = NVR, code: int = 0) -> str:
        file = self.folder / "up.yml"
        file.write_text(UPDATE.format(nvr=nvr, source=source))
        name = source.partition("-")[0]
        ended = main.run(["update", "check", str(file), "--source", f"{name}={server}", *more])
        said = self.capsys.readouterr()
        assert ended == code, said.out + said.err
        return said.out + said.err

    def kept(self) -> set[str]:
        return {path.name for path in (self.folder / "home/.cache").rglob("*.rpm")}


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


FILES = {"python-sample-1.0-1.src.rpm", "python3-sample-1.0-1.noarch.rpm"}


def test_builds_of_a_koji(desk: Desk, hub: KojiHubServer) -> None:
    assert "nothing is wrong" in desk.check("koji", hub.url)
    assert desk.kept() == set()  # it was only asked
    said = desk.check("koji", hub.url, nvr="python-sample-9-1", code=1)
    assert "koji has no build python-sample-9-1" in said
    assert "nothing is wrong" in desk.check("cbs", hub.url, "--base", desk.base)
    assert desk.kept() == FILES

    hub.builds[0]["state"] = 0
    assert "is not complete" in desk.check("koji", hub.url, code=1)
    hub.builds[0]["state"] = 1
    hub.lies = lambda row: row | {"payloadhash": "0" * 32}
    assert "is not the RPM that" in desk.check("koji", hub.url, "--base", desk.base, code=1)
    hub.lies = lambda row: row | {"name": "../../evil"}
    assert "a strange name" in desk.check("koji", hub.url, "--base", desk.base, code=6)
    hub.trouble = "away"
    assert "cannot be reached" in desk.check("koji", hub.url, code=6)


def test_builds_of_a_copr(desk: Desk, copr: CoprServer) -> None:
    assert "nothing is wrong" in desk.check("copr-me", copr.url)
    assert "nothing is wrong" in desk.check("copr-me", copr.url, "--base", desk.base)
    assert desk.kept() == FILES
    said = desk.check("copr-you", copr.url, code=1)
    assert "has no project you/rdo-kilo-el7" in said
    said = desk.check("copr-me", copr.url, nvr="python-sample-1.0-2", code=1)
    assert "me/rdo-kilo-el7" in said
    assert "has no build python-sample-1.0-2" in said
    copr.state = "failed"
    assert "has no build" in desk.check("copr-me", copr.url, code=1)
