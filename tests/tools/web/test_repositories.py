"""`rdo serve` makes repositories of any instant and of chosen builds on request."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path, PurePosixPath

import httpx
import pytest

from rdo.access.roles import Role
from rdo.publish.upkeep.signing_again import sign_again
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.signing.gpg_home import GpgHome
from rdo.web.repositories import allowance, kept, routes
from tests.as_root import AS_ROOT
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory, RpmShelf, factory, package
from tests.serving import Served, served, serving
from tests.unpacked import NotFetchedError
from tests.zypper import Zypper

Dnf = Callable[..., str]
REPOMD = "repodata/repomd.xml"


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with python-a 1.0 (build 1), 2.0 (build 3), and python-b, which needs it."""
    with factory(tmp_path, shelf, package("python-a"), package("python-b")) as opened:
        opened.publish("python-a", "aa11")
        opened.publish("python-b", "bb11", requires=("python3-a >= 1.0",))
        opened.now.now += timedelta(hours=1)
        opened.publish("python-a", "aa22", "2.0")
        yield opened


@pytest.fixture
def before(made: Factory) -> str:
    """The moment, as an address names it, before python-a 2.0 was published."""
    return f"{made.now.now - timedelta(minutes=30):%Y-%m-%dT%H:%M}"


@pytest.fixture
def dnf(tmp_path: Path) -> Dnf:
    """dnf with a new root for each call; `url` is its only repository."""

    def run(url: str, *args: str, root: str = "root", checks: str = "gpgcheck=0") -> str:
        (tmp_path / "repos.d").mkdir(exist_ok=True)
        (tmp_path / "repos.d/rdo.repo").write_text(
            f"[rdo]\nname=rdo\nbaseurl={url}\nskip_if_unavailable=0\n{checks}\n"
        )
        command = [
            *(*AS_ROOT, "dnf", "--quiet", "--assumeyes", "--releasever=1"),
            f"--installroot={tmp_path / root}",
            f"--setopt=cachedir={tmp_path / root}-cache",
            f"--setopt=reposdir={tmp_path / 'repos.d'}",
            "--setopt=pluginpath=/usr/lib/python3/dist-packages/dnf-plugins",
            "--disableplugin=local",
            *args,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def get(server: Served, path: str, **more: str) -> httpx.Response:
    return httpx.get(f"{server.url}/repo/{path}", headers=more, trust_env=False, timeout=PATIENCE)


def hrefs(server: Served, asked: str) -> list[str]:
    """The files that the repodata of a repository names."""
    words = get(server, f"{asked}/{REPOMD}").text.split('href="')
    return [word.partition('"')[0] for word in words[1:]]


def tree_of(made: Factory) -> list[str]:
    return sorted(str(path) for path in made.tree.repos.rglob("*"))


@pytest.mark.slow
def test_dnf_installs_from_an_instant_and_from_builds_of_choice(
    server: Served, made: Factory, before: str, dnf: Dnf, tmp_path: Path
) -> None:
    tree = tree_of(made)
    for number, (asked, version) in enumerate(
        (
            (f"{TARGET}@{before}", "1.0"),
            (f"{TARGET}@current", "2.0"),
            (f"{TARGET}+1@current", "1.0"),
            (f"{TARGET}+3+2@current@{before}", "2.0"),
        )
    ):
        root = f"root{number}"
        dnf(f"{server.url}/repo/{asked}/", "install", "python3-b", root=root)
        file = tmp_path / root / "usr/share/python-a/file"
        assert file.read_text() == f"python-a {version} 1\n", asked

    assert tree_of(made) == tree, "nothing enters the published tree"
    keys = sorted(path.name for path in (tmp_path / "data/cache/repodata").iterdir())
    assert len(keys) == 2, "the same set is made once"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")
def test_the_rpms_of_a_signed_target_are_signed_and_the_repodata_is_not(
    server: Served, made: Factory, dnf: Dnf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HOLD_SECONDS", 0)
    key = GpgHome(tmp_path / "home", is_ours=True).create_key("RDO tests", expires="2y")
    way = ByOwnKey(TARGET, tmp_path / "home", key)
    made.tree.signer = Signer(TARGET, way, made.tree.repos, "http://x", clock=made.now)
    url = f"{server.url}/repo/{TARGET}+1@current/"
    checks = f"gpgcheck=1\ngpgkey={(tmp_path / 'key').as_uri()}"

    with pytest.raises(AssertionError, match="is not signed"):
        dnf(url, "install", "python3-a", checks=checks)
    sign_again(made.tree, made.store)
    (tmp_path / "key").write_bytes(made.tree.signer.public_keys()[key])
    dnf(url, "install", "python3-a", root="signed", checks=checks)
    with pytest.raises(AssertionError, match=r"repomd\.xml"):
        dnf(url, "install", "python3-a", root="both", checks=f"{checks}\nrepo_gpgcheck=1")

    assert (tmp_path / "signed/usr/share/python-a/file").read_text() == "python-a 1.0 1\n"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")
def test_its_repo_file_asks_for_the_signatures_that_the_rpms_have(
    server: Served, made: Factory, before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HOLD_SECONDS", 0)
    address = f"{TARGET}+2@{before}"
    plain = get(server, f"{address}/delorean.repo").text
    key = GpgHome(tmp_path / "home", is_ours=True).create_key("RDO tests", expires="2y")
    way = ByOwnKey(TARGET, tmp_path / "home", key)
    made.tree.signer = Signer(TARGET, way, made.tree.repos, "http://x", clock=made.now)
    sign_again(made.tree, made.store)

    signed = get(server, f"{address}/delorean.repo").text

    assert plain.splitlines() == [
        "[delorean]",
        f"name=delorean-{address}",
        f"baseurl={server.url}/repo/{address}/",
        "enabled=1",
        "gpgcheck=0",
        "priority=1",
    ]
    name = made.tree.signer.key_name(key)
    file = f"https://trunk.example.test/{TARGET}/repos/{name}"
    assert set(signed.splitlines()) - set(plain.splitlines()) == {"gpgcheck=1", f"gpgkey={file}"}
    assert get(server, f"{TARGET}@nowhere/delorean.repo").status_code == 404
    assert get(server, f"{address}/other.repo").status_code == 404


@pytest.mark.slow
def test_zypper_installs_from_an_instant(server: Served, before: str, tmp_path: Path) -> None:
    try:
        zypper = Zypper(tmp_path / "zypper")
    except NotFetchedError as error:
        pytest.skip(str(error))
    zypper.follow(get(server, f"{TARGET}@{before}/delorean.repo").text)

    zypper("--no-gpg-checks", "refresh")
    zypper("--no-gpg-checks", "install", "python3-b")

    file = zypper.root / "usr/share/python-a/file"
    assert file.read_text() == "python-a 1.0 1\n"


@pytest.mark.slow
def test_reposync_takes_a_whole_copy(server: Served, before: str, dnf: Dnf, tmp_path: Path) -> None:
    url = f"{server.url}/repo/{TARGET}@{before}/"

    dnf(url, "reposync", "--download-metadata", f"--download-path={tmp_path / 'copy'}")

    copy = tmp_path / "copy/rdo"
    names = sorted(path.name for path in copy.rglob("*.rpm"))
    assert names == [
        "python-a-1.0-1.src.rpm",
        "python-b-1.0-1.src.rpm",
        "python3-a-1.0-1.noarch.rpm",
        "python3-b-1.0-1.noarch.rpm",
    ]
    dnf(copy.as_uri(), "install", "python3-b", root="of-copy")


def test_its_top_lists_the_builds(server: Served, before: str) -> None:
    for path in (f"{TARGET}@{before}", f"{TARGET}@{before}/"):
        answer = get(server, path)
        assert answer.text == "1 python-a python-a-1.0-1\n2 python-b python-b-1.0-1\n"
        assert answer.headers["Content-Type"].startswith("text/plain")
        head = httpx.head(f"{server.url}/repo/{path}", trust_env=False)
        assert head.headers["Content-Length"] == str(len(answer.content))


def test_it_holds_all_components(tmp_path: Path, shelf: RpmShelf) -> None:
    packages = (package("python-a", component="one"), package("python-b", component="two"))
    with factory(tmp_path, shelf, *packages, components=True) as made:
        made.publish("python-a", "a1", component="one")
        made.publish("python-b", "b1", component="two")
        with served(tmp_path, components=True) as server:
            answer = get(server, f"{TARGET}@current")

    assert answer.text == "1 python-a python-a-1.0-1\n2 python-b python-b-1.0-1\n"


BAD = (
    (f"{TARGET}@2026-13-45T99:00", 400, "'2026-13-45T99:00' is not a time"),
    (f"{TARGET}@2020-01-01", 404, "led nowhere at 2020-01-01"),
    (f"{TARGET}@noon", 404, "has no repository noon"),
    (f"{TARGET}+99@current", 404, f"{TARGET} has no build 99"),
    (f"{TARGET}+1+3@current", 400, "package python-a is named twice"),
    (f"{TARGET}+x@current", 400, "names no repository"),
    (f"{TARGET}@", 400, "names no repository"),
    (TARGET, 400, "names no repository"),
    (f"{TARGET}{'+1' * 21}@current", 400, "with 20 builds at most"),
    ("nothing@current", 404, "there is no target nothing"),
    ("other-deb12+1@current", 404, "other-deb12 has no repository current"),
)


def test_what_there_is_not_is_one_clear_line(server: Served) -> None:
    for asked, status, told in BAD:
        answer = get(server, f"{asked}/{REPOMD}")

        assert answer.status_code == status, asked
        assert list(answer.json()) == ["message"]
        assert told in answer.json()["message"]
        assert "\n" not in answer.json()["message"]


def test_no_path_of_a_client_opens_a_file(server: Served, made: Factory) -> None:
    pool = made.tree.repos / "pool"
    (pool / "secret").write_text("of the pool alone\n")
    good = f"{TARGET}@current"
    sha256 = next(one.name for one in pool.iterdir() if len(one.name) == 64)
    (pool / sha256 / "other.rpm").write_text("of the pool alone\n")
    assert get(server, f"{good}/{REPOMD}").status_code == 200
    for path in (
        f"{good}/repodata/..",
        f"{good}/repodata/../../../../rdo.toml",
        f"{good}/repodata/..%2f..%2f..%2frdo.sqlite",
        f"{good}/../../../rdo.toml",
        f"{good}/%2e%2e/%2e%2e/%2e%2e/rdo.toml",
        f"{good}/pool",
        f"{good}/pool/secret",
        f"{good}/pool/../pool/secret",
        f"{good}/pool/{sha256}/",
        f"{good}/pool/{sha256}/..",
        f"{good}/pool/{sha256}/../secret",
        f"{good}/pool/{sha256}/..%2f..%2fsecret",
        f"{good}/pool/{sha256}/other.rpm",
        f"{good}/pool/{'0' * 64}/python3-a-1.0-1.noarch.rpm",
        f"{good}/builds.txt",
        f"{good}//etc/passwd",
        f"{TARGET}@..%2f..%2frdo.toml/{REPOMD}",
        f"{TARGET}@.../{REPOMD}",
        f"..@current/{REPOMD}",
        f"{good}%00/{REPOMD}",
        f"{good}/{REPOMD}%00",
    ):
        status, body = get_as_it_is(server, f"/repo/{path}")
        assert status in {400, 404}, path
        assert b"of the pool alone" not in body


def get_as_it_is(server: Served, path: str) -> tuple[int, bytes]:
    """Ask for a path whose dots nobody normalizes."""
    with contextlib.closing(HTTPConnection(server.url.removeprefix("http://"))) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_client_that_asks_for_too_many_is_told_when_to_come_again(
    made: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_OF_ONE", 2)
    monkeypatch.setattr(allowance, "MOST_OF_ALL", 3)
    proxied = '[serve]\ntrusted-proxies = ["127.0.0.1"]'
    with served(tmp_path, more=proxied) as server:

        def ask(asked: str, client: str) -> httpx.Response:
            return get(server, f"{TARGET}{asked}/{REPOMD}", **{"X-Forwarded-For": client})

        assert ask("@current", "192.0.2.1").status_code == 200
        assert ask("+1@current", "192.0.2.1").status_code == 200
        refused = ask("+2@current", "192.0.2.1")
        assert ask("@current", "192.0.2.1").status_code == 200, "what is known costs nothing"
        assert ask("+99@current", "2001:db8::1").status_code == 404
        of_all = ask("+98@current", "2001:db8::2")

    assert refused.status_code == 429
    assert "you may ask for 2 repositories in 300 s" in refused.json()["message"]
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert of_all.status_code == 503
    assert 0 < int(of_all.headers["Retry-After"]) <= 300


def test_too_many_that_wait_are_refused(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_MOST_WAITING", 0)

    answer = get(server, f"{TARGET}@current/{REPOMD}")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_reading_may_be_protected(made: Factory, tmp_path: Path) -> None:
    with served(tmp_path, more="[serve]\nprotect-read = true") as server:
        path = f"{server.url}/repo/{TARGET}@current/{REPOMD}"
        token = server.token(Role.READER)
        nobody = httpx.get(path, trust_env=False, timeout=PATIENCE)
        reader = httpx.get(path, auth=("a-reader", token), trust_env=False, timeout=PATIENCE)

    assert (nobody.status_code, reader.status_code) == (401, 200)


def test_another_process_and_a_cache_that_is_gone_give_the_same_bytes(
    server: Served, tmp_path: Path
) -> None:
    path = f"{TARGET}+1@current/{REPOMD}"
    first = get(server, path).content
    with serving(server.app.anew()) as other:
        assert get(other, path).content == first
        shutil.rmtree(tmp_path / "data/cache/repodata")
        assert get(server, path).content == first
        assert get(other, path).content == first


def test_a_name_that_moves_leaves_its_readers_what_they_began_with(
    server: Served, made: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HOLD_SECONDS", 0)
    asked = f"{TARGET}@current"
    names = [
        word.partition('"')[0] for word in get(server, f"{asked}/{REPOMD}").text.split('href="')[1:]
    ]
    made.publish("python-a", "aa33", "3.0")

    assert "python-a-3.0-1" in get(server, asked).text
    assert len(names) == 3
    assert [get(server, f"{asked}/{name}").status_code for name in names] == [200] * 3


def test_rpms_that_were_purged_are_reported(server: Served, made: Factory) -> None:
    with made.store.write() as at:
        at.artifacts.forget([1])

    answer = get(server, f"{TARGET}+1@current/{REPOMD}")

    assert answer.status_code == 404
    assert answer.json()["message"] == "there is no good build of python-a at 1 with RPMs"


def test_the_cache_stays_below_its_bound(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data/cache/repodata"
    get(server, f"{TARGET}@current/{REPOMD}")
    [first] = folder.iterdir()
    os.utime(first, (1, 1))
    left = folder / f".{'0' * 64}.killed"
    left.mkdir()
    os.utime(left, (1, 1))
    monkeypatch.setattr(kept, "MOST_BYTES", 1)

    assert get(server, f"{TARGET}+1@current/{REPOMD}").status_code == 200

    [second] = folder.iterdir()
    assert second != first
    assert get(server, f"{TARGET}@current/{REPOMD}").status_code == 200, "it is made again"


KEEP = """\
import sys
from rdo.app import App
from rdo.web.repositories.asked import AskedSet
from rdo.web.repositories.kept import KeptRepodata
from pathlib import Path
app = App(Path(sys.argv[1]))
asked = AskedSet.parse(sys.argv[2])
builds = asked.choose(app.target(asked.target)).builds.values()
kept = KeptRepodata(Path(sys.argv[3]))
print("ready", flush=True)
while True:
    key = kept.keep(app.store, builds)
    kept.folder.joinpath(key).rename(kept.folder / f"{key}.seen")
    __import__("shutil").rmtree(kept.folder / f"{key}.seen")
"""


@pytest.mark.slow
def test_what_is_kept_is_complete_wherever_a_process_is_killed(
    server: Served, made: Factory, tmp_path: Path
) -> None:
    folder = tmp_path / "data/cache/repodata"
    command = [sys.executable, "-c", KEEP, str(tmp_path), f"{TARGET}@current", str(folder)]
    for number in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.05 + 0.013 * number)
            process.send_signal(signal.SIGKILL)
        for one in folder.iterdir():
            if len(one.name) == 64:
                assert len(list(one.glob("repodata/*"))) == 4
        for name in hrefs(server, f"{TARGET}@current"):
            assert get(server, f"{TARGET}@current/{name}").status_code == 200


def test_the_mirror_list_of_an_instant_names_the_repository_of_the_tree_and_its_mirrors(
    server: Served, made: Factory, before: str
) -> None:
    then = next(
        path.parent for path in made.tree.repos.glob("bb/11/*/versions.csv")
    )  # python-b was published last before that moment
    own = f"{made.tree.site.url(PurePosixPath(then.relative_to(made.tree.repos)))}/"
    assert get(server, f"{TARGET}@{before}/mirrorlist").text == f"{own}\n"
    listed = f"{own}\nhttps://mirror.example.test/rdo/repositories/0123456789abcdef/\n"
    (then / "mirrorlist").write_text(listed)  # as a push does

    assert get(server, f"{TARGET}@{before}/mirrorlist").text == listed
    address = f"{TARGET}+1@current"
    assert get(server, f"{address}/mirrorlist").text == f"{server.url}/repo/{address}/\n"
    assert get(server, f"{TARGET}@nowhere/mirrorlist").status_code == 404
