"""The documents of the repository, and what in them can be compared with the code."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
CONTRIBUTING = REPOSITORY / "CONTRIBUTING.md"
PAGES = (README, CONTRIBUTING, *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One `rdo …` of a page; `args` are what follows the program's name.

    In the text a command may only be named, without the arguments that it needs.
    """

    page: str
    args: tuple[str, ...]
    is_in_text: bool = False

    def __str__(self) -> str:
        return f"{self.page}: rdo {shlex.join(self.args)}"


def fences(text: str, kind: str) -> list[str]:
    """The code blocks of a kind; an empty kind means those without one."""
    return [fence["text"] for fence in _FENCE.finditer(text) if fence["kind"] == kind]


def spans(text: str) -> list[str]:
    """What stands in `backquotes` within the text."""
    return _SPAN.findall(_FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Where the links lead that stay in the repository."""
    return [link for link in _LINK.findall(text) if "://" not in link]


def typed(page: Path) -> list[str]:
    """The lines of a page's code blocks, without the prompt."""
    blocks = fences(page.read_text(), "")
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def command_lines(page: Path) -> Iterator[CommandLine]:
    """Every rdo command of a page, typed or named."""
    yield from (CommandLine(page.name, args) for line in typed(page) if (args := _args(line)))
    for span in spans(page.read_text()):
        if args := _args(span):
            yield CommandLine(page.name, args, is_in_text=True)


def _args(line: str) -> tuple[str, ...]:
    if not re.match(r"(\S*/)?rdo ", line):
        return ()
    return tuple(shlex.split(line, comments=True)[1:])


def table(text: str, heading: str) -> list[tuple[str, ...]]:
    """The cells of the table below the heading that begins so, without its own first two rows."""
    section = re.split(rf"^## {re.escape(heading)}.*\n", text, flags=re.MULTILINE)[1]
    lines = re.split(r"^## ", section, flags=re.MULTILINE)[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [tuple(cell.strip() for cell in row) for row in rows[2:]]
