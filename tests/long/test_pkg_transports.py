"""A maintainer's day with `rdo pkg` against git itself, over ssh and over http."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import SPEC, Distgit
from tests.fakes.git_transports import SSHD, HttpServer, SshServer
from tests.fakes.koji_hub import KojiHubServer
from tests.fakes.strict_lookaside import StrictLookaside, strict_lookaside

MISSING_SSHD = os.geteuid() != 0 or not Path(SSHD).exists()


@pytest.fixture(
    params=[
        pytest.param(
            "ssh", marks=pytest.mark.skipif(MISSING_SSHD, reason="needs root and an sshd")
        ),
        "http",
    ]
)
def url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], str]]:
    """A function that returns the URL of a repository below `tmp_path`."""
    server: SshServer | HttpServer = HttpServer(tmp_path)
    if request.param == "ssh":
        (tmp_path / "ssh").mkdir()
        server = SshServer(tmp_path / "ssh")
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def cache() -> Iterator[StrictLookaside]:
    with strict_lookaside() as server:
        yield server


@pytest.fixture
def work(
    url: Callable[[Path], str],
    cache: StrictLookaside,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: object,
) -> Distgit:
    """A folder to clone into, and a site with one package that has three branches."""
    first = GitRepository(tmp_path / "first", "rawhide")
    spec = SPEC.format(
        version="1.0.0", release="1%{?dist}", source="foo-1.0.0.txt", extra="", prep="%setup -cT"
    )
    first.commit("One", {"foo-bar.spec": spec, "foo-1.0.0.txt": "source"})
    first.git("branch", "f42")
    first.git("branch", "epel9")
    bare = tmp_path / "git/rpms/foo-bar.git"
    bare.parent.mkdir(parents=True)
    first.git("clone", "--quiet", "--bare", ".", str(bare))
    pattern = url(bare).replace("rpms/foo-bar", "{package}")
    folder = tmp_path / "config/rdo/sites"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        f'[mine]\ngit = "{pattern}"\nanonymous = "{pattern}"\nnamespace = "rpms"\n'
        f'lookaside = ["{cache.url}"]\nupload = "{cache.url}/upload.cgi"\nbuilder = "koji"\n'
    )
    monkeypatch.setenv("RDO_SITE", "mine")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Distgit(tmp_path / "work", monkeypatch, capsys)


def distgit_of(work: Distgit, name: str) -> Distgit:
    return Distgit(work.path / name, work._monkeypatch, work._capsys)


def at_origin(tmp_path: Path, *args: str) -> str:
    """The output of git in the bare repository."""
    command = ["git", "-C", str(tmp_path / "git/rpms/foo-bar.git"), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_day(work: Distgit, tmp_path: Path) -> None:
    work.pkg("clone", "--site", "mine", "foo-bar")
    mine = distgit_of(work, "foo-bar")
    assert mine.git("symbolic-ref", "--short", "HEAD") == "rawhide"
    assert "pre-push-check" in (mine.path / ".git/hooks/pre-push").read_text()
    assert "  origin/f42" in mine.pkg("switch-branch", "-l", "--fetch").out
    mine.pkg("switch-branch", "f42")
    assert mine.pkg("verrel").out == "foo-bar-1.0.0-1.fc42\n"
    assert mine.pkg("giturl").out.startswith("git+")
    mine.edit("Summary: ", "Summary: x")
    mine.pkg("commit", "-m", "Change", "--tag", "--push")
    assert at_origin(tmp_path, "rev-parse", "f42") == mine.git("rev-parse", "HEAD")

    work.pkg("co", "--site", "mine", "-a", "rpms/foo-bar", "theirs", "-b", "f42", "--depth", "1")
    theirs = distgit_of(work, "theirs")
    theirs.edit("Summary: ", "Summary: y")
    theirs.pkg("commit", "-m", "Theirs", "-p")
    mine.pkg("pull")
    assert mine.message == "Theirs"
    mine.edit("Summary: ", "Summary: z")
    mine.pkg("commit", "-m", "Mine")
    theirs.edit("License: ", "License: MIT OR")
    theirs.pkg("commit", "-m", "Theirs again", "-p")
    assert "have diverged" in str(mine.pkg("pull", code=5))
    mine.pkg("pull", "--rebase")
    mine.pkg("push", "--dry-run")
    mine.pkg("push")
    theirs.pkg("pull")
    assert theirs.git("rev-parse", "HEAD") == mine.git("rev-parse", "HEAD")
    mine.pkg("switch-branch", "rawhide")
    mine.pkg("retire", "No longer wanted", "--push")
    assert at_origin(tmp_path, "ls-tree", "--name-only", "rawhide") == "dead.package"


def test_sources_and_srpms_go_through_the_cache(
    work: Distgit, cache: StrictLookaside, tmp_path: Path
) -> None:
    work.pkg("clone", "foo-bar", "--site", "mine", "-b", "f42")
    mine = distgit_of(work, "foo-bar")
    content = gzip.compress(os.urandom(50_000))
    (mine.path / "more-1.tar.gz").write_bytes(content)
    mine.edit("Source0: ", "Source1: more-1.tar.gz\nSource0: ")

    assert "Source upload succeeded" in mine.pkg("new-sources", "more-1.tar.gz").out
    mine.pkg("commit", "-m", "More", "-p")
    assert [path.split("/")[1:3] for path in cache.files] == [["foo-bar", "more-1.tar.gz"]]

    work.pkg("clone", "foo-bar", "theirs", "--site", "mine", "-b", "f42")
    theirs = distgit_of(work, "theirs")
    said = theirs.pkg("srpm", "--outdir", str(tmp_path)).out
    assert "foo-bar-1.0.0-1.fc42.src.rpm" in said
    assert (theirs.path / "more-1.tar.gz").read_bytes() == content

    work.pkg("clone", "foo-bar", "old", "--site", "mine", "-b", "epel9")
    old = distgit_of(work, "old")
    old.pkg("import", str(tmp_path / "foo-bar-1.0.0-1.fc42.src.rpm"))
    old.pkg("commit", "-m", "Import", "-p")
    assert "more-1.tar.gz" in at_origin(tmp_path, "show", "epel9:sources")
    assert at_origin(tmp_path, "show", "epel9:foo-bar.spec") == mine.text.strip()
    assert len(cache.files) == 1  # it was there


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KojiHubServer]:
    """A hub that builds what it clones, and an rdo.toml that names it."""
    pytest.importorskip("koji", reason="the extra koji is not installed")
    server = KojiHubServer(tmp_path / "hub")
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "rdo.toml").write_text(
        f'[builders.koji]\nserver = "{server.url}"\nuser = "rdo"\npoll-seconds = 1\n'
        f'password-file = "{tmp_path}/password"\nkoji-target = "rdo-el9"\n'
    )
    monkeypatch.setenv("RDO_CONFIG", str(tmp_path / "rdo.toml"))
    yield server
    server.close()


# koji's own client leaves the file open that it has uploaded
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_farm_builds_what_is_pushed(
    work: Distgit, hub: KojiHubServer, url: Callable[[Path], str], tmp_path: Path
) -> None:
    bare = tmp_path / "git/rpms/foo-bar.git"
    lib = GitRepository(tmp_path / "lib", "f42")
    spec = SPEC.format(version="1", release="1", source="", extra="", prep="%setup -cT")
    spec = spec.replace("Source0:", "# none").replace("foo-bar", "lib")
    lib.commit("One", {"lib.spec": spec})
    lib.git("clone", "--quiet", "--bare", ".", str(bare.with_name("lib.git")))
    work.pkg("clone", "foo-bar", "--site", "mine", "-b", "f42")
    mine = distgit_of(work, "foo-bar")
    (mine.path / "more-1.tar.gz").write_bytes(gzip.compress(b"more"))
    mine.edit("Source0: ", "Source1: more-1.tar.gz\nSource0: ")
    mine.pkg("new-sources", "more-1.tar.gz")
    mine.pkg("commit", "-m", "More")

    assert "unpushed changes" in str(mine.pkg("build", code=5))
    mine.pkg("push")
    head = mine.git("rev-parse", "HEAD")
    assert "foo-bar-1.0.0-1.fc42 was built" in mine.pkg("build").out
    assert hub.tasks[1].request[0] == f"git+{url(bare)}#{head}"
    assert [one["nvr"] for one in hub.builds] == ["foo-bar-1.0.0-1"]
    results = mine.path / "results_foo-bar/1.0.0/1.fc42"
    assert [path.name for path in results.glob("*.noarch.rpm")] == ["foo-bar-1.0.0-1.noarch.rpm"]
    assert mine.git("status", "--porcelain") == ""

    mine.edit("Summary: ", "Summary: x")
    assert "was built" in mine.pkg("scratch-build", "--srpm").out
    assert len(hub.builds) == 1
    mine.edit("Release:          1", "Release:          2")
    mine.pkg("commit", "-m", "Two", "--push")
    rows = json.loads(mine.pkg("chain-build", "lib", "--json").out)
    assert [(row["package"], row["outcome"]) for row in rows] == [
        ("lib", "built"),
        ("foo-bar", "built"),
    ]
    assert [one["nvr"] for one in hub.builds][1:] == ["lib-1-1", "foo-bar-1.0.0-2"]


def test_one_folder_for_each_branch(work: Distgit) -> None:
    work.pkg("clone", "--site", "mine", "-B", "foo-bar")
    folders = {path.name for path in (work.path / "foo-bar").iterdir()}
    assert folders == {"rawhide", "f42", "epel9"}
    one = distgit_of(work, "foo-bar/epel9")
    assert one.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/epel9"
    one.edit("Summary: ", "Summary: x")
    one.pkg("commit", "-m", "Change", "-p")
    assert one.pkg("verrel").out == "foo-bar-1.0.0-1.el9\n"
    assert "already exists" in str(work.pkg("clone", "--site", "mine", "-B", "foo-bar", code=5))
    work.pkg("clone", "--site", "mine", "absent", code=3)
    assert sorted(path.name for path in work.path.iterdir()) == [".git", "foo-bar"]


def test_the_hook_refuses_what_others_cannot_get(
    work: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    work.pkg("clone", "--site", "mine", "foo-bar")
    mine = distgit_of(work, "foo-bar")
    mine.edit("Source0: ", "Source0: absent-1.tar.gz\n#")
    mine.pkg("commit", "-m", "Change")
    mine.pkg("push", code=3)
    mine.pkg("push", "--no-verify")
    mine.pkg("retire", "Gone", "--push")
