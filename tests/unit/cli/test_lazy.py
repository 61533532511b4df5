"""The help of a group of commands."""

import re
from collections import Counter
from collections.abc import Iterator

import click
import pytest

from rdo.cli.lazy import Lazy, LazyGroup
from rdo.cli.main import cli
from rdo.cli.rdopkg import rdopkg


def groups(name: str, group: LazyGroup) -> Iterator[tuple[str, LazyGroup]]:
    yield name, group
    context = click.Context(group)
    for below in group.list_commands(context):
        command = group.get_command(context, below)
        if isinstance(command, LazyGroup):
            yield from groups(f"{name} {below}", command)


assert isinstance(cli, LazyGroup)
assert isinstance(rdopkg, LazyGroup)
GROUPS = dict([*groups("rdo", cli), *groups("rdopkg", rdopkg)])


def shown(group: LazyGroup, width: int = 80) -> str:
    return group.get_help(click.Context(group, info_name="x", terminal_width=width))


@pytest.mark.parametrize("name", GROUPS)
def test_no_line_of_a_help_is_cut_off(name: str) -> None:
    assert "..." not in re.sub(r"\w\.\.\.|\]\.\.\.", "", shown(GROUPS[name]))


@pytest.mark.parametrize("name", [name for name, group in GROUPS.items() if group.sections])
def test_every_command_is_in_one_section(name: str) -> None:
    group = GROUPS[name]
    context = click.Context(group)
    visible = {
        below
        for below in group.list_commands(context)
        if below in group.lazy or not group.commands[below].hidden
    }

    placed = Counter(below for names in group.sections.values() for below in names)

    assert placed == Counter(visible)


def test_sections_come_in_their_order_and_the_rest_last() -> None:
    group = LazyGroup(
        lazy={name: Lazy("nowhere", name, f"Do {name}.") for name in ("a", "long-name", "c", "d")},
        sections={"Second": ["c", "a"], "First": ["long-name"]},
    )

    assert shown(group).partition("\n\n")[2].split("\n\n")[-3:] == [
        "Second:\n  c          Do c.\n  a          Do a.",
        "First:\n  long-name  Do long-name.",
        "Commands:\n  d          Do d.",
    ]


def test_a_long_help_is_wrapped() -> None:
    group = LazyGroup(lazy={"a": Lazy("nowhere", "a", "Word by word. " * 20)})

    assert shown(group, 60).count("Word") == 20
