"""Read the entries of `%changelog`, and add a new one on top."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rdo.model.text.spec_text import in_spec
from rdo.spec.text import SpecText

log = logging.getLogger(__name__)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_DAY = re.compile(
    r"\*\s*[A-Za-z]{3}\s+(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+"
    r"(?:\d\d:\d\d:\d\d\s+[A-Z]{1,5}\s+)?(?P<year>\d{4})\s"
)
# Lines of the section that rpm reads and does not show: its own line, and those of conditions.
_NOT_SAID = re.compile(
    r"%changelog(?:\s|$)|\s*%(?:if\w*|else|elif\w*|endif|include)(?:\s|[(!]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ChangelogEntry:
    """A changelog entry: its `* …` line and the lines up to the next entry, without endings."""

    header: str
    lines: tuple[str, ...]


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


def not_before(text: SpecText, when: datetime) -> datetime:
    """Return the day of a new entry: `when`, or the day of the newest entry if that is later.

    rpm drops the entries below one that is older than they are.
    """
    match = next((found for one in entries(text)[:1] if (found := _DAY.match(one.header))), None)
    if match is None or match["month"] not in _MONTHS:
        return when
    numbers = int(match["year"]), _MONTHS.index(match["month"]) + 1, int(match["day"])
    try:
        newest = when.replace(year=numbers[0], month=numbers[1], day=numbers[2])
    except ValueError:  # the thirtieth of February
        return when
    if newest <= when:
        return when
    log.warning("the newest entry of %%changelog is of %s; so is the new one", newest.date())
    return newest


def header(when: datetime, who: str, vr: str) -> str:
    """Return the first line of an entry, in English whatever the locale; `who` is escaped.

    >>> header(datetime(2026, 3, 5), "A <a@example.test>", "1:1.0-2")
    '* Thu Mar 05 2026 A <a@example.test> 1:1.0-2'
    """
    day = f"{_DAYS[when.weekday()]} {_MONTHS[when.month - 1]} {when:%d} {when.year}"
    return f"* {day} {in_spec(who)} {vr}"


def with_entry(text: SpecText, first: str, changes: Sequence[str]) -> SpecText:
    """Add an entry on top; without changes, leave a line to write them on.

    The changes are plain text: rpm will show each `%` as it is.
    """
    items = [line for change in changes for line in _item(change)]
    new = [first, *items, *([] if changes else [""]), ""]
    for line in text.read():
        if line.section == "changelog":
            return text.inserted(line.number + 1, new)
    return text.inserted(len(text.lines), ["", "%changelog", *new[:-1]])


def _item(change: str) -> list[str]:
    """Return the lines of one change; none may start an entry or be obeyed by rpm."""
    first, *rest = re.split(r"\r\n|[\r\n]", change)
    return [
        f"- {in_spec(first)}",
        *(in_spec(f"- {line}" if re.match(r"\s*[#%]|\*", line) else line) for line in rest),
    ]
