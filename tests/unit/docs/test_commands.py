"""The commands, files and promises of README and how-tos are those of the program."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from rdo import config, metadata
from rdo.cli.main import cli
from rdo.model.build import FailureReason
from tests.unit.docs.pages import (
    PAGES,
    README,
    CommandLine,
    command_lines,
    fences,
    spans,
    table,
    typed,
)

COMMAND_LINES = [line for page in PAGES for line in command_lines(page)]
HOW_TO = README.parent / "docs/how-to"


@pytest.fixture(autouse=True)
def files_that_pages_speak_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some options want a file that is there."""
    monkeypatch.chdir(tmp_path)
    for name in ("delorean.repo", "delorean-deps.repo", "mine.toml"):
        (tmp_path / name).touch()


def parse(args: Sequence[str], *, may_lack_arguments: bool = False) -> None:
    """Let click find the command and read its options, and run nothing."""
    command: click.Command = cli
    context: click.Context | None = None
    name, rest = "rdo", list(args)
    while True:
        if not rest and (may_lack_arguments or isinstance(command, click.Group)):
            return
        try:
            context = command.make_context(name, rest, parent=context)
        except click.exceptions.Exit:  # --help and --version
            return
        if not isinstance(command, click.Group):
            return
        left = [*_protected(context), *context.args]
        if not left:
            return
        found, next_command, rest = command.resolve_command(context, left)
        assert found
        assert next_command
        name, command = found, next_command


def _protected(context: click.Context) -> list[str]:
    """Return what a group leaves to its command; click 8.1 has it under another name."""
    name = "_protected_args" if hasattr(context, "_protected_args") else "protected_args"
    words: list[str] = getattr(context, name)
    return words


@pytest.mark.parametrize("line", COMMAND_LINES, ids=str)
def test_a_command_of_the_documents_can_be_typed(line: CommandLine) -> None:
    parse(line.args, may_lack_arguments=line.is_in_text)


@pytest.mark.parametrize(
    "line",
    [
        "trunk rnu",
        "trunk run --no-such-option",
        "trunk run --workers none",
        "trunk log",
        "platform create deb12-x86_64 --repo not-there.repo",
        "nothing",
    ],
)
def test_a_command_that_does_not_exist_would_be_found(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line.split())


def test_the_commands_of_all_pages_were_seen() -> None:
    seen = {line.page for line in COMMAND_LINES}

    assert seen >= {"README.md", *(page.name for page in HOW_TO.glob("*.md"))}


def test_readme_is_short_and_shows_the_demo_and_the_tests_first() -> None:
    commands = [line.split()[:2] for line in typed(README) if re.match(r"[a-z./]+ ", line)]

    assert len(README.read_text().splitlines()) <= 80
    assert commands[:2] == [["make", "demo"], ["make", "test"]]


def test_what_pages_tell_to_make_is_a_target() -> None:
    rules = re.findall(r"^([\w-]+):", (README.parent / "Makefile").read_text(), re.MULTILINE)
    lines = [line for page in PAGES for line in (*typed(page), *spans(page.read_text()))]
    told = {line.split()[1] for line in lines if line.startswith("make ")}

    assert {"demo", "test"} <= told <= set(rules)


def test_the_first_build_of_readme_is_what_the_demo_runs() -> None:
    text = README.read_text().partition("## A first build")[2]
    demo = (README.parent / "examples/demo/run").read_text().replace('"', "")
    demo = demo.replace("$demo", "$PWD").replace("$target", "master-deb12")

    commands = [line[2:] for line in fences(text, "")[0].splitlines() if line.startswith("$ ")]

    assert len(commands) == 5
    assert [
        line
        for line in commands
        if not re.search(rf"^ *run(_as_root)? {re.escape(line)}$", demo, re.M)
    ] == []


def test_the_configuration_of_the_how_to_is_read(tmp_path: Path) -> None:
    text = (HOW_TO / "follow-git.md").read_text()
    [block] = [block for block in fences(text, "toml") if block.startswith("# rdo.toml")]
    (tmp_path / "rdo.toml").write_text(block)

    settings = config.load(config.find(tmp_path), environ={}).settings

    assert settings.target("master-deb12").platform == "deb12-x86_64"


def test_the_metadata_of_the_how_to_is_read(tmp_path: Path) -> None:
    text = (HOW_TO / "follow-git.md").read_text()
    [block] = [block for block in fences(text, "yaml") if block.startswith("# rdo.yml")]
    (tmp_path / "rdo.yml").write_text(block)

    [package] = metadata.load(tmp_path, "rdo.yml").target("master", "deb12").packages

    assert (package.name, package.upstream_branch) == ("python-greet", "main")
    assert package.distgit_branch == "rpm-master"


def test_every_reason_of_a_failure_is_explained() -> None:
    rows = table((HOW_TO / "failed-build.md").read_text(), "1.")
    told = {name: row[2] != "no" for row in rows for name in re.findall(r"`([a-z-]+)`", row[0])}

    assert told == {reason.value: reason.is_spurious for reason in FailureReason}
