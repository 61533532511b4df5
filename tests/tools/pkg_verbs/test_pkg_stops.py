"""When git stops in the middle of a verb, the message names the true reason."""

import os
from pathlib import Path

import pytest

from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    made = Distgit(tmp_path / "foo-bar", monkeypatch, capsys)
    made.spec()
    made.upstream_version("1.0.0", {"a.py": "1\n2\n3\n"})
    made.upstream_version("2.0.0", {"other.py": "new\n"}, base="1.0.0")
    made.patch_commits(("Mend a", {"a.py": "1\n2 mended\n3\n"}))
    made.remote_patches(tmp_path / "patches.git")
    return made


def hook(distgit: Distgit, name: str, text: str = "echo no way >&2; exit 1") -> Path:
    file = distgit.path / ".git/hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("name", "text", "said", "code"),
    [
        ("pre-rebase", "exit 1", "the hook pre-rebase refused", 5),
        ("prepare-commit-msg", "echo no way >&2; exit 1", "the hook prepare-commit-msg refused", 5),
        ("pre-commit", "echo no way >&2; exit 1", "the hook pre-commit refused (no way)", 3),
        ("commit-msg", "echo no ticket; exit 1", "the hook commit-msg refused (no ticket)", 3),
    ],
)
def test_a_hook_that_refuses_is_named(
    distgit: Distgit, name: str, text: str, said: str, code: int
) -> None:
    file = hook(distgit, name, text)

    told = distgit.pkg("new-version", "2.0.0", "-d", code=code).err

    assert said in told
    assert "conflict" not in told.lower()
    file.unlink()
    distgit.pkg("-c")
    assert distgit.tag("Version") == "2.0.0"
    assert distgit.patches == ["0001-Mend-a.patch"]


@pytest.mark.parametrize("name", ["prepare-commit-msg", "pre-commit"])
def test_ctrl_c_leaves_nothing_half_made(distgit: Distgit, name: str) -> None:
    file = hook(distgit, name, f"kill -INT {os.getpid()}; sleep 60")
    before = distgit.state

    told = distgit.pkg("new-version", "2.0.0", "-d", code=130)

    assert told.err.splitlines()[-1] == "rdo: error: interrupted"
    assert distgit.state == before
    file.unlink()
    distgit.pkg("new-version", "2.0.0", "-d")
    assert distgit.patches == ["0001-Mend-a.patch"]


def test_ctrl_c_after_a_conflict_keeps_what_a_person_did(distgit: Distgit) -> None:
    distgit.upstream_version("3.0.0", {"a.py": "1\ntwo\n3\n"}, base="1.0.0")
    distgit.tried("new-version", "3.0.0", "-d")
    (distgit.path / "a.py").write_text("1\ntwo mended\n3\n")
    distgit.git("add", "a.py")
    file = hook(distgit, "pre-commit", f"kill -INT {os.getpid()}; sleep 60")

    distgit.pkg("-c", code=130)

    file.unlink()
    distgit.pkg("-c")
    assert distgit.tag("Version") == "3.0.0"
    assert "two mended" in (distgit.path / "0001-Mend-a.patch").read_text()


def test_a_key_that_cannot_sign_is_named(distgit: Distgit, tmp_path: Path) -> None:
    program = tmp_path / "gpg"
    program.write_text("#!/bin/sh\necho 'gpg: no secret key' >&2\nexit 2\n")
    program.chmod(0o755)
    distgit.git("config", "commit.gpgSign", "true")
    distgit.git("config", "gpg.program", str(program))

    told = distgit.pkg("new-version", "2.0.0", "-d", code=3).err

    assert "git could not commit: signing failed (gpg failed to sign the data)" in told
    assert "conflict" not in told.lower()
    distgit.git("config", "commit.gpgSign", "false")
    distgit.pkg("-c")
    assert distgit.patches == ["0001-Mend-a.patch"]


@pytest.mark.parametrize("verb", [("new-version", "2.0.0", "-d"), ("patch",)])
def test_a_lock_is_named_with_its_file(distgit: Distgit, verb: tuple[str, ...]) -> None:
    lock = distgit.path / ".git/index.lock"
    lock.touch()

    told = distgit.tried(*verb)

    assert told.code in (3, 5)
    assert f"another git holds {lock}, or a killed one left it" in told.err
    assert "conflict" not in told.err.lower()


def test_a_conflict_is_still_a_conflict(distgit: Distgit) -> None:
    distgit.upstream_version("3.0.0", {"a.py": "1\ntwo\n3\n"}, base="1.0.0")

    told = distgit.tried("new-version", "3.0.0", "-d")

    assert "conflict" in (told.out + told.err).lower()
    assert "a.py" in told.out + told.err


LOGO = "\0PNG\0" + "x" * 20


@pytest.mark.parametrize("verb", [("patch",), ("new-version", "2.0.0", "-d")])
def test_a_binary_patch_is_refused_before_anything_changes(
    distgit: Distgit, verb: tuple[str, ...]
) -> None:
    distgit.patch_commits(("Add a logo", {"logo.png": LOGO}))
    distgit.git("push", "--quiet", "--force", "patches", "master-patches")
    distgit.git("fetch", "--quiet", "patches")
    before = distgit.state

    told = distgit.pkg(*verb, code=5)

    assert "(Add a logo) changes a binary file, which only git can patch" in told.err
    assert "logo.png" in told.err
    assert "%autosetup -S git_am" in told.err
    after = distgit.state
    after.pop("file .rdopkg.json", None)  # new-version has begun, and changed nothing
    assert after == before


@pytest.mark.parametrize("prep", ["%autosetup -p1 -S git_am", "%autosetup -S git -p1"])
def test_git_applies_binary_patches(distgit: Distgit, prep: str) -> None:
    distgit.edit("%autosetup -p1", prep)
    distgit.git("commit", "--quiet", "-am", "By git")
    distgit.patch_commits(("Add a logo", {"logo.png": LOGO}))
    distgit.git("push", "--quiet", "--force", "patches", "master-patches")
    distgit.git("fetch", "--quiet", "patches")

    distgit.pkg("patch")

    assert distgit.patches == ["0001-Mend-a.patch", "0002-Add-a-logo.patch"]
    assert "GIT binary patch" in (distgit.path / "0002-Add-a-logo.patch").read_text()


@pytest.mark.parametrize(
    ("attributes", "prep", "is_refused"),
    [
        ("*.bat eol=crlf\n", "%autosetup -p1", True),
        ("*.bat text eol=crlf\n", "%autosetup -p1 -S git_am", False),
        ("*.bat eol=crlf\n*.bat -text\n", "%autosetup -p1", False),
        ("*.txt eol=crlf\n", "%autosetup -p1", False),
    ],
)
def test_a_patch_of_a_file_that_archives_have_with_crlf_is_refused(
    distgit: Distgit, attributes: str, prep: str, is_refused: bool
) -> None:
    files = {".gitattributes": attributes, "run.bat": "one\ntwo\n"}
    distgit.upstream_version("1.1.0", files, base="1.0.0")
    distgit.spec(text=distgit.text.replace("1.0.0", "1.1.0").replace("%autosetup -p1", prep))
    distgit.patch_commits(
        ("Run two", {"run.bat": "one\ntwo mended\n"}), base="1.1.0", branch="other-patches"
    )
    branch = ("patch", "--local-patches", "--local-patches-branch", "other-patches")

    told = distgit.pkg(*branch, code=5 if is_refused else 0)

    if is_refused:
        assert "(Run two) changes a file that has CRLF line ends in archives" in told.err
        assert "run.bat" in told.err
    else:
        assert distgit.patches == ["0001-Run-two.patch"]


@pytest.mark.parametrize("verb", [("patch",), ("new-version", "2.0.0", "-d")])
def test_an_empty_commit_gets_no_patch_and_is_reported(
    distgit: Distgit, verb: tuple[str, ...]
) -> None:
    distgit.patch_commits(("Say nothing", {}), ("Add b", {"b.py": "1\n"}))
    distgit.git("push", "--quiet", "--force", "patches", "master-patches")
    distgit.git("fetch", "--quiet", "patches")

    told = distgit.pkg(*verb)

    assert distgit.patches == ["0001-Mend-a.patch", "0002-Add-b.patch"]
    assert "Say nothing changes nothing: no patch is made" in told.err
    assert "Say nothing" not in distgit.text


def test_a_submodule_gets_no_patch_and_is_refused(distgit: Distgit) -> None:
    here = distgit.git("rev-parse", "--abbrev-ref", "HEAD")
    distgit.git("checkout", "--quiet", "master-patches")
    recorded = distgit.git("rev-parse", "HEAD")
    distgit.git("update-index", "--add", "--cacheinfo", f"160000,{recorded},vendor/lib")
    distgit.git("commit", "--quiet", "-m", "Update lib")
    distgit.git("push", "--quiet", "patches", "master-patches")
    distgit.git("checkout", "--quiet", "--force", here)
    distgit.git("fetch", "--quiet", "patches")

    told = distgit.pkg("patch", code=5)

    assert (
        "(Update lib) changes a submodule, and no patch can hold its files: vendor/lib" in told.err
    )


@pytest.mark.parametrize("prep", ["%autosetup -p1", "%autosetup -p1 -S git_am"])
def test_a_diff_in_a_message_is_refused(distgit: Distgit, prep: str) -> None:
    distgit.edit("%autosetup -p1", prep)
    distgit.git("commit", "--quiet", "--allow-empty", "-am", "Other prep")
    message = "Mend b\n\n--- a/q\n+++ b/q\n@@ -1 +1 @@\n-a\n+b"
    distgit.patch_commits((message, {"b.py": "1\n"}))
    distgit.git("push", "--quiet", "patches", "master-patches")
    distgit.git("fetch", "--quiet", "patches")

    told = distgit.pkg("patch", code=5)

    assert "(Mend b) holds a diff, which %prep would apply, too" in told.err


def _merged(distgit: Distgit, files: dict[str, str]) -> None:
    """A patches branch with a merge that writes `files` itself."""
    here = distgit.git("rev-parse", "--abbrev-ref", "HEAD")
    distgit.patch_commits(("Side", {"a.py": "1\n2 side\n3\n"}), branch="side")
    distgit.git("checkout", "--quiet", "master-patches")
    distgit.git("merge", "--quiet", "--no-commit", "--strategy=ours", "side")
    distgit.commit("Merge side", files)
    distgit.git("push", "--quiet", "patches", "master-patches")
    distgit.git("checkout", "--quiet", here)
    distgit.git("fetch", "--quiet", "patches")


@pytest.mark.parametrize("verb", [("patch",), ("new-version", "2.0.0", "-d")])
def test_a_merge_that_solves_a_conflict_is_refused(distgit: Distgit, verb: tuple[str, ...]) -> None:
    _merged(distgit, {"a.py": "1\n2 both\n3\n"})

    told = distgit.pkg(*verb, code=5)

    assert "a merge in the patches branch solves a conflict, and gets no patch" in told.err
    assert distgit.patches == []


def test_a_merge_that_changes_files_itself_is_refused(distgit: Distgit) -> None:
    here = distgit.git("rev-parse", "--abbrev-ref", "HEAD")
    distgit.patch_commits(("Side", {"side.py": "1\n"}), branch="side")
    distgit.git("checkout", "--quiet", "master-patches")
    distgit.git("merge", "--quiet", "--no-commit", "side")
    distgit.commit("Merge side", {"evil.py": "1\n"})
    distgit.git("push", "--quiet", "patches", "master-patches")
    distgit.git("checkout", "--quiet", here)
    distgit.git("fetch", "--quiet", "patches")

    told = distgit.pkg("patch", code=5)

    assert "changes files by itself, and gets no patch: evil.py" in told.err


def test_a_merge_that_only_merges_is_taken(distgit: Distgit) -> None:
    here = distgit.git("rev-parse", "--abbrev-ref", "HEAD")
    distgit.patch_commits(("Side", {"side.py": "1\n"}), branch="side")
    distgit.git("checkout", "--quiet", "master-patches")
    distgit.git("merge", "--quiet", "-m", "Merge side", "side")
    distgit.git("push", "--quiet", "patches", "master-patches")
    distgit.git("checkout", "--quiet", here)
    distgit.git("fetch", "--quiet", "patches")

    distgit.pkg("patch")

    assert distgit.patches == ["0001-Mend-a.patch", "0002-Side.patch"]
