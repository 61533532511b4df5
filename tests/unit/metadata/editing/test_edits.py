"""Each edit is shown by its diff; the edit and its reverse give the same bytes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo import metadata
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.metadata import MetadataError
from rdo.metadata.editing import branching, edits
from rdo.metadata.editing.branching import BranchRule
from rdo.metadata.editing.draft import Draft
from tests.unit.metadata.conftest import DATA, MINIMAL, Folder

Act: TypeAlias = Callable[[Draft], None]


@pytest.fixture
def info(tmp_path: Path) -> Path:
    """A copy of the corpus to edit."""
    return shutil.copytree(DATA, tmp_path / "copy")


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def edit(folder: Path, act: Act, file: str = "all.yml") -> list[str]:
    """Do it and write it; the lines that were added and removed."""
    draft = Draft(folder, file)
    act(draft)
    diff = draft.diff()
    draft.write()
    heads = ("---", "+++", "@@", " ")
    return [line for line in diff.splitlines() if not line.startswith(heads)]


PAIRS: dict[str, tuple[Act, Act, list[str]]] = {
    "a package": (
        lambda d: edits.add_package(
            d, "new", {"conf": "lib", "component": "network"}, ["oak", "under-review"]
        ),
        lambda d: edits.remove_package(d, "new"),
        [
            "+- project: new",
            "+  conf: lib",
            "+  component: network",
            "+  tags:",
            "+    under-review:",
            "+- project: new",
            "+  tags:",
            "+    oak:",
        ],
    ),
    "a value": (
        lambda d: edits.set_value(d, "alpha", "component", ["network"]),
        lambda d: edits.set_value(d, "alpha", "component", None),
        ["+  component: network"],
    ),
    "a value in its place": (
        lambda d: edits.set_value(d, "gamma", "component", ["common"]),
        lambda d: edits.set_value(d, "gamma", "component", ["network"]),
        ["-  component: network", "+  component: common"],
    ),
    "a quoted value": (
        lambda d: edits.set_value(
            d, "delta", "maintainers", ["first@example.test", "x@example.test"]
        ),
        lambda d: edits.set_value(d, "delta", "maintainers", ["first@example.test"]),
        ["+  - x@example.test"],
    ),
    "a list on one line": (
        lambda d: edits.set_value(d, "gamma", "maintainers", ["x@example.test", "y@example.test"]),
        lambda d: edits.set_value(d, "gamma", "maintainers", ["fourth@example.test"]),
        [
            "-  maintainers: [fourth@example.test]",
            "+  maintainers: [x@example.test, y@example.test]",
        ],
    ),
    "a package on one line": (
        lambda d: edits.set_value(d, "unfinished", "distro-branch", ["x"]),
        lambda d: edits.set_value(d, "unfinished", "distro-branch", None),
        [
            (
                "-- {project: unfinished, conf: core, "
                "tags: {oak: {component: network}, under-review: null}}"
            ),
            (
                "+- {project: unfinished, conf: core, "
                "tags: {oak: {component: network}, under-review: null}, distro-branch: x}"
            ),
        ],
    ),
    "an override": (
        lambda d: edits.set_override(d, "alpha", "oak", "source-branch", ["5.0"]),
        lambda d: edits.set_override(d, "alpha", "oak", "source-branch", None),
        ["+      source-branch: '5.0'"],
    ),
    "an override beside another": (
        lambda d: edits.set_override(d, "alpha", "oak-uc", "distro-branch", ["x"]),
        lambda d: edits.set_override(d, "alpha", "oak-uc", "distro-branch", None),
        ["+      distro-branch: x"],
    ),
    "an override on one line": (
        lambda d: edits.set_override(d, "beta", "oak-uc", "component", ["network"]),
        lambda d: edits.set_override(d, "beta", "oak-uc", "component", None),
        [
            "-    oak-uc: {source-branch: 2.0.0.0rc1}",
            "+    oak-uc: {source-branch: 2.0.0.0rc1, component: network}",
        ],
    ),
    "a tag": (
        lambda d: edits.tag(d, "delta", "maple", {"source-branch": "3.0"}),
        lambda d: edits.untag(d, "delta", "maple"),
        ["+- project: delta", "+  tags:", "+    maple:", "+      source-branch: '3.0'"],
    ),
    "a tag taken away": (
        lambda d: edits.untag(d, "delta", "oak"),
        lambda d: edits.tag(d, "delta", "oak", {"distro-branch": "oak-rdo"}),
        ["-- project: delta", "-  tags:", "-    oak:", "-      distro-branch: oak-rdo"],
    ),
    "a tag beside those of the config": (
        lambda d: edits.tag(d, "gamma", "maple", {}),
        lambda d: edits.untag(d, "gamma", "maple"),
        ["+  tags:", "+    oak:", "+    maple:"],
    ),
    "a tag on one line": (
        lambda d: edits.untag(d, "unfinished", "under-review"),
        lambda d: edits.tag(d, "unfinished", "under-review", {}),
        [
            (
                "-- {project: unfinished, conf: core, "
                "tags: {oak: {component: network}, under-review: null}}"
            ),
            "+- {project: unfinished, conf: core, tags: {oak: {component: network}}}",
        ],
    ),
    "a release's value": (
        lambda d: edits.set_release(d, "oak", "identifier", "2026.2"),
        lambda d: edits.set_release(d, "oak", "identifier", "2026.1"),
        ['-  identifier: "2026.1"', '+  identifier: "2026.2"'],
    ),
    "a release": (
        lambda d: branching.new_release(
            d,
            "ash",
            "maple",
            {"identifier": "2027.1", "status": "eol"},
            [BranchRule.parse("(.*)=\\1")],
        ),
        lambda d: branching.remove_release(d, "ash"),
        [],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_an_edit_and_its_reverse_give_the_same_bytes(info: Path, name: str) -> None:
    act, reverse, shown = PAIRS[name]
    before = content(info)

    diff = edit(info, act)

    assert content(info) != before
    if shown:
        assert diff == shown
    edit(info, reverse)
    assert content(info) == before


def test_no_file_is_imported_before_it_is_there_or_after_it_is_gone(folder: Folder) -> None:
    folder.write(
        main=f"import:\n- tags/oak.yml\n{MINIMAL}packages:\n- project: a\n",
        tags__oak="packages:\n- project: a\n  tags:\n    oak:\n",
    )

    def written(act: Act) -> list[str]:
        draft = Draft(folder.path, "main.yml")
        act(draft)
        return [path.relative_to(folder.path).as_posix() for path in draft.write()]

    files = written(lambda d: branching.new_release(d, "ash", "oak", {"status": "eol"}))
    assert files == ["tags/ash.yml", "main.yml"]
    files = written(lambda d: branching.remove_release(d, "ash"))
    assert files == ["main.yml", "tags/ash.yml"]


def test_a_branched_release_has_entry_file_import_and_tags(info: Path) -> None:
    rules = [BranchRule.parse("1.2.3=2.0.0")]

    edit(info, lambda d: branching.new_release(d, "ash", "maple", {"status": "eol"}, rules))

    found = metadata.load(info, "all.yml")
    names = [release.name for release in found.releases]
    assert names == ["oak", "ash", "maple", "elm"]
    assert found.releases[1].repos[0].distrepos[0].url == "http://mirror.example.test/ash/"
    branches = {p.project: p.upstream_branch for p in found.target("ash").packages}
    assert branches == {"alpha": "2.0.0", "beta": "stable/2025.2"}
    assert [p.project for p in found.target("maple").packages] == list(branches)


def test_a_release_is_branched_with_the_tags_of_its_upper_constraints(info: Path) -> None:
    rules = [BranchRule.parse(r"(\d+)\.0\.0.*=\1.1.0")]

    edit(info, lambda d: branching.new_release(d, "ash", "oak", {"status": "eol"}, rules))

    found = metadata.load(info, "all.yml")
    branches = {p.project: p.upstream_branch for p in found.target("ash-uc").packages}
    assert branches == {"alpha": "3.1.0", "beta": "2.1.0", "delta": "4.1.0"}
    assert "gamma" in {p.project for p in found.target("ash").packages}  # by its config


def test_a_new_release_says_in_the_file_of_many_tags_what_is_new(info: Path) -> None:
    edit(info, lambda d: branching.new_release(d, "ash", "oak", {"status": "eol"}))

    assert (
        (info / "tags/oak.yml").read_text()
        == """\
packages:
- project: alpha
  tags:
    oak:
    oak-uc:
      source-branch: 3.0.0
      component: network
    ash:
    ash-uc:
      component: network
- project: beta
  tags:
    oak-uc: {source-branch: 2.0.0.0rc1}
    version-locked:
    ash-uc:
- project: delta
  tags:
    oak:
      distro-branch: oak-rdo
    ash:
      distro-branch: oak-rdo
"""
    )


def test_comments_beside_kept_maintainers_stay(folder: Folder) -> None:
    people = "  maintainers:  # who\n  - a@x.test  # boss\n  - b@x.test\n"
    folder.write(main=f"{MINIMAL}packages:\n- project: a\n{people}")

    values = ["c@x.test", "a@x.test"]
    edit(folder.path, lambda d: edits.set_value(d, "a", "maintainers", values), "main.yml")

    assert (
        (folder.path / "main.yml")
        .read_text()
        .endswith("  maintainers:  # who\n  - c@x.test\n  - a@x.test  # boss\n")
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_end_of_a_file_and_its_newlines_are_kept(
    folder: Folder, end: str, newline: str
) -> None:
    text = f"{MINIMAL}packages:\n- project: a\n  patches:   # none yet{end}"
    (folder.path / "main.yml").write_bytes(text.replace("\n", newline).encode())
    before = content(folder.path)

    edit(folder.path, lambda d: edits.tag(d, "a", "oak", {}), "main.yml")
    after = (folder.path / "main.yml").read_bytes()
    edit(folder.path, lambda d: edits.untag(d, "a", "oak"), "main.yml")

    assert after.count(b"\r\n") == (after.count(b"\n") if newline == "\r\n" else 0)
    assert content(folder.path) == before


def test_a_package_that_inherits_its_tags_keeps_them(info: Path) -> None:
    def tags() -> frozenset[str]:
        packages = metadata.load(info, "all.yml").entries()
        return frozenset(next(p for p in packages if p["project"] == "gamma")["tags"])

    assert tags() == {"oak"}
    edit(info, lambda d: edits.tag(d, "gamma", "maple", {}))
    assert tags() == {"oak", "maple"}
    edit(info, lambda d: edits.untag(d, "gamma", "maple"))
    edit(info, lambda d: edits.untag(d, "gamma", "oak"))
    assert tags() == frozenset()


@pytest.mark.parametrize(("project", "tag"), [("gamma", "oak"), ("alpha", "oak")])
def test_a_tag_that_is_there_is_not_given_again(info: Path, project: str, tag: str) -> None:
    assert edit(info, lambda d: edits.tag(d, project, tag, {})) == []


@pytest.mark.parametrize(
    ("act", "error", "said"),
    [
        (
            lambda d: edits.add_package(d, "alpha", {}, []),
            RefusedError,
            "already has a project alpha",
        ),
        (lambda d: edits.add_package(d, "x", {"nme": "x"}, []), ConfigError, 'did you mean "name"'),
        (lambda d: edits.add_package(d, "x", {}, []), MetadataError, 'x lacks "maintainers"'),
        (lambda d: edits.remove_package(d, "alhpa"), NotFoundError, 'did you mean "alpha"'),
        (lambda d: edits.set_value(d, "alpha", "component", ["x"]), MetadataError, "not declared"),
        (lambda d: edits.set_value(d, "alpha", "project", ["x"]), ConfigError, "cannot be set"),
        (lambda d: edits.set_value(d, "alpha", "compnent", ["x"]), ConfigError, "did you mean"),
        (lambda d: edits.set_value(d, "alpha", "name", ["x", "y"]), ConfigError, "takes one value"),
        (
            lambda d: edits.set_value(d, "alpha", "types", None),
            NotFoundError,
            "has no types of its own",
        ),
        (
            lambda d: edits.set_value(d, "beta", "maintainers", ["x@example.test"]),
            RefusedError,
            "editing maintainers of package beta would also change beta",
        ),
        (
            lambda d: edits.set_override(d, "alpha", "elm", "component", ["x"]),
            NotFoundError,
            "no tag",
        ),
        (lambda d: edits.set_override(d, "alpha", "oak", "name", ["x"]), ConfigError, "cannot be"),
        (lambda d: edits.tag(d, "alpha", "oka", {}), MetadataError, 'did you mean "oak"'),
        (
            lambda d: edits.tag(d, "alpha", "oak", {"soruce-branch": "x"}),
            ConfigError,
            "not an override",
        ),
        (lambda d: edits.untag(d, "alpha", "elm"), NotFoundError, "alpha has no tag elm"),
        (lambda d: edits.set_release(d, "oka", "status", "eol"), NotFoundError, "no release oka"),
        (lambda d: edits.set_release(d, "oak", "name", "x"), ConfigError, "cannot be set"),
        (
            lambda d: edits.set_release(d, "oak", "branch", "a b"),
            MetadataError,
            "is not a branch name",
        ),
        (
            lambda d: branching.new_release(d, "elm", "oak", {}),
            RefusedError,
            "already has a release elm",
        ),
        (lambda d: branching.new_release(d, "x", "y", {}), NotFoundError, "no release y"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(
    info: Path, act: Act, error: type[Exception], said: str
) -> None:
    before = content(info)

    with pytest.raises(error, match=said):
        edit(info, act)

    assert content(info) == before


@pytest.mark.parametrize("text", ["x", "=x", "(=x", "a=\\1"])
def test_what_is_no_branch_rule_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not REGEX=REPLACEMENT"):
        BranchRule.parse(text)


values = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1)


@settings(max_examples=40)
@given(values.map(str.strip).filter(bool), st.sampled_from(["x", '"x"', "'x'", "  x  # why"]))
def test_any_text_is_set_and_set_back(folder: Folder, value: str, written: str) -> None:
    value = value.replace("%", "%%")
    text = f"{MINIMAL}packages:\n- project: a\n  patches: {written}\n  tags: {{}}\n"
    (folder.path / "main.yml").write_text(text)

    edit(folder.path, lambda d: edits.set_value(d, "a", "patches", [value]), "main.yml")
    found = metadata.load(folder.path, "main.yml").entries()[0]["patches"]
    edit(folder.path, lambda d: edits.set_value(d, "a", "patches", ["x"]), "main.yml")

    assert found == value.replace("%%", "%")
    if written != "'x'":  # quotes that were needed in between may be ours
        assert (folder.path / "main.yml").read_text() == text
