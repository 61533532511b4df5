"""Colors: which words have one, and whether this output is colored."""

import os
import re
import sys
from collections.abc import Sequence
from typing import TextIO

import click

WHEN = ("auto", "always", "never")

_RED = ("FAILED", "FTBFS", "failed", "fault", "missing", "error", "DIFFERENT", "never built")
_YELLOW = (
    *("RETRY", "again", "waiting", "waits", "queued", "resting", "held", "paused", "stale"),
    *("warning", "note", "unreachable", "branch-gone", "cycle", "to do"),
)
_GREEN = ("built", "ok", "SUCCESS", "done", "yes")
_COLORS = {
    **dict.fromkeys(_RED, "red"),
    **dict.fromkeys(_YELLOW, "yellow"),
    **dict.fromkeys(_GREEN, "green"),
}
_FIRST_WORD = re.compile(r"^([A-Za-z]+)(?=:? )", re.MULTILINE)


def set_when(context: click.Context, when: str) -> None:
    """Decide on colors for a whole command line: `--color`, else NO_COLOR, else each stream."""
    if when != "auto":
        context.color = when == "always"
    elif os.environ.get("NO_COLOR"):
        context.color = False


def asked(args: Sequence[str]) -> str:
    """Return the value of `--color` in a command line that is not parsed yet.

    >>> asked(["--color", "never", "why"]), asked(["--color=always"]), asked(["why"])
    ('never', 'always', 'auto')
    """
    for number, arg in enumerate(args):
        name, _, value = arg.partition("=")
        if name == "--color":
            value = value or "".join(args[number + 1 : number + 2])
            return value if value in WHEN else WHEN[0]
    return WHEN[0]


def is_colored(stream: TextIO) -> bool:
    """Whether text printed to a stream is colored."""
    context = click.get_current_context(silent=True)
    if context is not None and context.color is not None:
        return context.color
    return stream.isatty() and not os.environ.get("NO_COLOR")


def of_state(word: str) -> str:
    """Return the color of a word that names a state; empty for any other text.

    >>> of_state("FTBFS"), of_state("built"), of_state("python-built")
    ('red', 'green', '')
    """
    return _COLORS.get(word, "")


def paint(text: str, color: str) -> str:
    """Color a clean text, if there is a color."""
    return click.style(text, fg=color) if color else text


def paint_lines(text: str) -> str:
    """Color the first word of each line that begins with the name of a state.

    >>> paint_lines("failed   python-a\\nplain line")
    '\\x1b[31mfailed\\x1b[0m   python-a\\nplain line'
    """
    return _FIRST_WORD.sub(lambda found: paint(found[1], of_state(found[1])), text)


def is_for_people(stream: TextIO | None = None) -> bool:
    """Whether a person is watching: the stream, or else stderr, is a terminal."""
    return (stream or sys.stderr).isatty()
