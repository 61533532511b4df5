"""Print a command's result: a table or a text for people, JSON for programs."""

import dataclasses
import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, TypeVar

import click

from rdo.cli import colors
from rdo.errors import RefusedError
from rdo.model.text.terminal_text import json_on_terminal, on_terminal

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Rows for people; cells are printed with `str`, and None as an empty cell."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def results_option(content: str) -> Callable[[Command], Command]:
    """Add the option `--results` for a folder; `content` says in the help what is put there."""
    return click.option(
        "--results",
        "-o",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        help=content,
    )


def json_option(command: Command) -> Command:
    """Add the option `--json`, passed to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def leave_a_reader_that_is_gone() -> None:
    """Discard all further output: Python's last flush would report the closed pipe again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(value: object, as_json: bool, people: Table | str | None = None) -> None:
    """Print `value` as JSON, or as the text `people`; without it, as the value's own text."""
    if as_json:
        click.echo(json_on_terminal(json.dumps(plain(value), indent=2, ensure_ascii=False)))
    elif isinstance(people, Table):
        _show_table(people)
    else:
        say(str(value) if people is None else people)


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text for people, without terminal control characters.

    All output of commands goes through this function, because nearly every text quotes something
    from outside.
    """
    shown = on_terminal(str(text))
    if colors.is_colored(sys.stderr if err else sys.stdout):
        shown = colors.paint_lines(shown)
    click.echo(shown, err=err, nl=nl)


def size(count: int) -> str:
    """Return a number of bytes in a unit for people.

    >>> size(5_300_000), size(12)
    ('5.3 MB', '0.0 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def is_verbose() -> bool:
    """Whether `-v` or `--debug` was given."""
    return logging.getLogger("rdo").isEnabledFor(logging.DEBUG)


def is_asked_for_json(args: Sequence[str]) -> bool:
    """Whether `--json` is in a command line that is not parsed yet, or cannot be parsed.

    >>> is_asked_for_json(["why", "a", "--json"]), is_asked_for_json(["lab", "ssh", "--", "--json"])
    (True, False)
    """
    return "--json" in itertools.takewhile(lambda arg: arg != "--", args)


def complain(message: str, hint: str, exit_code: int, *, as_json: bool) -> None:
    """Print the error that ends a command and its remedy; for programs, as a line of JSON.

    It goes to stderr, as the last line there; stdout has results only.
    """
    if as_json:
        told = {"error": message, "hint": hint, "exit_code": exit_code}
        click.echo(json_on_terminal(json.dumps(told, ensure_ascii=False)), err=True)
        return
    error = "error"
    if colors.is_colored(sys.stderr):
        error = colors.paint(error, colors.of_state(error))
    click.echo(f"rdo: {error}: {on_terminal(message)}", err=True)
    if hint:
        say(f"  {hint}", err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a destructive act, unless `yes`; raises RefusedError without a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            f"cannot ask for confirmation without a terminal: {question}",
            hint="pass --yes to go ahead",
        )
    click.confirm(on_terminal(question), abort=True)


def ask(question: str, *, default: str | None = None, is_secret: bool = False) -> str:
    """Ask on the terminal until there is an answer; the input is not shown if `is_secret`."""
    answer: str = click.prompt(
        on_terminal(question),
        default=default,
        show_default=False,
        hide_input=is_secret,
        prompt_suffix=" : ",
    )
    return answer


def agrees(question: str) -> bool:
    """Ask a yes-or-no question on the terminal until it is answered."""
    return click.confirm(on_terminal(question), default=None)


def plain(value: Any) -> Any:
    """Convert a value to JSON data: dataclasses to objects, times to ISO 8601, sets sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    match value:
        case Enum():
            return plain(value.value)
        case Mapping():
            return {str(key): plain(below) for key, below in value.items()}
        case AbstractSet():
            return sorted((plain(below) for below in value), key=str)
        case list() | tuple():
            return [plain(below) for below in value]
        case datetime():
            return value.isoformat()
        case str() | int() | float() | bool() | None:
            return value
        case PurePath():
            return str(value)
    return str(value)


def _show_table(table: Table) -> None:
    heads = [column.upper() for column in table.columns]
    cells = [[_cell(c) for c in row] for row in table.rows]
    has_colors = colors.is_colored(sys.stdout)
    if sys.stdout.isatty() and has_colors:
        _show_rich(heads, cells)
        return
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for row in (heads, *cells):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = [
            colors.paint(shown, colors.of_state(cell)) if has_colors else shown
            for shown, cell in zip(padded, row, strict=True)
        ]
        click.echo("  ".join(line).rstrip())  # the cells are clean already


def _show_rich(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    # imported here, because only output to a terminal needs it
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell, style=colors.of_state(cell)) for cell in row))
    Console().print(table)


def _cell(value: object) -> str:
    """Return a cell as one line."""
    text = on_terminal("" if value is None else str(value))
    return text.replace("\n", "\N{REPLACEMENT CHARACTER}").replace(
        "\t", "\N{REPLACEMENT CHARACTER}"
    )
