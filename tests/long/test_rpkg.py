"""The real client rpkg 1.70 and `rdo pkg` at one `rdo lookaside serve`, and what both print."""

import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit
from tests.long.rpkg_client import Rpkg

# rpkg itself reads branches such as `rhel-9`; those of Fedora are fedpkg's
BRANCH = "rhel-9"
NAMES = ("foo-1.0.tar.gz", "foo+bar~rc1^2.zip")
SPEC = """\
Name: foo
Version: 1.0
Release: 1%{?dist}
Summary: A package of the tests
License: MIT
Source0: foo-1.0.tar.gz
Source1: foo+bar~rc1^2.zip
BuildArch: noarch
%description
A package of the tests.
%prep
%setup -q -c -T
%files
%changelog
* Mon Jan 01 2024 Me <me@example.test> 1.0-1
- One
- Two
"""


class _Proxy(http.server.BaseHTTPRequestHandler):
    """A proxy that knows its user, like a proxy with Kerberos."""

    behind: str

    def do_GET(self) -> None:
        self._pass_on(None)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def _pass_on(self, body: bytes | None) -> None:
        one = http.client.HTTPConnection(self.behind, timeout=60)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("expect", "host")}
        one.request(self.command, self.path, body, {**kept, "X-Remote-User": "alice"})
        answer = one.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        one.close()

    def log_message(self, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Cache:
    """A running `rdo lookaside serve`: its folder, its own address, and that of the proxy."""

    folder: Path
    direct: str
    url: str

    @property
    def files(self) -> list[str]:
        """The paths of the stored files, without hashes."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        kept = (path.parts for path in found if (self.folder / path).is_file())
        return sorted("/".join(parts[:3]) for parts in kept)


@pytest.fixture(scope="module")
def rpkg(tmp_path_factory: pytest.TempPathFactory) -> Rpkg:
    return Rpkg.install(tmp_path_factory.mktemp("rpkg") / "env")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    folder = tmp_path / "cache"
    folder.mkdir()
    command = [sys.executable, "-m", "rdo", "lookaside", "serve", str(folder), "--port", "0"]
    command += ["--user-header", "X-Remote-User", "--proxy", "127.0.0.1"]
    with (tmp_path / "serve.log").open("wb") as log:
        server = subprocess.Popen(command, stderr=log)
    behind = _address(tmp_path / "serve.log")
    handler = type("Handler", (_Proxy,), {"behind": behind})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}"
        yield Cache(folder, f"http://{behind}", url)
        proxy.shutdown()
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=30)


def _address(log: Path) -> str:
    for _ in range(200):
        if found := re.search(r"at http://([\d.:]+)/", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def theirs(tmp_path: Path) -> GitRepository:
    """The clone of a maintainer who works with rpkg."""
    bare = tmp_path / "git/rpms/foo"
    made = GitRepository(tmp_path / "theirs/foo", BRANCH)
    made.commit("One", {"foo.spec": SPEC})
    made.git("init", "--quiet", "--bare", str(bare))
    made.git("remote", "add", "origin", bare.as_uri())
    made.git("push", "--quiet", "--set-upstream", "origin", BRANCH)
    return made


@pytest.fixture
def ours(
    theirs: GitRepository,
    rpkg: Rpkg,
    cache: Cache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: object,
) -> Distgit:
    """The clone of a maintainer who works with `rdo pkg`, which reads rpkg's configuration."""
    folder = tmp_path / "config/rpkg"
    folder.mkdir(parents=True)
    site = rpkg.site(cache.url, tmp_path / "git")
    (folder / "rpkg.conf").write_text(site.read_text())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RDO_SITE", "rpkg")
    made = Distgit(tmp_path / "ours/foo", monkeypatch, capsys)
    made.git("remote", "add", "origin", (tmp_path / "git/rpms/foo").as_uri())
    made.git("fetch", "--quiet", "origin")
    made.git("checkout", "--quiet", "-B", BRANCH, "--track", f"origin/{BRANCH}")
    return made


def archives(folder: Path) -> dict[str, bytes]:
    """Make the sources of the spec."""
    made = {name: os.urandom(300_000 + len(name)) for name in NAMES}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return made


@pytest.mark.parametrize("form", ["bsd", "old"])
def test_rpkg_uploads_and_rdo_downloads(
    rpkg: Rpkg, cache: Cache, theirs: GitRepository, ours: Distgit, tmp_path: Path, form: str
) -> None:
    made = archives(theirs.path)
    site = rpkg.site(cache.url, tmp_path / "git")

    said = rpkg.run(theirs.path, site, "new-sources", *NAMES, form=form)

    assert said.code == 0, said.text
    assert "Source upload succeeded" in said.text
    assert cache.files == [f"rpms/foo/{name}" for name in sorted(NAMES)]
    if form == "bsd":  # rpkg takes the sha512 of its own old form for md5
        again = rpkg.run(theirs.path, site, "upload", *NAMES)
        assert "All sources were already uploaded." in again.text

    theirs.git("commit", "--quiet", "--message", "Sources")
    theirs.git("push", "--quiet", "origin", BRANCH)
    ours.pkg("pull")
    ours.pkg("sources")
    assert {name: (ours.path / name).read_bytes() for name in NAMES} == made
    ours.pkg("pre-push-check")


def test_rdo_uploads_and_rpkg_downloads(
    rpkg: Rpkg, cache: Cache, theirs: GitRepository, ours: Distgit, tmp_path: Path
) -> None:
    made = archives(ours.path)
    site = rpkg.site(cache.url, tmp_path / "git")

    ours.pkg("new-sources", *NAMES)
    ours.pkg("commit", "--clog", "--push")

    theirs.git("pull", "--quiet")
    said = rpkg.run(theirs.path, site, "sources")
    assert said.code == 0, said.text
    assert {name: (theirs.path / name).read_bytes() for name in NAMES} == made
    again = rpkg.run(theirs.path, site, "sources")
    assert f"Not downloading already downloaded {NAMES[0]}" in again.text
    assert "already downloaded" in ours.pkg("sources").out


def test_rpkg_prints_the_refusal_of_an_upload(
    rpkg: Rpkg, cache: Cache, theirs: GitRepository, tmp_path: Path
) -> None:
    archives(theirs.path)
    past_the_proxy = rpkg.site(cache.url, tmp_path / "git", upload=cache.direct)

    said = rpkg.run(theirs.path, past_the_proxy, "new-sources", NAMES[0])

    assert said.code == 1
    assert "Dist-git request is unauthorized." in said.text
    assert cache.files == []


def test_what_is_damaged_on_the_server_is_refused_by_both(
    rpkg: Rpkg, cache: Cache, theirs: GitRepository, ours: Distgit, tmp_path: Path
) -> None:
    archives(ours.path)
    ours.pkg("new-sources", *NAMES)
    ours.pkg("commit", "--clog", "--push")
    theirs.git("pull", "--quiet")
    [kept] = [path for path in cache.folder.rglob(NAMES[0]) if path.is_file()]
    kept.chmod(0o644)
    kept.write_bytes(b"damaged")
    (ours.path / NAMES[0]).unlink()

    assert (
        "failed checksum" in rpkg.run(theirs.path, rpkg.site(cache.url, tmp_path), "sources").text
    )
    assert "sha512" in str(ours.pkg("sources", code=5))
    assert not (ours.path / NAMES[0]).exists()


def test_what_scripts_read_is_the_same(
    rpkg: Rpkg, cache: Cache, theirs: GitRepository, ours: Distgit, tmp_path: Path
) -> None:
    site = rpkg.site(cache.url, tmp_path / "git")

    for verb in (
        ("verrel",),
        ("gimmespec",),
        ("unused-patches",),
        ("switch-branch", "-l"),
        ("diff",),
    ):
        wanted = rpkg.run(theirs.path, site, *verb).text.rstrip()
        assert ours.pkg(*verb).out.rstrip() == wanted, verb
    for verb in (("clog",), ("clog", "--raw")):
        rpkg.run(theirs.path, site, *verb)
        ours.pkg(*verb)
        assert (ours.path / "clog").read_text() == (theirs.path / "clog").read_text()
    wanted = json.loads(rpkg.run(theirs.path, site, "verrel", "--json").text)
    assert json.loads(ours.pkg("verrel", "--json").out) == wanted
    archives(theirs.path)
    archives(ours.path)
    made = rpkg.run(theirs.path, site, "srpm", "--offline").text.splitlines()[-1]
    assert Path(ours.pkg("srpm", "--offline").out.strip()).name == Path(made).name
    for verb in (("switch-branch", "nothing"), ("new",)):
        assert rpkg.run(theirs.path, site, *verb).code == 1
        assert ours.tried(*verb).code != 0
