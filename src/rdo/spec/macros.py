"""Read and set `%global NAME VALUE` lines."""

import re

from rdo.errors import NotFoundError
from rdo.model.text.spec_text import in_spec
from rdo.spec.text import PREAMBLE, Line, SpecText

_MACRO = re.compile(
    r"(?P<head>\s*%(?:global|define)\s+(?P<name>\w+)\s+)(?P<value>\S(?:.*\S)?)(?P<tail>\s*)$"
)
_UPSTREAM = re.compile(
    r"(?P<head>\s*%\{!\?upstream_version:\s*%(?:global|define)\s+upstream_version\s+)"
    r"(?P<value>\S.*?)(?P<tail>\}\s*)$"
)
_FOLLOWS = "%{version}%{?milestone}"


def _find(text: SpecText, name: str) -> tuple[Line, re.Match[str]] | None:
    for line in text.read():
        match = _MACRO.match(line.text)
        if match and match["name"] == name and line.is_plain and line.section == PREAMBLE:
            return line, match
    return None


def get_macro(text: SpecText, name: str) -> str | None:
    """Return the value of a macro in the preamble, unexpanded."""
    found = _find(text, name)
    return found[1]["value"] if found else None


def set_macro(text: SpecText, name: str, value: str) -> SpecText:
    """Set a macro where it is, or as the file's first line; an empty value removes it."""
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


def get_upstream_version(text: SpecText) -> str:
    """Return upstream's version if the spec has it literally, in the line of RDO's specs."""
    found = _find_upstream(text)
    return found[1]["value"] if found and not has_macros(found[1]["value"]) else ""


def set_upstream_version(text: SpecText, version: str) -> SpecText:
    """Set upstream's version literally; an empty one makes it follow Version again.

    Raises NotFoundError if the spec uses `%{upstream_version}` and lacks RDO's line for it.
    """
    found = _find_upstream(text)
    if found is None:
        if version and re.search(r"%\{?\??upstream_version\b", str(text)):
            raise NotFoundError(
                "the .spec file has no line %{!?upstream_version: %global upstream_version …}"
            )
        return text
    line, match = found
    if not version and has_macros(match["value"]):
        return text
    value = in_spec(version) or _FOLLOWS
    return text.with_line(line.number, f"{match['head']}{value}{match['tail']}")


def _find_upstream(text: SpecText) -> tuple[Line, re.Match[str]] | None:
    for line in text.read():
        if line.section == PREAMBLE and line.is_plain and (match := _UPSTREAM.match(line.text)):
            return line, match
    return None
