"""Read and set `%global NAME VALUE` lines."""

import re

from rdo.spec.text import PREAMBLE, Line, SpecText

_MACRO = re.compile(
    r"(?P<head>\s*%(?:global|define)\s+(?P<name>\w+)\s+)(?P<value>\S.*?)(?P<tail>\s*)$"
)


def _find(text: SpecText, name: str) -> tuple[Line, re.Match[str]] | None:
    for line in text.read():
        match = _MACRO.match(line.text)
        if match and match["name"] == name and line.is_plain and line.section == PREAMBLE:
            return line, match
    return None


def get_macro(text: SpecText, name: str) -> str | None:
    """Return the value that the preamble gives a macro, unexpanded."""
    found = _find(text, name)
    return found[1]["value"] if found else None


def set_macro(text: SpecText, name: str, value: str) -> SpecText:
    """Set a macro where it is, or as the first line of the file; an empty value removes it."""
    found = _find(text, name)
    if found is None:
        return text.inserted(0, [f"%global {name} {value}"]) if value else text
    line, match = found
    if not value:
        return text.without([line.number])
    return text.with_line(line.number, f"{match['head']}{value}{match['tail']}")


def has_macros(value: str) -> bool:
    """Whether rpm would expand a value to something else.

    >>> [has_macros(x) for x in ("1.0", "%{version}", "100%%", "%foo")]
    [False, True, False, True]
    """
    return re.search(r"(?<!%)(?:%%)*%[^%\s]", value) is not None


def get_milestone(text: SpecText) -> str:
    """Return the milestone, such as `.0rc1`; the value `%{?milestone}` means that there is none."""
    value = get_macro(text, "milestone") or ""
    return "" if value == "%{?milestone}" else value


def set_milestone(text: SpecText, milestone: str) -> SpecText:
    """Set the milestone; an empty one removes it."""
    return set_macro(text, "milestone", milestone)
