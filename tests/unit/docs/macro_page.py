"""docs/macros.md, made out of the comments of the macro files.

    .venv/bin/python -m tests.unit.docs.macro_page

writes it. A comment that begins with `##` describes the macros below it, as far as the next
comment or empty line. What stands above the first macro of a file is the head of its section.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources

from tests.unit.docs.pages import DOCS

PAGE = DOCS / "macros.md"
_FOLDER = resources.files("rdo.roots") / "macros"
_MACRO = re.compile(r"%([A-Za-z_]\w*)")
_HEAD = """\
# Macros of the embedded platform

`deb12-x86_64` adds these macros to Debian's rpm, so that specs for RPM distributions build
unchanged. On `el9s`, `el10s` and `fedora` the distribution has its own. This page is generated
from the comments in `src/rdo/roots/macros/`; change it there.

It does not list macros that rpm itself has: `%autosetup` (also with `-S git`), `%configure`,
`%make_build`, `%make_install`, `%find_lang`, `%bcond`, `%bcond_with`, `%bcond_without`,
`%license`. The platform's definition sets `%{?rhel}`, `%{?fedora}` and `%{?dist}`.
"""


@dataclass(slots=True)
class Section:
    """One file of macros."""

    title: str
    text: list[str] = field(default_factory=list)
    follows: str = ""
    rows: list[tuple[list[str], str]] = field(default_factory=list)


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *map(_shown, sections())])


def sections() -> list[Section]:
    files = sorted((one for one in _FOLDER.iterdir()), key=lambda one: one.name)
    return [_section(one.read_text()) for one in files if one.name.endswith(".macros")]


def _section(text: str) -> Section:
    lines = text.splitlines()
    section = Section(lines[0].removeprefix("# "))
    names: list[str] | None = None
    is_head = True
    for line in _starts(lines[1:]):
        macro = _MACRO.match(line)
        if line.startswith("## "):
            names = []
            section.rows.append((names, line.removeprefix("## ")))
        elif line.startswith("# Follows: "):
            section.follows = line.removeprefix("# Follows: ")
        elif line.startswith("# ") and is_head:
            section.text.append(line.removeprefix("# "))
        elif macro and names is not None:
            names += [macro[1]] if not macro[1].startswith("_rdo") else []
        elif not macro:
            names = None
        is_head = is_head and line.startswith("# ")
    return section


def _starts(lines: list[str]) -> Iterator[str]:
    """The lines that do not continue another."""
    continues = False
    for line in lines:
        if not continues and not line.startswith((" ", "}")):
            yield line
        continues = line.endswith("\\")


def _shown(section: Section) -> str:
    text = [*section.text, f"Compatible with: {section.follows}."]
    rows = [
        f"| {', '.join(f'`%{name}`' for name in names)} | {gives.replace('|', chr(92) + '|')} |"
        for names, gives in section.rows
    ]
    return "\n".join(
        [f"## {section.title}", " ".join(text), "", "| macro | gives |", "|---|---|", *rows, ""]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
