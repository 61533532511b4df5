"""From a release of upstream to a package: newest version, sources, signature, many at once."""

import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit
from tests.rpms import make_rpms

SIGNED_PREP = """\
%{gpgverify}  --keyring=%{SOURCE102} --signature=%{SOURCE101} --data=%{SOURCE0}
%autosetup -p1"""


@dataclass(frozen=True)
class Upstream:
    """A git repository with version tags, and a folder with its archives."""

    git: GitRepository
    archives: Path

    def release(self, version: str, files: dict[str, str]) -> Path:
        self.git.commit(f"Release {version}", files)
        self.git.git("tag", version)
        archive = self.archives / f"foo-bar-{version}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(f"foo-bar-{version}/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        return archive


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    (tmp_path / "archives").mkdir()
    made = Upstream(GitRepository(tmp_path / "upstream"), tmp_path / "archives")
    made.release("1.0.0", {"a.py": "1\n2\n3\n"})
    needs = {"requirements.txt": "sample>=1.5\nother>=1\ngone\n"}
    made.release("1.10.0", {"a.py": "1\n2\n3\n4\n", **needs})
    made.release("2.0.0.0rc1", {"a.py": "0\n1\n2\n3\n4\n"})
    return made


def made_distgit(distgit: Distgit, upstream: Upstream, **more: str) -> None:
    distgit.spec(source=f"{upstream.archives.as_uri()}/%{{name}}-%{{version}}.tar.gz", **more)
    distgit.git("remote", "add", "upstream", upstream.git.url)


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    return Distgit(tmp_path / "foo-bar", monkeypatch, capsys)


def test_the_newest_release_becomes_a_source_rpm(
    distgit: Distgit, upstream: Upstream, tmp_path: Path
) -> None:
    made_distgit(distgit, upstream)
    repository = tmp_path / "repository"
    for name in ("python-sample", "python-other"):
        make_rpms(repository, name, version="1.0")
    subprocess.run(["createrepo_c", "--quiet", repository], check=True)

    said = distgit.pkg("new-version", "--repo", str(repository))

    assert "Latest version detected from upstream/master: 1.10.0" in said.err
    assert distgit.message.startswith("foo-bar-1.10.0-1\n")
    assert (distgit.path / "foo-bar-1.10.0-1.src.rpm").is_file()
    assert "built foo-bar-1.10.0-1.src.rpm" in said.out
    found = said.out.partition("REPOSITORIES:\n")[2].splitlines()[:3]
    assert sorted(found) == [
        "  gone: not packaged",
        "  other >= 1: OK, python3-other-1.0-1",
        "  sample >= 1.5: too old, have 1.0 (python3-sample-1.0-1)",
    ]


def test_a_package_that_is_the_newest_is_left_alone(distgit: Distgit, upstream: Upstream) -> None:
    made_distgit(distgit, upstream, version="1.10.0")
    before = distgit.git("rev-parse", "HEAD")

    said = distgit.pkg("new-version")

    assert said.err.splitlines()[-1] == "Package is already at version 1.10.0"  # no error
    assert distgit.git("rev-parse", "HEAD") == before
    assert not (distgit.path / ".rdopkg.json").exists()


def test_versions_of_an_older_numbering_are_not_newer(distgit: Distgit, upstream: Upstream) -> None:
    upstream.git.git("checkout", "--quiet", "-b", "old", "1.0.0")
    upstream.git.commit("Number by the year", {"year.txt": "2015\n"})
    upstream.git.git("tag", "2015.1.0")
    upstream.git.git("checkout", "--quiet", "master")
    upstream.git.git("merge", "--quiet", "-m", "Merge it", "old")
    upstream.release("8.0.0", {"a.py": "8\n"})
    upstream.git.git("tag", "mitaka-em")
    made_distgit(distgit, upstream)

    said = distgit.pkg("new-version", "--dry-run")

    assert "Latest version detected from upstream/master: 8.0.0" in said.err


@pytest.mark.parametrize(
    ("distgit_branch", "kind", "ref", "said_of"),
    [
        ("epoxy-rdo", "branch", "stable/2025.1", "upstream/stable/2025.1: 1.10.0"),
        ("caracal-rdo", "branch", "unmaintained/2024.1", "upstream/unmaintained/2024.1: 1.10.0"),
        ("victoria-rdo", "tag", "victoria-eol", "victoria-eol: 1.10.0"),
        ("zed-rdo", "branch", "stable/yoga", "upstream/master: 3.0.0"),
    ],
)
def test_a_release_follows_its_own_branch_of_upstream_to_the_end(
    distgit: Distgit, upstream: Upstream, distgit_branch: str, kind: str, ref: str, said_of: str
) -> None:
    upstream.git.git(kind, ref, "1.10.0")
    upstream.release("3.0.0", {"a.py": "3\n"})
    made_distgit(distgit, upstream)
    distgit.git("checkout", "--quiet", "-b", distgit_branch)

    said = distgit.pkg("new-version", "--dry-run")

    assert f"Latest version detected from {said_of}" in said.err


def signed(upstream: Upstream, archive: Path, tmp_path: Path) -> None:
    """A signature beside an archive, and the key beside both."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback")
    make = ("--passphrase", "", "--quick-gen-key", "Signer <signer@example.test>", "rsa2048")
    subprocess.run([*gpg, *make], check=True, capture_output=True)
    subprocess.run([*gpg, "--armor", "--detach-sign", str(archive)], check=True)
    key = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True).stdout
    (upstream.archives / "key.txt").write_bytes(key)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)


def with_key(distgit: Distgit, upstream: Upstream) -> None:
    folder = upstream.archives.as_uri()
    made_distgit(
        distgit,
        upstream,
        prep=SIGNED_PREP,
        extra=f"Source101:        {folder}/%{{name}}-%{{version}}.tar.gz.asc\n"
        f"Source102:        {folder}/key.txt",
    )


def test_a_good_and_a_bad_signature(distgit: Distgit, upstream: Upstream, tmp_path: Path) -> None:
    archive = upstream.archives / "foo-bar-1.10.0.tar.gz"
    signed(upstream, archive, tmp_path)
    with_key(distgit, upstream)
    genuine = archive.read_bytes()
    archive.write_bytes(genuine + b"\0")
    before = distgit.state

    bad = distgit.pkg("new-version", code=5)
    state_after_bad = distgit.state
    archive.write_bytes(genuine)
    good = distgit.pkg("new-version")

    assert "do not verify the signature of foo-bar-1.10.0.tar.gz" in bad.err
    assert state_after_bad == before
    assert "foo-bar-1.10.0.tar.gz: good signature from Signer <signer@example.test>" in good.out


@pytest.mark.slow
def test_ten_distgits_two_with_conflicts_in_one_summary(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> None:
    for number in range(10):
        one = Distgit(tmp_path / f"all/foo-{number}", monkeypatch, capsys)
        made_distgit(one, upstream, version="1.10.0" if number < 4 else "1.0.0")
        if number >= 8:
            one.git("fetch", "--quiet", "--tags", "upstream")
            one.patch_commits(("Mend four", {"a.py": "1\n2\n3\nfour\n"}))
            one.rdopkg("patch", "-l")
    whole = Distgit(tmp_path / "whole", monkeypatch, capsys)
    whole.path = tmp_path / "all"
    stuck = Distgit(tmp_path / "all/foo-8", monkeypatch, capsys)
    before = stuck.state

    said = whole.pkg("new-version", "--all", "--json", "-l", code=1)

    rows = json.loads(said.out)
    assert [row["result"] for row in rows] == [
        *["is the newest"] * 4,
        *["updated"] * 4,
        *["needs you"] * 2,
    ]
    assert "Mend four" in rows[-1]["reason"]
    assert stuck.state == {**before, "refs": stuck.state["refs"]}


def test_a_dry_run_over_all_tells_the_new_versions(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> None:
    one = Distgit(tmp_path / "all/foo-1", monkeypatch, capsys)
    made_distgit(one, upstream)
    before = one.state
    whole = Distgit(tmp_path / "whole", monkeypatch, capsys)
    whole.path = tmp_path / "all"

    [row] = json.loads(whole.pkg("new-version", "--all", "--dry-run", "--json").out)

    assert (row["result"], row["old"], row["new"]) == ("would be updated", "1.0.0", "1.10.0")
    assert one.git("rev-parse", "master") in before["refs"]
    assert one.tag("Version") == "1.0.0"


@pytest.fixture
def fedpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fedpkg that notes what it is asked for and rewrites `sources`, as the real one does."""
    program = tmp_path / "bin/fedpkg"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nset -e\necho "$@" >> "$0.asked"\nshift\n'
        'sha512sum --tag "$@" > sources\ngit add sources\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program.with_name("fedpkg.asked")


def test_new_sources_go_to_lookaside_within_the_commit(
    distgit: Distgit, upstream: Upstream, fedpkg: Path
) -> None:
    extra = f"Source1: {upstream.archives.as_uri()}/key.txt\nSource2: own.conf"
    (upstream.archives / "key.txt").write_text("a key")
    made_distgit(distgit, upstream, extra=extra)
    distgit.commit("Own file", {"own.conf": "x"})

    dry = distgit.pkg("new-version", "1.10.0", "-N", "--dry-run")
    was_asked = fedpkg.exists()
    distgit.pkg("new-version", "1.10.0", "-N")

    command = "new-sources foo-bar-1.10.0.tar.gz key.txt"
    assert f"would run fedpkg {command}" in dry.err
    assert not was_asked
    assert fedpkg.read_text() == f"{command}\n"
    assert "SHA512 (foo-bar-1.10.0.tar.gz) = " in distgit.git("show", "HEAD:sources")
    assert distgit.git("status", "--porcelain", "--untracked-files=no") == ""


def test_rdopkg_uploads_the_first_source_alone(
    distgit: Distgit, upstream: Upstream, fedpkg: Path
) -> None:
    made_distgit(distgit, upstream, extra=f"Source1: {upstream.archives.as_uri()}/not-there")

    distgit.rdopkg("new-version", "1.10.0", "-bN")

    assert fedpkg.read_text() == "new-sources foo-bar-1.10.0.tar.gz\n"


def test_without_fedpkg_the_way_around_is_reported(
    distgit: Distgit, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_distgit(distgit, upstream)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    before = distgit.git("rev-parse", "HEAD")

    said = distgit.pkg("new-version", "1.10.0", "-N", code=3)

    assert "Command not found: fedpkg" in said.err
    assert "-n" in said.err
    assert distgit.git("rev-parse", "HEAD") == before
