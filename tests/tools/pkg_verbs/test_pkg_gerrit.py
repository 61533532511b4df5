"""Patches and specs that go through Gerrit, by real git."""

import os
import re
from pathlib import Path

import pytest

from tests.distgits import Distgit
from tests.fakes.gerrit import FakeGerrit

A = "1\n2\n3\n4\n5\n"


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    """Two patches on version 1.0.0, on a branch of the first name that is guessed."""
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec()
    repository.upstream_version("1.0.0", {"a.py": A})
    repository.patch_commits(
        ("Mend two", {"a.py": A.replace("2", "two")}),
        ("Mend three\n\nIt was odd.", {"a.py": A.replace("2", "two").replace("3", "three")}),
    )
    return repository


@pytest.fixture
def server(tmp_path: Path, distgit: Distgit, monkeypatch: pytest.MonkeyPatch) -> FakeGerrit:
    """A Gerrit with upstream's version as the patches branch, and the distgit's first commit."""
    made = FakeGerrit(tmp_path / "gerrit", "foo")
    made.has(distgit, "refs/tags/1.0.0", "refs/heads/master-patches")
    made.has(distgit, "master", "refs/heads/master")
    monkeypatch.setenv("PATH", f"{made.ssh}:{os.environ['PATH']}")
    monkeypatch.setenv("USER", "me")
    return made


def with_remote(distgit: Distgit, server: FakeGerrit, name: str = "review-patches") -> None:
    distgit.git("remote", "add", name, server.url)


def subjects(server: FakeGerrit, base: str, head: str) -> list[str]:
    return server.git("log", "--reverse", "--format=%s", f"{base}..{head}").splitlines()


def change_ids(server: FakeGerrit, base: str, head: str) -> list[str]:
    shown = server.git("log", "--format=%(trailers:key=Change-Id,valueonly)", f"{base}..{head}")
    return shown.split()


def test_patches_become_reviews_with_a_change_id_each(distgit: Distgit, server: FakeGerrit) -> None:
    with_remote(distgit, server)
    before = distgit.state

    said = distgit.pkg("review-patch")

    [change] = server.changes()
    ids = change_ids(server, "master-patches", "refs/changes/1")
    assert change.endswith(" refs/for/master-patches")
    assert subjects(server, "master-patches", "refs/changes/1") == ["Mend two", "Mend three"]
    assert len(set(ids)) == 2
    assert all(re.fullmatch("I[0-9a-f]{40}", one) for one in ids)
    assert "git push review-patches refs/heads/master-patches:refs/for/master-patches" in said.err
    head = server.git("rev-parse", "refs/changes/1")
    assert distgit.git("rev-parse", "master-patches") == head
    assert distgit.git("diff", "--stat", "master-patches", "master-patches@{1}") == ""
    distgit.pkg("undo")
    assert distgit.state == before


def test_a_change_keeps_its_id_and_its_author(distgit: Distgit, server: FakeGerrit) -> None:
    with_remote(distgit, server)
    distgit.git("checkout", "--quiet", "master-patches")
    distgit.git(
        "commit",
        "--quiet",
        "--amend",
        "--author=Ann <ann@example.org>",
        "-m",
        f"Mend three\n\nOdd.\n\nChange-Id: I{'a' * 40}",
    )

    distgit.rdopkg("review-patch")

    assert change_ids(server, "master-patches", "refs/changes/1")[0] == f"I{'a' * 40}"
    author = server.git("log", "-1", "--format=%an <%ae>|%b", "refs/changes/1")
    assert author == f"Ann <ann@example.org>|Odd.\n\nChange-Id: I{'a' * 40}"


def test_the_second_time_there_is_nothing_to_send(distgit: Distgit, server: FakeGerrit) -> None:
    with_remote(distgit, server)
    distgit.pkg("review-patch")

    again = distgit.pkg("review-patch")

    assert "review-patches already has these reviews of master-patches" in again.out + again.err
    assert len(server.changes()) == 1


def test_the_patches_branch_is_guessed_as_pkgenv_does(distgit: Distgit, server: FakeGerrit) -> None:
    with_remote(distgit, server)
    distgit.git("checkout", "--quiet", "-b", "master-rhel-9")

    distgit.pkg("review-patch")

    assert server.changes()[0].endswith(" refs/for/master-patches")
    assert distgit.git("rev-parse", "--abbrev-ref", "HEAD") == "master-rhel-9"


def test_a_patches_branch_that_is_named(distgit: Distgit, server: FakeGerrit) -> None:
    with_remote(distgit, server)
    distgit.git("branch", "other-patches", "master-patches~")
    server.git("branch", "other-patches", "master-patches")

    distgit.pkg("review-patch", "other-patches")

    assert server.changes()[0].endswith(" refs/for/other-patches")
    assert subjects(server, "master-patches", "refs/changes/1") == ["Mend two"]


def test_upstreams_commits_are_no_reviews(distgit: Distgit, server: FakeGerrit) -> None:
    with_remote(distgit, server)
    distgit.upstream_version("2.0.0", {"b.py": "new\n"}, base="1.0.0")
    distgit.git("push", "--quiet", ".", "+2.0.0:refs/heads/master-patches")
    distgit.patch_commits(("Mend b", {"b.py": "old\n"}), base="2.0.0")
    distgit.spec(version="2.0.0")

    said = distgit.pkg("review-patch", code=5)

    assert "git push review-patches 2.0.0:refs/heads/master-patches" in said.err
    assert server.changes() == []


@pytest.mark.parametrize("name", ["review-origin", "gerrit", ".gitreview"])
def test_commits_of_the_distgit_become_reviews(
    distgit: Distgit, server: FakeGerrit, name: str
) -> None:
    if name == ".gitreview":
        text = "[gerrit]\nhost=review.example.test\nport=29418\nproject=foo\n"
        distgit.commit("Reviews here", {name: text})
        server.has(distgit, "master", "refs/heads/master")
    else:
        with_remote(distgit, server, name)
    distgit.git("checkout", "--quiet", "-b", "topic")
    distgit.pkg("set-magic-comment", "patches_base", "1.0.0")
    distgit.git("commit", "--quiet", "-am", "Say the base")

    distgit.pkg("review-spec", "master")

    assert server.changes()[0].endswith(" refs/for/master")
    assert subjects(server, "master", "refs/changes/1") == ["Say the base"]
    assert distgit.git("status", "--porcelain") == ""


@pytest.mark.parametrize("verb", ["review-patch", "review-spec"])
def test_a_dry_run_tells_the_push_and_makes_none(
    distgit: Distgit, server: FakeGerrit, verb: str
) -> None:
    with_remote(distgit, server)
    with_remote(distgit, server, "review-origin")
    distgit.commit("More", {"x": "y"})
    before = distgit.state

    said = distgit.pkg(verb, "--dry-run")

    assert re.search(r"would run: git push review-\w+ refs/heads/\S+:refs/for/\S+", said.err)
    assert "refs/heads/master" in said.out
    assert server.changes() == []
    assert distgit.state == before


def test_a_dry_run_finds_a_remote_that_is_named_from_here(
    distgit: Distgit, server: FakeGerrit
) -> None:
    distgit.git("remote", "add", "review-patches", "../gerrit/foo")

    said = distgit.pkg("review-patch", "--dry-run")
    distgit.pkg("review-patch")

    assert "would run: git push review-patches" in said.err
    assert "configuration" not in said.out
    assert len(server.changes()) == 1


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("review-patch",), 5, "there is no remote review-patches to send master-patches to"),
        (("review-spec",), 5, "no remote review-origin or gerrit, and no .gitreview"),
        (("patch", "-g", "12"), 5, "there is no remote review-patches to fetch a review from"),
    ],
)
def test_without_a_gerrit_the_remedy_is_reported(
    distgit: Distgit, args: tuple[str, ...], code: int, message: str
) -> None:
    before = distgit.state

    said = distgit.pkg(*args, code=code)

    assert message in said.err
    assert "git remote add review-" in said.err
    assert distgit.state == before


@pytest.mark.parametrize(
    ("verb", "url", "code", "message"),
    [
        ("review-patch", "ssh://me@away.example.test:29418/foo", 6, "Connection refused"),
        (
            "patch -g 12",
            "ssh://me@away.example.test/foo",
            6,
            "Gerrit on away.example.test does not answer",
        ),
        ("patch -g 12", "https://example.test/foo", 5, "is not the URL of a Gerrit project"),
        ("patch -g twelve", "", 5, "a review has a number, not 'twelve'"),
        ("patch -g 12", "", 5, "Gerrit has no review 12"),
        ("review-spec", "/nowhere", 6, "does not appear to be a git repository"),
        ("review-patch nobody-patches", "", 5, "Expected git branch not found: nobody-patches"),
        ("review-spec %submit", "", 5, "cannot make a review for a branch named '%submit'"),
    ],
)
def test_what_stands_in_the_way_is_one_clear_message(
    distgit: Distgit, server: FakeGerrit, verb: str, url: str, code: int, message: str
) -> None:
    for name in ("review-patches", "review-origin"):
        distgit.git("remote", "add", name, url or server.url)
    distgit.commit("More", {"x": "y"})
    before = distgit.state

    said = distgit.pkg(*verb.split(), code=code)

    assert message in said.err
    assert "Traceback" not in said.err
    assert distgit.state == before


def test_what_the_server_says_of_a_refusal_is_reported(
    distgit: Distgit, server: FakeGerrit
) -> None:
    (server.path / "hooks/update").write_text(
        "#!/bin/sh\necho 'project is read-only' >&2\nexit 1\n"
    )
    with_remote(distgit, server)
    before = distgit.state

    said = distgit.pkg("review-patch", code=3)

    assert "cannot send master-patches to review-patches: project is read-only" in said.err
    assert distgit.state == before


def in_review(distgit: Distgit, server: FakeGerrit, verified_by: str = "zuul") -> None:
    """The patches are reviews, and no branch here has them."""
    with_remote(distgit, server)
    server.has(distgit, "master-patches", "refs/changes/12/12/1")
    server.answer(12, "refs/changes/12/12/1", verified_by)
    distgit.git("branch", "-D", "master-patches")


@pytest.mark.parametrize("number", ["12", "https://review.example.test/#/c/12/"])
def test_patches_are_taken_from_a_chain_of_reviews(
    distgit: Distgit, server: FakeGerrit, number: str
) -> None:
    in_review(distgit, server)

    distgit.pkg("patch", "-g", number)

    assert distgit.patches == ["0001-Mend-two.patch", "0002-Mend-three.patch"]
    assert distgit.changes == ["- Mend three", "- Mend two"]


def test_the_chain_is_checked_out_by_get_patches(distgit: Distgit, server: FakeGerrit) -> None:
    in_review(distgit, server)

    distgit.rdopkg("get-patches", "-g", "12")

    assert distgit.git("rev-parse", "--abbrev-ref", "HEAD") == "master-patches"
    assert distgit.git("log", "-1", "--format=%s") == "Mend three"


def test_what_ci_has_not_verified_needs_force(distgit: Distgit, server: FakeGerrit) -> None:
    in_review(distgit, server, verified_by="somebody")

    said = distgit.rdopkg("patch", "-g", "12", code=1)
    distgit.rdopkg("patch", "-g", "12", "-f")

    assert "Patch not validated by CI, use --force to override" in said.out
    assert len(distgit.patches) == 2


def test_a_server_slips_in_no_refspec(distgit: Distgit, server: FakeGerrit) -> None:
    in_review(distgit, server)
    server.answer(12, "+refs/changes/12/12/1:refs/heads/master", "zuul")
    before = distgit.state

    said = distgit.pkg("patch", "-g", "12", code=6)

    assert "cannot parse Gerrit's answer about review 12" in said.err
    assert distgit.state == before


def test_where_gerrit_has_patches_that_of_the_remote_count_without_a_number(
    distgit: Distgit, server: FakeGerrit, tmp_path: Path
) -> None:
    with_remote(distgit, server)
    distgit.remote_patches(tmp_path / "remote")

    env = distgit.pkg("pkgenv")
    distgit.pkg("patch")

    assert "Patches style:          review" in env.out
    assert len(distgit.patches) == 2


def test_a_new_version_is_sent_for_review_when_asked_to(
    distgit: Distgit, server: FakeGerrit, tmp_path: Path
) -> None:
    with_remote(distgit, server)
    remote = distgit.remote_patches(tmp_path / "remote")
    distgit.pkg("patch")
    old = remote.git("rev-parse", "master-patches")
    distgit.upstream_version("2.0.0", {"b.py": "new\n"}, base="1.0.0")
    server.has(distgit, "refs/tags/2.0.0", "refs/heads/master-patches")

    quiet = distgit.pkg("new-version", "2.0.0", "-n", "--dry-run")
    distgit.pkg("new-version", "2.0.0", "-n", "--push-patches")

    assert "master-patches is not sent; `rdo pkg review-patch` does that" in quiet.err
    assert subjects(server, "master-patches", "refs/changes/1") == ["Mend two", "Mend three"]
    assert len(distgit.patches) == 2
    assert distgit.message.startswith("foo-bar-2.0.0-1\n")
    assert remote.git("rev-parse", "master-patches") == old
