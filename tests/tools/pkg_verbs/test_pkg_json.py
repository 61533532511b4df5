"""The JSON answers of the verbs of `rdo pkg` that change something."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit
from tests.fakes.gerrit import FakeGerrit

A = "1\n2\n3\n"
INFO = """\
releases: []
packages:
- project: foo
  name: foo-bar
  distgit: {distgit}
  upstream: {upstream}
  maintainers:
  - me@example.test
"""


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    """A distgit with one patch on its patches branch, which the spec has not yet."""
    repository = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    repository.spec(source=f"{(tmp_path / 'archive.tar.gz').as_uri()}")
    repository.upstream_version("1.0.0", {"a.py": A})
    repository.patch_commits(("Mend two", {"a.py": A.replace("2", "two")}))
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as archive:
        archive.add(repository.path / "foo-bar.spec", "foo-bar-1.0.0/a")
    return repository


def adopted(distgit: Distgit) -> None:
    distgit.rdopkg("patch", "-l")
    distgit.git("branch", "-D", "master-patches")


def remote(distgit: Distgit) -> None:
    distgit.remote_patches(distgit.path.parent / "remote")
    distgit.git("branch", "-D", "master-patches")


def gerrit(distgit: Distgit) -> None:
    """Reviews are taken; nobody needs ssh to get there."""
    server = FakeGerrit(distgit.path.parent / "gerrit", "foo")
    server.has(distgit, "refs/tags/1.0.0", "refs/heads/master-patches")
    server.has(distgit, "master", "refs/heads/master")
    for name in ("review-patches", "review-origin"):
        distgit.git("remote", "add", name, str(server.path))
    distgit.commit("More", {"x": "y"})


def metadata(distgit: Distgit) -> None:
    upstream = GitRepository(distgit.path.parent / "upstream")
    upstream.commit("One", {"a": "1"})
    folder = distgit.path.parent / "info"
    folder.mkdir()
    text = INFO.format(distgit=distgit.url, upstream=upstream.url)
    (folder / "rdo-full.yml").write_text(text)


# The verb, what is there before, and what it touches: files or refs, by a part of their names.
CHANGES: dict[str, tuple[tuple[str, ...], Callable[[Distgit], object], set[str]]] = {
    "patch": (("-l",), lambda _: None, {"foo-bar.spec", "0001-Mend-two.patch"}),
    "update-patches": ((), lambda _: None, {"foo-bar.spec", "0001-Mend-two.patch"}),
    "get-patches": ((), remote, {"refs/heads/master-patches"}),
    "amend": ((), lambda distgit: distgit.edit("Amazing", "Fine"), {"refs/heads/master"}),
    "squash": ((), lambda distgit: distgit.commit("More", {"x": "y"}), {"refs/heads/master"}),
    "set-magic-comment": (("patches_base", "1.0.0"), lambda _: None, {"foo-bar.spec"}),
    "tag-patches": ((), lambda _: None, {"refs/tags/foo-bar-1.0.0-1"}),
    "import-patches": ((), adopted, {"refs/heads/master-patches"}),
    "get-source": ((), lambda _: None, {"archive.tar.gz"}),
    "review-patch": ((), gerrit, {"refs/heads/master-patches"}),
    "review-spec": ((), gerrit, {"refs/heads/master"}),
    "remotes --fix": (("-l", "../info"), metadata, {"refs/remotes/upstream/master"}),
}


def asked(distgit: Distgit, *args: str, code: int = 0) -> Any:
    """The one JSON text on stdout."""
    return json.loads(distgit.pkg(*args, "--json", code=code).out)


def touched(answer: Any) -> set[str]:
    return {*answer["files"], *(ref["name"] for ref in answer["refs"])}


@pytest.mark.parametrize("verb", CHANGES)
def test_a_verb_answers_what_it_would_do_and_what_it_did(distgit: Distgit, verb: str) -> None:
    args, prepare, names = CHANGES[verb]
    prepare(distgit)
    before = distgit.state

    dry = asked(distgit, *verb.split(), *args, "--dry-run")
    after_dry = distgit.state
    done = asked(distgit, *verb.split(), *args)
    undone = asked(distgit, "undo")

    assert (dry["verb"], dry["dry_run"], done["verb"], done["dry_run"]) == (verb, True, verb, False)
    assert names <= touched(done)
    if verb not in {"get-source", "remotes --fix"}:  # a dry run takes nothing from the network
        assert names <= touched(dry)
    assert done["finished"]
    assert after_dry == before
    assert undone["messages"] == [f"undid {verb}"]
    assert touched(undone) == touched(done)
    assert distgit.state == before


def test_pushes_are_answered_too(distgit: Distgit) -> None:
    gerrit(distgit)
    push = "git push review-patches refs/heads/master-patches:refs/for/master-patches"

    dry = asked(distgit, "review-patch", "--dry-run")
    done = asked(distgit, "review-patch")
    again = asked(distgit, "review-patch")

    assert (dry["pushes"], done["pushes"], again["pushes"]) == ([push], [push], [])
    assert again["messages"] == ["review-patches already has these reviews of master-patches"]


def test_an_action_that_waits_says_so_until_it_is_done(distgit: Distgit) -> None:
    waiting = asked(distgit, "fix")
    distgit.edit("> 1:1.0.0-2\n\n\n", "> 1:1.0.0-2\n- Mend the spec\n\n")
    done = asked(distgit, "-c")

    assert (waiting["verb"], waiting["finished"]) == ("fix", False)
    assert waiting["files"] == ["foo-bar.spec"]
    assert "Edit .spec file as needed" in waiting["messages"][0]
    assert (done["verb"], done["finished"]) == ("fix", True)
    assert [ref["name"] for ref in done["refs"]] == ["refs/heads/master"]


def test_giving_up_is_answered(distgit: Distgit) -> None:
    distgit.pkg("fix")

    answer = asked(distgit, "--abort")

    assert (answer["verb"], answer["files"]) == ("abort", ["foo-bar.spec"])
    assert answer["messages"] == ["State file removed."]


def test_nothing_to_do_is_an_answer(distgit: Distgit) -> None:
    distgit.pkg("patch", "-l")

    answer = asked(distgit, "patch", "-l")

    assert touched(answer) == set()
    assert answer["messages"] == ["No changes to patches found"]


def test_a_fault_is_no_answer(distgit: Distgit) -> None:
    said = distgit.pkg("squash", "--json", code=5)

    assert said.out == ""
    assert "has no parent to squash it into" in said.err


@pytest.mark.parametrize("package", ["foo-bar", "URL"])
def test_a_clone_is_reported_with_its_remotes(distgit: Distgit, package: str) -> None:
    metadata(distgit)
    here = Distgit(distgit.path.parent / "elsewhere", distgit._monkeypatch, distgit._capsys)
    args = ("clone", distgit.url if package == "URL" else package, "-l", "../info")

    dry = asked(here, *args, "--dry-run")
    is_there = (here.path / "foo-bar").exists()
    done = asked(here, *args)

    assert not is_there
    assert dry == {**done, "dry_run": True}
    assert (done["folder"], done["remotes"]["origin"]) == ("foo-bar", distgit.url)
    assert ("upstream" in done["remotes"]) == (package != "URL")
    assert ("patches" in done["missing"]) == (package != "URL")
    assert (here.path / "foo-bar/foo-bar.spec").is_file()
