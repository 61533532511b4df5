"""Read an answer file and report all of its faults, with their lines; the file is never changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rdo.deploy.keys import KeyTable
from rdo.errors import ConfigError, did_you_mean

SECTION = "general"
MAX_BYTES = 1_000_000
_LINE = re.compile(r"(?P<key>[^=:\s]+)\s*[=:]\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """A fault or a note; `line` is None if it belongs to no line of the file."""

    line: int | None
    said: str


@dataclass(frozen=True, slots=True)
class Given:
    """A value in the file with its line; `name` is the key as written there."""

    value: str
    line: int
    name: str


@dataclass(slots=True)
class AnswerFile:
    """The content of a file: the values of known keys, faults, and notes for the user."""

    values: dict[str, Given] = field(default_factory=dict)
    faults: list[AnswerFault] = field(default_factory=list)
    notes: list[AnswerFault] = field(default_factory=list)


def read_answers(content: bytes, table: KeyTable) -> AnswerFile:
    """Read the content of a file, without checking the values."""
    found = AnswerFile()
    for line, name, value in _pairs(content, found.faults):
        _take(found, table, line, name, value)
    return found


def _pairs(content: bytes, faults: list[AnswerFault]) -> Iterator[tuple[int, str, str]]:
    """Yield each line that sets a key; report all other lines that are not empty or a comment."""
    if len(content) > MAX_BYTES:
        faults.append(
            AnswerFault(None, f"is larger than {MAX_BYTES} bytes, so it is not an answer file")
        )
        return
    section: str | None = None
    is_told = False
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            line = raw.decode().rstrip("\r")
        except UnicodeDecodeError:
            faults.append(AnswerFault(number, "is not UTF-8"))
            continue
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if header := re.fullmatch(r"\[(.*)\]", text):
            section = header[1]
            if section != SECTION:
                faults.append(AnswerFault(number, f"section [{section}] is not [{SECTION}]"))
        elif section is None and not is_told:
            is_told = True
            faults.append(
                AnswerFault(number, f"[{SECTION}] must be the first line that is not a comment")
            )
        if header or section not in {None, SECTION}:
            continue
        if line[0].isspace():
            faults.append(AnswerFault(number, "begins with a blank; a value has one line"))
        elif not (pair := _LINE.fullmatch(text)):
            faults.append(AnswerFault(number, "is not KEY=value"))
        elif any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
            faults.append(
                AnswerFault(number, f"{pair['key']} has a control character in its value")
            )
        else:
            yield number, pair["key"].upper(), pair["value"]
    if section is None and not is_told:
        faults.append(AnswerFault(None, f"has no section [{SECTION}]"))


def _take(found: AnswerFile, table: KeyTable, line: int, name: str, value: str) -> None:
    """Store a value under the current name of its key, or record why it is ignored."""
    key = table.renamed.get(name, name)
    if key not in table.keys:
        near = did_you_mean(name, [*table.keys, *table.renamed])
        found.faults.append(AnswerFault(line, f"unknown key {name}{near}"))
        return
    before = found.values.get(key)
    if key != name:
        found.notes.append(AnswerFault(line, f"{name} is called {key} now"))
    if before and before.name == name:
        found.faults.append(AnswerFault(line, f"{name} is already in line {before.line}"))
    elif before and before.value != value:
        other = f"{before.name} in line {before.line}"
        found.faults.append(AnswerFault(line, f"{name} and {other} mean the same and differ"))
    elif not before:
        found.values[key] = Given(value, line, name)


class AnswersError(ConfigError):
    """The answers have faults; the message lists all of them, one per line."""

    def __init__(self, shown: str, faults: list[AnswerFault]) -> None:
        lines = [told(shown, one) for one in in_order(faults)]
        head = [f"{len(lines)} faults"] if len(lines) > 1 else []
        super().__init__("\n".join([*head, *lines]))


def in_order(faults: list[AnswerFault]) -> list[AnswerFault]:
    """Return faults ordered by line; those without a line come last."""
    return sorted(faults, key=lambda one: (one.line is None, one.line or 0))


def told(shown: str, fault: AnswerFault) -> str:
    """Return a fault in the format of compilers: `FILE:LINE: what`."""
    place = f"{shown}:{fault.line}" if fault.line else shown
    return f"{place}: {fault.said}"
