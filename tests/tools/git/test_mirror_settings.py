"""A mirror gives the same data about its upstream, whatever git configuration the machine has."""

import os
from pathlib import Path
from typing import Any

import pytest

from rdo.tools.git.mirror import Mirror
from tests.conftest import GitRepository
from tests.tools.pkg_verbs.test_pkg_git_settings import ROWS


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1767225600 +0000")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1767225600 +0000")
    made = GitRepository(tmp_path / "upstream")
    made.commit("Begin", {"a.py": "1\n", "sub/b.py": "1\n", "ä.txt": "x\r\n"})
    made.git("tag", "--annotate", "--message", "one", "1.0")
    made.git("checkout", "--quiet", "-b", "side")
    made.commit("Mend ä\n\n# not a comment\nCloses-Bug: #4242", {"sub/b.py": "2\n"})
    made.git("checkout", "--quiet", "master")
    made.commit(
        "Rename", {"c.py": "1\n", ".mailmap": "Nobody <n@example.test> <test@example.test>"}
    )
    made.git("merge", "--quiet", "--no-ff", "--message", "Merge side", "side")
    made.git("notes", "add", "--message", "a note", "HEAD")
    latin = "Caf\u00e9 (CVE-2026-0001)".encode("latin-1")
    (made.path / "message").write_bytes(latin)
    encoding = ("-c", "i18n.commitEncoding=ISO-8859-1")
    made.git(*encoding, "commit", "--quiet", "--allow-empty", "--file", "message")
    made.git("tag", "2.0-rc1")
    made.git("tag", "2.0")
    return made


def told(upstream: GitRepository, place: Path) -> dict[str, Any]:
    """All that rounds, reports and pages ask of a mirror."""
    mirror = Mirror.clone(upstream.url, place / "clone.git")
    made = Mirror.create(place / "made.git")
    mirror.fetch(upstream.url)
    head = mirror.resolve("refs/heads/master")
    assert head
    first = mirror.newest(head)[0].hash
    return {
        "refs": mirror.refs(),
        "all": mirror.newest(head),
        "since": mirror.commits_since(first, head),
        "changes": mirror.changes(first, head),
        "of a folder": mirror.changes(first, head, folder="sub"),
        "parents": mirror.parents([head]),
        "messages": mirror.messages([one.hash for one in mirror.newest(head)]),
        "naming": mirror.naming("CVE-2026-0001"),
        "bugs": mirror.naming("4242"),
        "last change": mirror.last_change(head, "sub"),
        "made": made.refs(),
        "files": sorted(path.name for path in made.path.iterdir()),
    }


def test_what_a_mirror_says_is_the_same(
    upstream: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = told(upstream, tmp_path / "plain")
    outside, template = tmp_path / "gitconfig", tmp_path / "template"
    for name in ("hooks", "info"):
        (template / name).mkdir(parents=True)
    (template / "strange").write_text("x\n")
    rows = "\n".join((*ROWS.values(), f"[init]\ntemplateDir = {template}"))
    mailmap = tmp_path / "mailmap"
    mailmap.write_text("Somebody Else <other@example.org> <test@example.test>\n")
    outside.write_text(rows.replace("MAILMAP", str(mailmap)))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(outside))

    found = told(upstream, tmp_path / "set")

    assert found == baseline
    assert os.environ["GIT_CONFIG_GLOBAL"] == str(outside)
    assert len(baseline["all"]) == 4
    assert baseline["bugs"]
