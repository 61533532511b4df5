"""Change settings in an INI file, and leave all of its other lines as they are."""

import re
from collections.abc import Mapping

_SECTION = re.compile(r"\[([^\]]+)\]\s*")
_SETTING = re.compile(r"([^#;\s=:\[][^=:]*)[=:](.*)")


def merge(text: str, wanted: "Mapping[str, Mapping[str, str]]") -> "tuple[str, list[str]]":
    """Return the text with the wanted settings, and the names of those that differed.

    The first line of a setting is replaced, and its other lines are removed; a new setting is
    inserted right after the heading of its section.

    >>> merge("[a]\\n# b\\nb = 1\\n", {"a": {"b": "2"}})
    ('[a]\\n# b\\nb = 2\\n', ['[a] b'])
    """
    lines = text.splitlines()
    changed = []
    for section, settings in wanted.items():
        for name, value in settings.items():
            lines, differs = _set(lines, section, name, value)
            if differs:
                changed.append(f"[{section}] {name}")
    return "\n".join(lines) + "\n" if lines else "", changed


def _set(lines: "list[str]", section: str, name: str, value: str) -> "tuple[list[str], bool]":
    found: list[range] = []
    values = []
    heading = None
    here = ""
    for number, line in enumerate(lines):
        match = _SECTION.fullmatch(line)
        if match:
            here = match.group(1)
            if here == section and heading is None:
                heading = number
            continue
        setting = _SETTING.fullmatch(line)
        if here == section and setting and setting.group(1).strip() == name:
            end = number + 1
            while end < len(lines) and lines[end][:1] in {" ", "\t"} and lines[end].strip():
                end += 1
            found.append(range(number, end))
            more = (one.strip() for one in lines[number + 1 : end])
            values.append("\n".join([setting.group(2).strip(), *more]))
    if values == [value]:
        return lines, False
    new = f"{name} = {value}"
    if not found:
        if heading is None:
            return [*lines, *([""] if lines else []), f"[{section}]", new], True
        return [*lines[: heading + 1], new, *lines[heading + 1 :]], True
    gone = {number for part in found for number in part}
    first = found[0].start
    kept = [
        new if number == first else line
        for number, line in enumerate(lines)
        if number == first or number not in gone
    ]
    return kept, True
