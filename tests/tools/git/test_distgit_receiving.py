"""The rules for a push: each is tried by a real push into a bare repository with its hook."""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rdo.distgit.served.ownership import ServedDistgit
from rdo.distgit.served.receiving import Receiver
from rdo.distgit.served.source_caches import StoredSources
from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import SourceEntry
from rdo.lookaside.storage import Storage
from rdo.tools.git.bare import BareRepository
from rdo.tools.git.pushed import PushedCommits, RefChange
from rdo.tools.rpm.rpmspec import Rpmspec
from tests.conftest import GitRepository

NAME, BRANCH, ALICE = "rpms/foo", "rpm-master", "alice@example.test"
PATCH = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+{}\n"


def spec(*more: str, steps: Sequence[str] = ()) -> str:
    lines = ["Name: python-foo", "Version: 1.0", "Release: 1", "Summary: A", "License: MIT"]
    return "\n".join([*lines, *more, "%description", "A sample.", "%prep", *steps]) + "\n"


@dataclass
class Desk:
    """A distgit of Alice's, beside a bare repository that objects are pushed into unjudged."""

    git: GitRepository
    bare: Path
    storage: Storage
    refs: dict[str, str] = field(default_factory=dict)

    def faults(
        self, ref: str = f"refs/heads/{BRANCH}", new: str = "HEAD", person: str = ALICE
    ) -> list[str]:
        """What is wrong with a push of a commit; it is taken if nothing is."""
        hash_ = self.git.git("rev-parse", new) if new else ""
        if hash_:  # the objects are there, as in git's quarantine, but no ref of ours leads to them
            self.git.git("push", "--quiet", "--force", str(self.bare), f"{hash_}:refs/tmp/pushed")
            subprocess.run(
                ["git", "-C", str(self.bare), "update-ref", "-d", "refs/tmp/pushed"], check=True
            )
        found = self.receiver.faults(person, [RefChange(ref, self.refs.get(ref, ""), hash_)])
        if not found and hash_:
            BareRepository(self.bare)._git("update-ref", ref, hash_)
            self.refs[ref] = hash_
        return found

    @property
    def receiver(self) -> Receiver:
        distgit = ServedDistgit(NAME, {"python-foo"}, {BRANCH: {ALICE}})
        cache = StoredSources(NAME, self.storage)
        return Receiver(NAME, PushedCommits(self.bare), distgit, (), cache, Rpmspec())

    def commit(self, subject: str, **files: str) -> str:
        named = {name.replace("__", "."): text for name, text in files.items()}
        return self.git.commit(subject, named)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    bare = tmp_path / "bare.git"
    BareRepository(bare).create(BRANCH)
    made = Desk(GitRepository(tmp_path / "work", BRANCH), bare, Storage(tmp_path / "cache"))
    made.commit("Begin", foo__spec=spec())
    assert made.faults() == []
    return made


def test_branches_of_releases_only_go_forward(desk: Desk) -> None:
    old = desk.git.git("rev-parse", "HEAD")
    desk.commit("Next", foo__spec=spec("URL: https://example.test"))
    assert desk.faults() == []
    [said] = desk.faults(new=old)
    assert "cannot be rewritten" in said
    [said] = desk.faults(new="")
    assert "cannot be removed" in said
    assert desk.faults("refs/heads/private") == []
    assert desk.faults("refs/heads/private", new=old) == []
    assert desk.faults("refs/tags/v1") == []
    assert "tags cannot be moved" in desk.faults("refs/tags/v1", new=old)[0]
    assert "only branches and tags" in desk.faults("refs/notes/commits")[0]
    assert "may not push" in desk.faults(person="mallory@example.test")[0]


def test_a_spec_that_rpm_cannot_read_is_refused(desk: Desk) -> None:
    desk.commit("Bad", foo__spec="Name: foo\n%if\n")
    [said] = desk.faults()
    assert said.startswith(f"{BRANCH}: foo.spec: rpm cannot read the .spec file")
    desk.git.git("rm", "-q", "foo.spec")
    desk.commit("None")
    assert "there is no .spec file" in desk.faults()[0]
    desk.commit("Retire", dead__package="no longer built")
    assert desk.faults() == []


def test_a_spec_that_runs_programs_does_it_in_the_sandbox(desk: Desk, tmp_path: Path) -> None:
    marks = [tmp_path / "mark", Path("/var/tmp/rdo-mark"), desk.bare / "mark"]
    runs = [f"%(touch {mark} 2>/dev/null; echo 1)" for mark in marks]
    desk.commit("Run", foo__spec=spec(*(f"%global m{n} {one}" for n, one in enumerate(runs))))
    assert desk.faults() == []
    assert [mark for mark in marks if mark.exists()] == []
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    desk.commit("Read", foo__spec=spec(f"URL: %(cat {secret} && echo seen)"))
    assert "hidden" not in "".join(desk.faults())


def test_sources_must_be_in_the_cache_and_be_what_they_say(desk: Desk) -> None:
    content = b"an archive"
    kind = HashType.SHA512
    entry = SourceEntry("foo-1.0.tar.gz", kind, hashlib.sha512(content).hexdigest())
    desk.commit("Source", sources=f"{entry}\n")
    [said] = desk.faults()
    assert "foo-1.0.tar.gz is not in the lookaside cache" in said
    with desk.storage.upload() as upload:
        upload.write(content)
        upload.keep(NAME, entry)
    assert desk.faults() == []
    # a cache that rsync fills may have something else under that name
    (desk.storage.folder / desk.storage.layout.path(NAME, entry)).write_bytes(b"other")
    desk.commit("Again")
    assert "does not match its hash" in desk.faults()[0]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "SOURCES/../x", "..", "-x"])
def test_a_path_in_a_list_of_sources_is_refused(desk: Desk, name: str) -> None:
    desk.commit("Trick", sources=f"SHA512 ({name}) = {'0' * 128}\n")
    [said] = desk.faults()
    assert "sources, line 1" in said or "cannot be the name of a source file" in said


def test_a_merge_keeps_the_patches_of_both_branches(desk: Desk) -> None:
    both = spec("Patch1: one.patch", "Patch2: two.patch", steps=["%patch -P1", "%patch -P2"])
    one = spec("Patch1: one.patch", steps=["%patch -P1"])
    desk.commit("One", foo__spec=one, one__patch=PATCH.format("b"))
    assert desk.faults() == []
    base = desk.git.git("rev-parse", "HEAD")
    desk.commit("Two", foo__spec=both, two__patch=PATCH.format("c"))
    desk.git.git("checkout", "-q", "-b", "side", base)
    desk.commit("Side", README="x")

    desk.git.git("merge", "-q", "-s", "ours", "-m", "Evil", BRANCH)  # drops what Two has added
    [said] = desk.faults("refs/heads/side")
    assert said.startswith("side: the merge ")
    assert said.endswith("loses two.patch")

    desk.git.git("reset", "-q", "--hard", "HEAD~1")
    desk.git.git("merge", "-q", "-m", "Good", BRANCH)
    assert desk.faults("refs/heads/side") == []

    # what one side has removed on purpose is not lost, nor is a patch with another name
    desk.git.git("checkout", "-q", "-b", "less", base)
    desk.git.git("mv", "one.patch", "0001-one.patch")
    desk.commit("Rename", foo__spec=one.replace("one.patch", "0001-one.patch"))
    desk.git.git("checkout", "-q", "-b", "drop", base)
    desk.git.git("rm", "-q", "one.patch")
    desk.commit("Drop", foo__spec=spec())
    desk.git.git("checkout", "-q", "-b", "joined", base)
    desk.commit("Other", README="y")
    desk.git.git("merge", "-q", "-m", "With less", "less")
    assert desk.faults("refs/heads/joined") == []
    desk.git.git("checkout", "-q", "-B", "joined", base)
    desk.commit("Other", README="y")
    desk.git.git("merge", "-q", "-m", "With drop", "drop")
    assert desk.faults("refs/heads/joined") == []


def test_a_patch_that_nobody_has_is_refused(desk: Desk) -> None:
    desk.commit("Forgotten", foo__spec=spec("Patch1: gone.patch"))
    assert any("gone.patch" in one for one in desk.faults())


def test_bombs_are_refused_in_time(desk: Desk) -> None:
    blob = desk.git.git("hash-object", "-w", "foo.spec")
    line = f"100644 blob {blob}\tf"
    for _ in range(12):  # a tree of trees that name each other: 10^12 files
        made = subprocess.run(
            ["git", "-C", str(desk.git.path), "mktree"],
            input="".join(f"{line}{n}\n" for n in range(10)),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        line = f"040000 tree {made}\td"
    bomb = desk.git.git("commit-tree", made, "-p", "HEAD", "-m", "Bomb")
    assert "there is no .spec file" in desk.faults(new=bomb)[0]
    (desk.git.path / "zeros").write_bytes(bytes(65 << 20))
    (desk.git.path / "foo.spec").unlink()
    (desk.git.path / "foo.spec").symlink_to("zeros")
    desk.commit("Large")
    assert "more than 5000 files or 64 MiB" in desk.faults()[0]
