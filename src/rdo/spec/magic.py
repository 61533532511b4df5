"""Magic comments such as `# patches_base=1.2.3+2`: settings of packaging tools in a spec.

Only single lines of the package's own preamble are read: a comment in `%build` above a command
with `--option=value` is not a magic comment.
"""

import re
from dataclasses import dataclass

from rdo.errors import RefusedError
from rdo.spec.tags import tags
from rdo.spec.text import PREAMBLE, Line, SpecText

_MAGIC = re.compile(r"#\s*(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>\S*)\s*$")
_BARE = re.compile(r"#\s*$")


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic comment and its line."""

    name: str
    value: str
    line: Line


def magic_comments(text: SpecText) -> list[Magic]:
    """Return all magic comments in their order."""
    found = []
    for line in text.read():
        match = _MAGIC.match(line.text)
        if match and line.section == PREAMBLE and not line.continues:
            found.append(Magic(match["name"], match["value"], line))
    return found


def get_magic(text: SpecText, name: str) -> str:
    """Return the value of the first magic comment with that name, or "" if there is none."""
    return next((one.value for one in magic_comments(text) if one.name == name), "")


def set_magic(text: SpecText, name: str, value: str) -> SpecText:
    """Set a magic comment; an empty `value` removes it and restores the spec as it was.

    Raises RefusedError for a name or value that a magic comment cannot have.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name) or re.search(r"\s", value):
        raise RefusedError(
            f"not a magic comment: {name}={value}; "
            f"the name must be one word, and the value must not have blanks"
        )
    same = [one for one in magic_comments(text) if one.name == name]
    if not value:
        return _removed(text, same)
    if not same:
        return _added(text, name, value)
    old = same[0].line
    head = (
        old.text[: len(old.text.rstrip()) - len(same[0].value)] if same[0].value else f"# {name}="
    )
    return text.with_line(old.number, f"{head}{value}")


def _added(text: SpecText, name: str, value: str) -> SpecText:
    there = magic_comments(text)
    if there:
        return text.inserted(there[0].line.number, [f"# {name}={value}"])
    block = ["#", f"# {name}={value}", "#"]
    return text.inserted(_place_of_block(text), block)


def _place_of_block(text: SpecText) -> int:
    """Return the line before the first patch, else after the first source, outside conditions."""
    patches = [tag.line for tag in tags(text, "Patch")]
    if patches:
        return outside_before(text, patches[0].number)
    sources = [tag.line for tag in tags(text, "Source")]
    if sources:
        return outside_after(text, sources[0].number)
    named = [tag.line for tag in tags(text, "Release", "Version", "Name")]
    return outside_after(text, max(x.number for x in named)) if named else 0


def _removed(text: SpecText, same: list[Magic]) -> SpecText:
    for one in reversed(same):
        text = text.without(_with_frame(text, one.line.number))
    return text


def _with_frame(text: SpecText, number: int) -> list[int]:
    """Return the line, with the bare `#` above and below it if they frame nothing else."""

    def is_bare(at: int) -> bool:
        return 0 <= at < len(text.lines) and _BARE.match(text.lines[at]) is not None

    if is_bare(number - 1) and is_bare(number + 1):
        return [number - 1, number, number + 1]
    return [number]


def outside_before(text: SpecText, number: int) -> int:
    """Return the nearest line at or above `number` where a plain statement can be inserted."""
    lines = text.read()
    while number > 0 and not (lines[number].is_plain):
        number -= 1
    return number


def outside_after(text: SpecText, number: int) -> int:
    """Return the nearest line below `number` where a plain statement can be inserted."""
    lines = text.read()
    number += 1
    while number < len(lines) and not lines[number].is_plain:
        number += 1
    # the %endif itself counts as outside, so go one line further
    if number < len(lines) and lines[number].text.lstrip().startswith("%endif"):
        return number + 1
    return number


@dataclass(frozen=True, slots=True)
class PatchesBase:
    """A `patches_base=REF+N`: the ref below the patches, and how many after it get no file.

    >>> [str(PatchesBase.parse(x)) for x in ("1.0", "1.0+2", "+3")]
    ['1.0', '1.0+2', '+3']
    """

    ref: str = ""
    excluded: int = 0

    @classmethod
    def parse(cls, value: str) -> "PatchesBase":
        """Parse REF, REF+N or +N; raises RefusedError for anything else."""
        ref, plus, number = value.rpartition("+")
        if not plus:
            return cls(value)
        if not number.isdecimal():
            raise RefusedError(f"patches_base={value} is not REF, REF+NUMBER or +NUMBER")
        return cls(ref, int(number))

    def __str__(self) -> str:
        return f"{self.ref}+{self.excluded}" if self.excluded else self.ref
