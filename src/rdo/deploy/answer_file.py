"""Reading an answer file: all of its faults at once, each with its line; it is never written to."""

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
    """Something wrong, or worth knowing; `line` is None if it is about no line of the file."""

    line: int | None
    said: str


@dataclass(frozen=True, slots=True)
class Given:
    """A value in the file, and its line; `name` is the key as it is written there."""

    value: str
    line: int
    name: str


@dataclass(slots=True)
class AnswerFile:
    """What a file says: the values of known keys, faults, and what a user may want to know."""

    values: dict[str, Given] = field(default_factory=dict)
    faults: list[AnswerFault] = field(default_factory=list)
    notes: list[AnswerFault] = field(default_factory=list)


def read_answers(content: bytes, table: KeyTable) -> AnswerFile:
    """Read the content of a file; values themselves are not checked here."""
    found = AnswerFile()
    for line, name, value in _pairs(content, found.faults):
        _take(found, table, line, name, value)
    return found


def _pairs(content: bytes, faults: list[AnswerFault]) -> Iterator[tuple[int, str, str]]:
    """Yield each line that gives a key; note all others that are not empty or a comment."""
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
                AnswerFault(number, f"[{SECTION}] must be the first line that is no comment")
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
    """Enter a value under the name that its key has now, or note why not."""
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
    """The answers have faults; the message has all of them, a line each."""

    def __init__(self, shown: str, faults: list[AnswerFault]) -> None:
        lines = [told(shown, one) for one in in_order(faults)]
        head = [f"{len(lines)} faults"] if len(lines) > 1 else []
        super().__init__("\n".join([*head, *lines]))


def in_order(faults: list[AnswerFault]) -> list[AnswerFault]:
    """Return faults by their lines, those of no line last."""
    return sorted(faults, key=lambda one: (one.line is None, one.line or 0))


def told(shown: str, fault: AnswerFault) -> str:
    """Return a fault as compilers do: `FILE:LINE: what`."""
    place = f"{shown}:{fault.line}" if fault.line else shown
    return f"{place}: {fault.said}"
