"""Our client of a lookaside cache at a server that takes nothing but rpkg's protocol."""

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.lookaside.client import LookasideCache
from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import SourceEntry
from tests.fakes.strict_lookaside import StrictLookaside, strict_lookaside

CONTENT = bytes(range(256)) * 400
NAME = "foo+bar~rc1^2.tar.gz"
CHANGED = 1_500_000_000


# A client that is killed when a download has broken off, before it tries again.
KILLED = """\
import os, pathlib, signal, sys
from rdo.lookaside.client import LookasideCache
from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import SourceEntry
url, name, digest, place = sys.argv[1:]
cache = LookasideCache((url,), sleep=lambda _: os.kill(os.getpid(), signal.SIGKILL))
cache.download("rpms/foo", SourceEntry(name, HashType.SHA512, digest), pathlib.Path(place))
"""


def entry(content: bytes = CONTENT, kind: HashType = HashType.SHA512) -> SourceEntry:
    return SourceEntry(NAME, kind, hashlib.new(kind, content).hexdigest())


def path_of(one: SourceEntry) -> str:
    return f"/rpms/foo/{NAME}/{one.hash_type}/{one.digest}/{NAME}"


@pytest.fixture
def server() -> Iterator[StrictLookaside]:
    with strict_lookaside() as made:
        yield made


def cache(*servers: StrictLookaside, user: str = "", password: str = "") -> LookasideCache:
    urls = tuple(one.url for one in servers)
    upload = f"{urls[0]}/upload.cgi"
    return LookasideCache(urls, upload, user=user, password=password, sleep=lambda _: None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / NAME
    made.write_bytes(CONTENT)
    os.utime(made, (CHANGED, CHANGED))
    return made


def test_a_file_is_asked_for_uploaded_and_downloaded(
    server: StrictLookaside, file: Path, tmp_path: Path
) -> None:
    mine = cache(server)

    assert not mine.has("rpms/foo", entry())
    assert not mine.serves("rpms/foo", entry())
    assert mine.upload("rpms/foo", entry(), file)
    assert not mine.upload("rpms/foo", entry(), file)
    assert mine.serves("rpms/foo", entry())
    mine.download("rpms/foo", entry(), tmp_path / "back")

    assert server.files == {path_of(entry()): (CONTENT, CHANGED)}
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert (tmp_path / "back").stat().st_mtime == CHANGED


def test_the_old_md5_is_read(server: StrictLookaside, tmp_path: Path) -> None:
    old = entry(kind=HashType.MD5)
    server.has(path_of(old), CONTENT)

    cache(server).download("rpms/foo", old, tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == CONTENT


def test_a_login_is_sent_and_a_wrong_one_is_one_clear_error(
    server: StrictLookaside, file: Path
) -> None:
    server.login = "Basic " + base64.b64encode(b"alice:right").decode()

    for user, password in (("", ""), ("alice", "wrong")):
        with pytest.raises(RefusedError, match=r"^Dist-git request is unauthorized\.$"):
            cache(server, user=user, password=password).upload("rpms/foo", entry(), file)
    assert server.files == {}

    cache(server, user="alice", password="right").upload("rpms/foo", entry(), file)
    assert list(server.files) == [path_of(entry())]


def test_a_login_of_netrc_is_sent(
    server: StrictLookaside, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login = "Basic " + base64.b64encode(b"alice:right").decode()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login alice password right\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert cache(server).upload("rpms/foo", entry(), file)


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_goes_on_or_begins_again(
    server: StrictLookaside, tmp_path: Path, knows_ranges: bool
) -> None:
    server.has(path_of(entry()), CONTENT)
    server.knows_ranges, server.sends_at_most = knows_ranges, 40_000
    place = tmp_path / "back"

    if not knows_ranges:
        with pytest.raises(OutsideError):
            cache(server).download("rpms/foo", entry(), place)
        assert not place.exists()
        server.sends_at_most = len(CONTENT)
    cache(server).download("rpms/foo", entry(), place)

    begins = [one.split()[2] for one in server.asked]
    assert begins == (["0", "40000", "80000"] if knows_ranges else ["0"] * 4)
    assert place.read_bytes() == CONTENT
    assert [one.name for one in tmp_path.iterdir() if "back" in one.name] == ["back"]


def test_a_download_that_is_killed_leaves_no_half_file_and_goes_on(
    server: StrictLookaside, tmp_path: Path
) -> None:
    server.has(path_of(entry()), CONTENT)
    server.sends_at_most = 40_000
    place = tmp_path / "back"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, server.url, NAME, entry().digest, str(place)], check=False
    )

    assert done.returncode == -9
    assert not place.exists()
    assert (tmp_path / ".back.part").stat().st_size == 40_000
    cache(server).download("rpms/foo", entry(), place)
    assert place.read_bytes() == CONTENT


def test_an_upload_that_breaks_off_is_reported_and_can_be_repeated(
    server: StrictLookaside, file: Path
) -> None:
    server.reads_at_most = 30_000

    with pytest.raises(OutsideError, match="cannot reach"):
        cache(server).upload("rpms/foo", entry(), file)
    assert server.files == {}

    server.reads_at_most = 1 << 20
    assert cache(server).upload("rpms/foo", entry(), file)


def test_a_file_with_another_hash_is_never_kept(server: StrictLookaside, tmp_path: Path) -> None:
    server.has(path_of(entry()), CONTENT[::-1])
    place = tmp_path / "back"

    with pytest.raises(RefusedError, match="sha512"):
        cache(server).download("rpms/foo", entry(), place)

    assert list(tmp_path.glob("*back*")) == []


def test_mirrors_are_asked_in_order(server: StrictLookaside, tmp_path: Path) -> None:
    with strict_lookaside() as lying, strict_lookaside() as ill, strict_lookaside() as empty:
        lying.has(path_of(entry()), b"another")
        ill.is_ill = True
        server.has(path_of(entry()), CONTENT)
        mine = cache(lying, ill, empty, server)

        mine.download("rpms/foo", entry(), tmp_path / "back")

        assert (tmp_path / "back").read_bytes() == CONTENT
        assert [len(one.asked) for one in (lying, ill, empty, server)] == [1, 3, 1, 1]
        with pytest.raises(NotFoundError):
            cache(empty).download("rpms/foo", entry(), tmp_path / "no")
        with pytest.raises(OutsideError):
            cache(ill).has("rpms/foo", entry())


def test_a_proxy_of_the_environment_is_used(
    server: StrictLookaside, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "other.example.test")
    far = "http://cache.example.test"
    mine = LookasideCache((far,), f"{far}/upload.cgi")

    mine.upload("rpms/foo", entry(), file)
    mine.download("rpms/foo", entry(), tmp_path / "back")

    assert server.hosts == {"cache.example.test"}
    assert (tmp_path / "back").read_bytes() == CONTENT


def test_of_several_files_one_fault_is_reported_and_the_others_are_there(
    server: StrictLookaside, tmp_path: Path
) -> None:
    wanted = []
    for number in range(12):
        content = CONTENT + bytes([number])
        one = entry(content)
        server.has(path_of(one), content if number != 7 else b"damaged")
        wanted.append((one, tmp_path / f"file-{number}"))

    with pytest.raises(RefusedError, match="sha512"):
        cache(server).download_all("rpms/foo", wanted)

    there = {one.name for one in tmp_path.glob("*file-*")}
    assert there == {f"file-{number}" for number in range(12)} - {"file-7"}
