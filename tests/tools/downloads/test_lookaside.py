"""A lookaside cache, both sides: our server, our client, and curl as others speak to it."""

import contextlib
import hashlib
import http.server
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.lookaside.care import unnamed, verify
from rdo.lookaside.client import LookasideCache
from rdo.lookaside.hashes import HashType
from rdo.lookaside.layout import Layout
from rdo.lookaside.sources_file import SourceEntry
from rdo.lookaside.storage import INCOMING, Storage
from rdo.web.lookaside.application import lookaside
from rdo.web.lookaside.uploaders import Uploaders, read_users
from tests.conftest import GitRepository
from tests.disk import Disk
from tests.distgits import Distgit
from tests.patience import PATIENCE
from tests.serving import running

CONTENT = b"an archive" * 1000
USER, PASSWORD = "alice", "correct horse"


def entry(content: bytes = CONTENT, name: str = "foo-1.0.tar.gz") -> SourceEntry:
    return SourceEntry(name, HashType.SHA512, hashlib.sha512(content).hexdigest())


@dataclass(frozen=True)
class Server:
    """A running server of a folder."""

    storage: Storage
    url: str

    @property
    def cache(self) -> LookasideCache:
        return LookasideCache(
            (self.url,), f"{self.url}/upload.cgi", self.storage.layout, USER, PASSWORD
        )

    def post(self, *fields: str, user: str = f"{USER}:{PASSWORD}") -> tuple[str, int]:
        """Send a form with curl, as rpkg's pycurl does."""
        parts = [part for one in fields for part in ("-F", one)]
        command = ["curl", "-s", "-w", "\n%{http_code}", "-u", user, *parts]
        done = subprocess.run(
            [*command, f"{self.url}/upload.cgi"], capture_output=True, text=True, check=True
        )
        body, _, status = done.stdout.rpartition("\n")
        return body.strip(), int(status)


@contextlib.contextmanager
def serving(storage: Storage, uploaders: Uploaders) -> Iterator[Server]:
    with running(lookaside(storage, uploaders)) as url:
        yield Server(storage, url)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Uploaders:
    command = ["openssl", "passwd", "-6", PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    file = tmp_path_factory.mktemp("users") / "users"
    file.write_text(f"# who may upload\n{USER}:{done.stdout.strip()}\n")
    return Uploaders(read_users(file))


@pytest.fixture
def server(tmp_path: Path, users: Uploaders) -> Iterator[Server]:
    with serving(Storage(tmp_path / "cache"), users) as made:
        yield made


def archive(folder: Path, content: bytes = CONTENT, name: str = "foo-1.0.tar.gz") -> Path:
    file = folder / name
    file.write_bytes(content)
    os.utime(file, (1_500_000_000, 1_500_000_000))
    return file


def test_the_protocol_to_the_letter(server: Server, tmp_path: Path) -> None:
    file = archive(tmp_path)
    name, digest = "name=rpms/foo", f"sha512sum={entry().digest}"
    assert server.post(name, digest, "filename=foo-1.0.tar.gz") == ("Missing", 200)
    assert server.post(name, digest, "mtime=1500000000", f"file=@{file}")[1] == 200
    assert server.post(name, digest, "filename=foo-1.0.tar.gz") == ("Available", 200)
    said = server.post(name, "filename=foo-1.0.tar.gz")
    assert said == ("Required checksum is not present", 400)
    said = server.post(name, digest, f"file=@{file}", user="alice:wrong")
    assert said == ("Dist-git request is unauthorized.", 401)

    path = f"rpms/foo/foo-1.0.tar.gz/sha512/{entry().digest}/foo-1.0.tar.gz"
    answer = httpx.get(
        f"{server.url}/{path}", headers={"Accept-Encoding": "identity"}, timeout=PATIENCE
    )
    assert answer.content == CONTENT
    assert answer.headers["last-modified"] == "Fri, 14 Jul 2017 02:40:00 GMT"
    assert httpx.head(f"{server.url}/{path}").status_code == 200
    assert httpx.head(f"{server.url}/{path}x").status_code == 404


def test_an_upload_comes_back(server: Server, tmp_path: Path) -> None:
    file = archive(tmp_path)
    assert server.cache.upload("rpms/foo", entry(), file)
    assert not server.cache.upload("rpms/foo", entry(), file)
    server.cache.download("rpms/foo", entry(), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert (tmp_path / "back").stat().st_mtime == 1_500_000_000


def test_a_file_that_is_not_what_it_says_is_not_kept(server: Server, tmp_path: Path) -> None:
    said, status = server.post("name=foo", f"sha512sum={'0' * 128}", f"file=@{archive(tmp_path)}")
    assert status == 400
    assert "not the announced" in said
    assert list(server.storage.files()) == []
    assert list((server.storage.folder / INCOMING).iterdir()) == []


@pytest.mark.parametrize(
    "fields",
    [
        ("name=../foo", f"sha512sum={'0' * 128}", "filename=a"),
        ("name=foo", f"sha512sum={'0' * 128}", "filename=../../etc/passwd"),
        ("name=foo", "md5sum=" + "0" * 32, "file=@/etc/hostname"),
        ("name=foo", "sha512sum=nothing", "filename=a"),
        ("filename=a", f"sha512sum={'0' * 128}"),
        tuple(f"field{number}=x" for number in range(30)),
        ("name=" + "x" * 5000, f"sha512sum={'0' * 128}", "filename=a"),
    ],
)
def test_a_bad_form_is_one_clear_answer(server: Server, fields: tuple[str, ...]) -> None:
    said, status = server.post(*fields)
    assert status == 400
    assert said
    assert "\n" not in said


def test_a_body_that_is_no_form(server: Server) -> None:
    login = (USER, PASSWORD)
    url = f"{server.url}/upload.cgi"
    assert httpx.post(url, content=b"x", auth=login, timeout=PATIENCE).status_code == 400
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert (
        httpx.post(url, content=b"--b\r\nx", headers=kind, auth=login, timeout=PATIENCE).status_code
        == 400
    )


@pytest.mark.parametrize("path", ["", "..%2f..%2fetc/passwd", "users", ".incoming/x", "a/b/c/d/e"])
def test_a_path_that_is_none(server: Server, path: str) -> None:
    assert httpx.get(f"{server.url}/{path}", timeout=PATIENCE).status_code == 404


def test_limits_of_a_file_and_of_a_package(tmp_path: Path, users: Uploaders) -> None:
    storage = Storage(tmp_path / "cache", file_bytes=20_000, package_bytes=15_000)
    with serving(storage, users) as server:
        server.cache.upload("foo", entry(), archive(tmp_path))
        other = archive(tmp_path, CONTENT + b"2", "foo-2.tar.gz")
        with pytest.raises(RefusedError, match="15000 bytes"):
            server.cache.upload("foo", entry(CONTENT + b"2", other.name), other)
        server.cache.upload("bar", entry(CONTENT + b"2", other.name), other)
        large = archive(tmp_path, CONTENT * 3, "large.tar.gz")
        with pytest.raises(RefusedError, match="larger than 20000"):
            server.cache.upload("baz", entry(CONTENT * 3, large.name), large)
    assert {file.package for file in storage.files()} == {"foo", "bar"}


def test_a_mirror_takes_no_uploads(tmp_path: Path) -> None:
    with serving(Storage(tmp_path / "cache"), Uploaders()) as server:
        said, status = server.post("name=foo", f"sha512sum={'0' * 128}", "filename=a")
        assert (said, status) == ("this cache takes no uploads", 403)


def test_a_proxy_names_the_user(tmp_path: Path) -> None:
    form = {"name": (None, "foo"), "sha512sum": (None, "0" * 128), "filename": (None, "a")}
    who = {"X-Remote-User": "alice"}
    for proxies, status in ((("127.0.0.1",), 200), (("192.0.2.1",), 401)):
        uploaders = Uploaders(user_header="X-Remote-User", proxies=proxies)
        with serving(Storage(tmp_path / "cache"), uploaders) as server:
            answer = httpx.post(
                f"{server.url}/upload.cgi", files=form, headers=who, timeout=PATIENCE
            )
            assert answer.status_code == status


def test_centos_layout(tmp_path: Path, users: Uploaders) -> None:
    with serving(Storage(tmp_path / "cache", Layout.CENTOS), users) as server:
        server.cache.upload("foo", entry(), archive(tmp_path), "c9s-sig")
        assert (tmp_path / "cache/foo/c9s-sig" / entry().digest).read_bytes() == CONTENT
        server.cache.download("foo", entry(), tmp_path / "back", "c9s-sig")
        assert (tmp_path / "back").read_bytes() == CONTENT
        assert [file.package for file in server.storage.files()] == ["foo"]


class Broken(http.server.BaseHTTPRequestHandler):
    """A server that ends each connection in the middle, but goes on where it is asked to."""

    asked: list[str]
    content = CONTENT

    def do_GET(self) -> None:
        begin = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
        type(self).asked.append(begin)
        rest = self.content[int(begin) :]
        self.send_response(206 if int(begin) else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[:4000])
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def broken(content: bytes = CONTENT) -> Iterator[tuple[str, type[Broken]]]:
    handler = type("Handler", (Broken,), {"asked": [], "content": content})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{one.server_port}", handler
        finally:
            one.shutdown()
            thread.join()


def test_a_download_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    place = tmp_path / "foo-1.0.tar.gz"
    with broken() as (url, handler):
        LookasideCache((url,), sleep=lambda _: None).download("foo", entry(), place)
        assert handler.asked == ["0", "4000", "8000"]
    assert place.read_bytes() == CONTENT


def test_nothing_half_has_the_name_of_a_file(tmp_path: Path) -> None:
    place = tmp_path / "foo-1.0.tar.gz"
    with broken(CONTENT * 3) as (url, _):
        cache = LookasideCache((url,), sleep=lambda _: None)
        with pytest.raises(OutsideError):
            cache.download("foo", entry(CONTENT * 3), place)
        assert not place.exists()
        with contextlib.suppress(OutsideError):
            cache.download("foo", entry(CONTENT * 3), place)  # it goes on
        cache.download("foo", entry(CONTENT * 3), place)
    assert place.read_bytes() == CONTENT * 3


def test_a_wrong_file_is_refused_and_the_next_server_asked(server: Server, tmp_path: Path) -> None:
    server.cache.upload("foo", entry(), archive(tmp_path))
    place = tmp_path / "back"
    with broken(b"something else") as (url, _):
        with pytest.raises(RefusedError, match="sha512"):
            LookasideCache((url,)).download("foo", entry(), place)
        assert not place.exists()
        LookasideCache((url, server.url)).download("foo", entry(), place)
    assert place.read_bytes() == CONTENT


def test_a_link_of_the_distgit_is_not_written_through(server: Server, tmp_path: Path) -> None:
    server.cache.upload("foo", entry(), archive(tmp_path))
    victim = tmp_path / "victim"
    (tmp_path / ".back.part").symlink_to(victim)
    with pytest.raises(RefusedError, match="is a link"):
        server.cache.download("foo", entry(), tmp_path / "back")
    assert not victim.exists()


def test_what_the_cache_has_not(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        server.cache.download("foo", entry(), tmp_path / "back")


def test_uploads_of_one_file_at_once(server: Server, tmp_path: Path) -> None:
    file = archive(tmp_path)
    threads = [
        threading.Thread(target=server.cache.upload, args=("foo", entry(), file)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (found,) = server.storage.files()
    assert server.storage.is_whole(found)
    assert list((server.storage.folder / INCOMING).iterdir()) == []


def test_verify_finds_what_is_damaged(server: Server, tmp_path: Path) -> None:
    server.cache.upload("foo", entry(), archive(tmp_path))
    server.cache.upload("bar", entry(), archive(tmp_path))
    (bad, _) = server.storage.files()
    (server.storage.folder / bad.path).write_bytes(b"broken")
    (server.storage.folder / "stray").touch()
    health = verify(server.storage)
    assert (health.files, health.damaged, health.strays) == (2, (bad.path,), ("stray",))


def test_what_no_distgit_names(server: Server, tmp_path: Path) -> None:
    for name in ("before", "now", "never"):
        content = CONTENT + name.encode()
        one = entry(content, f"{name}.tar.gz")
        server.cache.upload("foo", one, archive(tmp_path, content, one.name))
        if name != "never":
            repository = GitRepository(tmp_path / "distgits/foo")
            repository.commit(name, {"sources": f"# a list\n{one}\n"})
    found = unnamed(server.storage, tmp_path / "distgits", days=0)
    assert [file.entry.name for file in found] == ["never.tar.gz"]
    assert list(unnamed(server.storage, tmp_path / "distgits", days=1)) == []
    with pytest.raises(NotFoundError):
        list(unnamed(server.storage, tmp_path / "cache", days=0))


@pytest.fixture
def distgit(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> Distgit:
    """A distgit of a site whose cache is the server."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RDO_LOOKASIDE_USER", USER)
    monkeypatch.setenv("RDO_LOOKASIDE_PASSWORD", PASSWORD)
    folder = tmp_path / "config/rdo/sites"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        f'[mine]\nhosts = ["git.example.test"]\nlookaside = ["{server.url}"]\n'
        f'upload = "{server.url}/upload.cgi"\nnamespace = "rpms"\nlookaside-namespace = true\n'
    )
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec(source="https://example.test/foo-1.0.tar.gz")
    repository.git("remote", "add", "origin", "https://git.example.test/rpms/foo-bar.git")
    return repository


def test_a_day_of_a_maintainer(distgit: Distgit, server: Server) -> None:
    file = archive(distgit.path)
    said = distgit.pkg("new-sources", "foo-1.0.tar.gz").out
    assert "Source upload succeeded. Don't forget to commit the sources file" in said
    assert (distgit.path / "sources").read_text() == f"{entry()}\n"
    assert "/foo-1.0.tar.gz" in (distgit.path / ".gitignore").read_text()
    assert distgit.git("diff", "--cached", "--name-only").split() == [".gitignore", "sources"]
    (found,) = server.storage.files()
    assert found.package == "rpms/foo-bar"

    assert "already downloaded" in distgit.pkg("sources").out
    file.unlink()
    assert distgit.pkg("sources", "--offline", code=5)
    distgit.pkg("sources")
    assert file.read_bytes() == CONTENT


def test_a_file_that_the_spec_does_not_use(distgit: Distgit, server: Server) -> None:
    archive(distgit.path)
    archive(distgit.path, b"old", "old-1.tar.gz")
    distgit.pkg("upload", "foo-1.0.tar.gz", "old-1.tar.gz")
    (distgit.path / "old-1.tar.gz").unlink()
    assert "Not downloading unused old-1.tar.gz" in distgit.pkg("sources").out
    distgit.pkg("sources", "--force")
    assert (distgit.path / "old-1.tar.gz").read_bytes() == b"old"


def test_a_spec_that_cannot_be_read_yet_gets_all_files(distgit: Distgit, server: Server) -> None:
    file = archive(distgit.path, b"%made 1\n", "macros.foo")
    distgit.pkg("upload", "macros.foo")
    file.unlink()
    distgit.edit("Name: ", "Source1: macros.foo\n%{load:%{SOURCE1}}\nName: ")
    assert "taking all files of the list" in distgit.pkg("sources").err
    assert file.read_bytes() == b"%made 1\n"


def test_a_push_asks_the_cache_of_centos_for_the_branch(
    distgit: Distgit, tmp_path: Path, users: Uploaders
) -> None:
    bare = tmp_path / "bare"
    GitRepository(bare).git("config", "receive.denyCurrentBranch", "ignore")
    distgit.git("remote", "set-url", "origin", str(bare))
    distgit.git("checkout", "--quiet", "-b", "my-fix")
    distgit.git("config", "branch.my-fix.remote", "origin")
    distgit.git("config", "branch.my-fix.merge", "refs/heads/c9s-sig")
    with serving(Storage(tmp_path / "centos", Layout.CENTOS), users) as server:
        (tmp_path / "config/rdo/sites/centos.toml").write_text(
            f'[own]\nhosts = ["git.example.test"]\nlookaside = ["{server.url}"]\n'
            f'upload = "{server.url}/upload.cgi"\nlayout = "centos"\n'
        )
        archive(distgit.path)
        distgit.pkg("new-sources", "foo-1.0.tar.gz", "--site", "own")
        assert [file.entry.digest for file in server.storage.files()] == [entry().digest]
        head = distgit.commit("Sources", {})
        distgit.pkg("push", "--site", "own")
    assert distgit.git("ls-remote", "origin", "refs/heads/c9s-sig").split()[0] == head


def test_an_upload_can_be_tried_and_undone(distgit: Distgit, server: Server) -> None:
    archive(distgit.path)
    before = distgit.state
    distgit.pkg("upload", "foo-1.0.tar.gz", "--dry-run")
    assert list(server.storage.files()) == []
    assert distgit.state == before
    distgit.pkg("upload", "foo-1.0.tar.gz")
    distgit.pkg("undo")
    assert not (distgit.path / "sources").exists()


def test_a_tracked_file_is_refused(distgit: Distgit, server: Server) -> None:
    archive(distgit.path)
    distgit.commit("Add it", {"x": "y"})
    distgit.git("add", "-f", "foo-1.0.tar.gz")
    assert "tracked by git" in str(distgit.pkg("upload", "foo-1.0.tar.gz", code=5))
    assert list(server.storage.files()) == []


def test_a_site_that_nobody_knows(distgit: Distgit) -> None:
    archive(distgit.path)
    distgit.git("remote", "set-url", "origin", "https://other.example.test/foo.git")
    assert "no site is known for other.example.test" in str(
        distgit.pkg("upload", "foo-1.0.tar.gz", code=4)
    )
    distgit.pkg("upload", "foo-1.0.tar.gz", "--site", "mine")


def test_rpkgs_own_configuration_is_read(distgit: Distgit, server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "config/rpkg"
    folder.mkdir()
    (folder / "old.conf").write_text(
        f"[old]\nlookaside = {server.url}\nlookasidehash = sha512\n"
        f"lookaside_cgi = {server.url}/upload.cgi\n"
        "gitbaseurl = ssh://%(user)s@old.example.test/%(repo)s\n"
        "anongiturl = https://old.example.test/%(repo)s\n"
    )
    archive(distgit.path)
    distgit.git("remote", "set-url", "origin", "ssh://me@old.example.test/foo")
    distgit.pkg("upload", "foo-1.0.tar.gz")
    assert [file.package for file in server.storage.files()] == ["foo"]
    assert "old" in distgit.pkg("sites").out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_is_reported_and_nothing_is_half(tmp_path: Path, users: Uploaders) -> None:
    disk = Disk(tmp_path / "disk")
    disk.mount("64k")
    try:
        with serving(Storage(disk.place), users) as server:
            big = os.urandom(200_000)
            with pytest.raises(OutsideError, match="full"):
                server.cache.upload("foo", entry(big), archive(tmp_path, big))
            assert list(server.storage.files()) == []
            server.cache.upload("foo", entry(), archive(tmp_path))
    finally:
        subprocess.run(["umount", disk.place], check=True)


def test_an_upload_that_stops_leaves_nothing(server: Server, tmp_path: Path) -> None:
    file = archive(tmp_path, os.urandom(4_000_000))
    form = ["-F", "name=foo", "-F", f"sha512sum={'0' * 128}", "-F", f"file=@{file}"]
    command = ["curl", "-s", "--limit-rate", "200k", "-u", f"{USER}:{PASSWORD}", *form]
    with subprocess.Popen([*command, f"{server.url}/upload.cgi"]) as curl:
        incoming = server.storage.folder / INCOMING
        for _ in range(200):
            if incoming.is_dir() and any(incoming.iterdir()):
                break
            time.sleep(0.05)
        assert any(incoming.iterdir())
        curl.kill()
    for _ in range(200):
        if not any(incoming.iterdir()):
            break
        time.sleep(0.05)
    assert not any(incoming.iterdir())
    assert list(server.storage.files()) == []
