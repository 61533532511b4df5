"""Read and set tags such as `Version: 1.0` in the package's own preamble."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rdo.errors import NotFoundError, RefusedError
from rdo.spec.release import is_automatic
from rdo.spec.text import PREAMBLE, Line, SpecText

_TAG = re.compile(
    r"(?P<head>\s*(?P<name>[A-Za-z]+)(?P<number>\d*)\s*:\s*)(?P<value>\S(?:.*\S)?)(?P<tail>\s*)$"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag line; `number` is the text after `Source` or `Patch`, often empty."""

    name: str
    number: str
    value: str
    line: Line
    head: str
    tail: str


def tags(text: SpecText, *names: str) -> list[Tag]:
    """Return the tags with these names (in any case) in the main preamble, in their order."""
    wanted = {name.lower() for name in names}
    found = []
    for line in text.read():
        if line.section == PREAMBLE and not line.continues and (match := _TAG.match(line.text)):
            name, number, value = match["name"].lower(), match["number"], match["value"]
            if name in wanted:
                found.append(Tag(name, number, value, line, match["head"], match["tail"]))
    return found


def find_tag(text: SpecText, name: str) -> Tag | None:
    """Return the effective tag: the first outside conditions, else the first that is edited."""
    return next(iter(_effective(text, name)), None)


def _effective(text: SpecText, name: str) -> Sequence[Tag]:
    """Return the lines of a tag that an edit changes.

    If it is under conditions everywhere, these are all but a Release that rpmautospec computes.
    """
    found = tags(text, name)
    plain = [tag for tag in found if tag.line.is_plain]
    return plain[:1] or [tag for tag in found if not is_automatic(tag.value)] or found


def get_tag(text: SpecText, name: str) -> str:
    """Return the value of a tag as written, macros included; raises NotFoundError."""
    tag = find_tag(text, name)
    if tag is None:
        raise NotFoundError(f"the .spec file has no {name} tag")
    return tag.value


def set_tag(text: SpecText, name: str, value: str) -> SpecText:
    """Set the value of a tag, and keep the rest of its line.

    If the tag occurs under several conditions, all with the same value are changed. Raises
    RefusedError if their values differ, and NotFoundError if the spec lacks the tag.
    """
    chosen = _effective(text, name)
    if not chosen:
        raise NotFoundError(f"the .spec file has no {name} tag")
    if len({tag.value for tag in chosen}) > 1:
        where = " and ".join(str(tag.line.number + 1) for tag in chosen)
        raise RefusedError(
            f"{name} has different values under conditions (lines {where} of the .spec file); "
            f"change it by hand"
        )
    for tag in chosen:
        text = text.with_line(tag.line.number, f"{tag.head}{value}{tag.tail}")
    return text
