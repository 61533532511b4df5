"""Read the entries of `%changelog`, and add a new one on top."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rdo.model.text.spec_text import from_spec, in_spec
from rdo.spec.text import SpecText

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_COMMENT = re.compile(r"\s*(?:#|%dnl\b|%\{dnl\b)")
# What rpm reads in the section without showing it: its own line, and those of conditions.
_NOT_SAID = re.compile(
    r"%changelog(?:\s|$)|\s*%(?:if\w*|else|elif\w*|endif)(?:\s|[(!]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ChangelogEntry:
    """A changelog entry: its `* …` line and the lines up to the next entry, without endings."""

    header: str
    lines: tuple[str, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        """The lines as rpm shows them, without blank lines and comments, which rpm drops."""
        kept = (line for line in self.lines if not _COMMENT.match(line))
        return tuple(from_spec(line) for line in kept if line.strip())


def is_automatic(text: SpecText) -> bool:
    """Whether `%autochangelog` generates the entries."""
    return any(
        line.section == "changelog" and re.match(r"%\{?\??autochangelog\b", line.text)
        for line in text.read()
    )


def entries(text: SpecText) -> list[ChangelogEntry]:
    """Return the entries in the order of the file, newest first."""
    found: list[tuple[str, list[str]]] = []
    for line in text.read():
        if line.section != "changelog" or _NOT_SAID.match(line.text):
            continue
        if line.text.startswith("*"):
            found.append((line.text, []))
        elif found:
            found[-1][1].append(line.text)
    return [ChangelogEntry(header, tuple(lines)) for header, lines in found]


def header(when: datetime, who: str, vr: str) -> str:
    """Return the first line of an entry, in English whatever the locale; `who` is escaped.

    >>> header(datetime(2026, 3, 5), "A <a@example.test>", "1:1.0-2")
    '* Thu Mar 05 2026 A <a@example.test> 1:1.0-2'
    """
    day = f"{_DAYS[when.weekday()]} {_MONTHS[when.month - 1]} {when:%d} {when.year}"
    return f"* {day} {in_spec(who)} {vr}"


def with_entry(text: SpecText, first: str, changes: Sequence[str]) -> SpecText:
    """Add an entry on top; without changes, leave a line to write them on.

    The changes are text, not spec: rpm will show each `%` as it is.
    """
    items = [line for change in changes for line in _item(change)]
    new = [first, *items, *([] if changes else [""]), ""]
    for line in text.read():
        if line.section == "changelog":
            return text.inserted(line.number + 1, new)
    return text.inserted(len(text.lines), ["", "%changelog", *new[:-1]])


def _item(change: str) -> list[str]:
    """Return the lines of one change; no line may begin another entry or be a comment."""
    first, *rest = re.split(r"\r\n|[\r\n]", change)
    return [
        f"- {in_spec(first)}",
        *(in_spec(f"- {line}" if re.match(r"\s*#|\*", line) else line) for line in rest),
    ]
