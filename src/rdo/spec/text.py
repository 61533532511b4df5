"""The lines of a spec file, each with its section, conditions and continuation as rpm sees them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

_SECTION = re.compile(
    r"%(package|description|prep|conf|generate_buildrequires|build|install|check|clean"
    r"|pre|post|preun|postun|pretrans|posttrans|preuntrans|postuntrans|verify|verifyscript"
    r"|trigger\w*|filetrigger\w*|transfiletrigger\w*|files|changelog|sepolicy|sourcelist"
    r"|patchlist)(?=\s|$)",
    re.IGNORECASE,
)
_IF = re.compile(r"\s*%(if|ifarch|ifnarch|ifos|ifnos)(?=\s|[(!]|$)")
_BRANCH = re.compile(r"\s*%(else|elif|elifarch|elifos)(?=\s|$)")
_ENDIF = re.compile(r"\s*%endif(?=\s|$)")

# A backslash and what it escapes, what opens an expression, or a bracket.
_BRACKET = re.compile(r"\\.?|%[{(\[%]|[][{}()]")
_OPENINGS = {"}": "{", ")": "(", "]": "["}

PREAMBLE = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a spec and its context.

    `section` is empty for the package's own preamble. `conditions` are the `%if…` (and `%else`)
    lines around it. A line that `continues` the previous one (a macro's body, a backslash) is not a
    statement of its own.
    """

    number: int
    text: str
    section: str = PREAMBLE
    conditions: tuple[str, ...] = ()
    continues: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the line is a statement that always applies."""
        return not self.conditions and not self.continues


@dataclass(frozen=True, slots=True)
class SpecText:
    """A spec file as lines with their own endings; joined, they give the same bytes again.

    Bytes that are not UTF-8 (Latin-1 names in old changelogs) are kept as lone surrogates.

    >>> bytes(SpecText.parse(b"Name: x\\r\\n# caf\\xe9"))
    b'Name: x\\r\\n# caf\\xe9'
    """

    lines: tuple[str, ...]

    @classmethod
    def parse(cls, content: bytes) -> Self:
        text = content.decode("utf-8", "surrogateescape")
        return cls(tuple(re.findall(r"[^\n]*\n|[^\n]+", text)))

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return "".join(self.lines)

    @property
    def newline(self) -> str:
        """The ending for new lines: the one that most lines have."""
        with_return = sum(line.endswith("\r\n") for line in self.lines)
        return "\r\n" if 2 * with_return > len(self.lines) else "\n"

    def replaced(self, start: int, end: int, new: Sequence[str]) -> Self:
        """Replace the lines from `start` to before `end` with `new`, given without endings."""
        before = list(self.lines[:start])
        if before and new and not before[-1].endswith("\n"):
            before[-1] += self.newline
        ended = [f"{line}{self.newline}" for line in new]
        return type(self)((*before, *ended, *self.lines[end:]))

    def inserted(self, at: int, new: Sequence[str]) -> Self:
        return self.replaced(at, at, new)

    def without(self, numbers: Sequence[int]) -> Self:
        gone = set(numbers)
        return type(self)(tuple(x for n, x in enumerate(self.lines) if n not in gone))

    def with_line(self, number: int, text: str) -> Self:
        """Replace the text of one line, and keep its ending."""
        return self.with_lines({number: text})

    def with_lines(self, texts: Mapping[int, str]) -> Self:
        """Replace the texts of several lines, by their numbers, and keep their endings."""
        lines = list(self.lines)
        for number, text in texts.items():
            old = lines[number]
            lines[number] = text + old[len(old.rstrip("\r\n")) :]
        return type(self)(tuple(lines))

    def read(self) -> Sequence[Line]:
        """Return all lines with their contexts."""
        return _all_read(self.lines)


@lru_cache(maxsize=32)
def _all_read(lines: tuple[str, ...]) -> tuple[Line, ...]:
    return tuple(_read(lines))


def _read(lines: Sequence[str]) -> Iterator[Line]:
    section = PREAMBLE
    conditions: list[str] = []
    open_braces = _Braces()
    for number, ended in enumerate(lines):
        text = ended.rstrip("\r\n")
        if open_braces:
            yield Line(number, text, section, tuple(conditions), continues=True)
            open_braces.feed(text)
            continue
        if _ENDIF.match(text):
            conditions = conditions[:-1]
        elif _BRANCH.match(text) and conditions:
            conditions[-1] = f"{conditions[-1]} / {text.strip()}"
        elif opening := _SECTION.match(text):
            section = opening[1].lower()
        yield Line(number, text, section, tuple(conditions))
        if _IF.match(text):
            conditions.append(text.strip())
        if not text.lstrip().startswith("#"):
            open_braces.feed(text)


class _Braces:
    """A counter of open brackets: true if rpm would read another line before it expands."""

    def __init__(self) -> None:
        self._open = {"{": 0, "(": 0, "[": 0}
        self._escaped_end = False

    def __bool__(self) -> bool:
        return self._escaped_end or any(self._open.values())

    def feed(self, text: str) -> None:
        """Count the brackets that a line opens and closes, except escaped ones.

        Inside the brackets of an expression, other kinds of brackets have no meaning.
        """
        self._escaped_end = False
        for match in _BRACKET.finditer(text):
            said = match[0]
            if said == "\\":
                self._escaped_end = True
            elif said[0] == "%" and said[1] != "%":
                self._open[said[1]] += 1
            elif self._open.get(said):
                self._open[said] += 1
            elif (opening := _OPENINGS.get(said)) and self._open[opening]:
                self._open[opening] -= 1
