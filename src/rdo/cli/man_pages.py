"""Manual pages made from the help of the commands: `python -m rdo.cli.man_pages FOLDER`."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from rdo import __version__
from rdo.cli import output
from rdo.cli.main import EXIT_CODES, cli


def man_pages(command: click.Command = cli, above: click.Context | None = None) -> dict[str, str]:
    """Return the manual pages of a command and all its subcommands, by file name."""
    name = command.name if above else "rdo"
    context = click.Context(command, info_name=name, parent=above)
    pages = {f"{_dashed(context)}.1": "\n".join(_page(context)) + "\n"}
    for _, below in _commands(context):
        pages |= man_pages(below, context)
    return pages


def _dashed(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _commands(context: click.Context) -> Iterator[tuple[str, click.Command]]:
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below and not below.hidden:
                yield name, below


def _page(context: click.Context) -> Iterator[str]:
    command = context.command
    title = _dashed(context)
    yield f'.TH "{_text(title.upper())}" "1" "" "rdo {_text(__version__)}" "rdo"'
    yield ".SH NAME"
    yield f"{_text(title)} \\- {_text(command.get_short_help_str(limit=1000).rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f".B {_text(context.command_path)}"
    yield _text(" ".join(command.collect_usage_pieces(context)))
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    options = [record for one in command.params if (record := one.get_help_record(context))]
    if options:
        yield ".SH OPTIONS"
        for names, meaning in options:
            yield from (".TP", f".B {_text(names)}", _text(meaning))
    below = list(_commands(context))
    if below:
        yield ".SH COMMANDS"
        for name, one in below:
            yield from (".TP", f".BR {_text(title)}\\-{_text(name)} (1)")
            yield _text(one.get_short_help_str(limit=1000))
    if context.parent is None:
        yield ".SH EXIT STATUS"
        yield from _paragraphs(EXIT_CODES.replace("Exit codes:\n", ""))
    else:
        yield ".SH SEE ALSO"
        yield f".BR {_text(_dashed(context.parent))} (1)"


def _paragraphs(text: str) -> Iterator[str]:
    """Convert the paragraphs of a help text; one that begins with `\b` keeps its lines."""
    for number, block in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ".PP"
        lines = block.splitlines()
        if "\b" in lines:
            yield from (".nf", *(_text(line) for line in lines if line != "\b"), ".fi")
        else:
            yield _text(" ".join(line.strip() for line in lines))


def _text(text: str) -> str:
    r"""Escape a text so that roff prints it unchanged.

    >>> _text(".5 -x a\\b 'c'")
    "\\&.5 \\-x a\\eb 'c'"
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(x if x.isascii() else f"\\[u{ord(x):04X}]" for x in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def write_man_pages(folder: Path) -> list[Path]:
    """Write all pages into a folder `man1`, which `man -M` finds in its parent folder."""
    pages = man_pages()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text)
    return [folder / name for name in pages]


if __name__ == "__main__":
    output.say(f"wrote {len(write_man_pages(Path(sys.argv[1])))} pages")
