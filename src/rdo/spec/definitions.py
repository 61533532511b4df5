"""Version and Release where the spec defines them: in their tags, or in macros used there."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rdo.errors import RefusedError
from rdo.spec.release import ReleaseParts
from rdo.spec.tags import find_tag, get_tag, set_tag, tags
from rdo.spec.text import SpecText

_PARTS = re.compile(
    r"%\{(?P<ask>\??)(?P<braced>\w+)\}|%(?P<ask_too>\??)(?P<bare>\w+)|(?P<text>[^%]+)"
)
_DEFINED = re.compile(
    r"(?P<head>\s*(?:%\{!\?\w+:\s*)?%(?:global|define)\s+(?P<name>\w+)\s+)"
    r"(?P<value>\S(?:.*?\S)?)(?P<tail>\s*(?:\s%dnl\b.*)?)$"
)
_LEADING_MACRO = re.compile(r"(?P<lead>[\d.]*)%(?:\{\??(?P<braced>\w+)\}|\??(?P<bare>\w+))")
# What precedes the number only sometimes: `%{?prerel:0.}` or `%{?snap:0.%{snap}.}`.
_LEADING_CONDITION = re.compile(
    r"%\{[!?]{1,9}(?!dist\b)\w{1,99}:[^%{}]{0,99}(?:%\{\??\w{1,99}\}[^%{}]{0,99}){0,3}(?<=\.)\}"
)
_FALLBACK = re.compile(r"%\{\?autorelease\}%\{!\?autorelease:")
_DIST = re.compile(r"%(?:\{[!?]*dist[:}]|[!?]*dist\b)")
_SMALL = re.compile(r"\d{1,5}(?:\.\d{1,5})*(?:%|$)")
_NUMBERED = re.compile(r"\d+(?:\.\d+)*")
_MOST_MACROS, _LONGEST = 6, 64
"""Maximum number of ways to divide a version among macros that are tried."""


class ComputedValueError(RefusedError):
    """A value that only rpm can compute, by running a program or Lua."""


@dataclass(frozen=True, slots=True)
class Definition:
    """The line that gives a macro its value."""

    name: str
    value: str
    number: int
    head: str
    tail: str

    @property
    def shown(self) -> str:
        """The macro and its line, for messages."""
        return f"%{{{self.name}}} (line {self.number + 1} of the .spec file)"


def definitions(text: SpecText, name: str) -> list[Definition]:
    """Return all lines that define a macro, including those under conditions."""
    return [one for one in all_definitions(text) if one.name == name]


def all_definitions(text: SpecText) -> list[Definition]:
    """Return all lines that define macros, including those under conditions."""
    found = []
    for line in text.read():
        match = _DEFINED.match(line.text)
        if match is None or line.continues:
            continue
        value, tail = match["value"], match["tail"]
        if match["head"].lstrip().startswith("%{"):
            value, tail = (
                value.removesuffix("}").rstrip(),
                value[len(value.removesuffix("}")) :] + tail,
            )
        found.append(Definition(match["name"], value, line.number, match["head"], tail))
    return found


def the_definition(text: SpecText, name: str, of: str) -> Definition:
    """Return the only definition of a macro, outside conditions; `of` is the tag that uses it.

    Raises RefusedError if there is none, or if there are several.
    """
    found = definitions(text, name)
    lines = text.read()
    if len(found) == 1 and lines[found[0].number].is_plain and not lines[found[0].number].section:
        return found[0]
    if not found:
        raise RefusedError(
            f"{of} comes from the macro %{{{name}}}, which the .spec file does not define"
        )
    where = " and ".join(str(one.number + 1) for one in found)
    what = "under a condition" if len(found) == 1 else "more than once"
    raise RefusedError(
        f"{of} comes from the macro %{{{name}}}, which the .spec file defines {what} "
        f"(line {where}); change it by hand"
    )


def macro_names(value: str) -> list[str]:
    """Return the macros that a value may name.

    >>> macro_names("%{url}/v%{?version:%{version}}/%(echo %{tag}).tar.gz")
    ['url', 'version', 'version', 'echo', 'tag']
    """
    return re.findall(r"%[{(!?]*(\w+)", value.replace("%%", ""))


def is_named_in_prep(text: SpecText, name: str) -> bool:
    """Whether %prep uses a macro, directly or through others that depend on it."""
    names = {name}
    for line in text.read():
        match = _DEFINED.match(line.text)
        if match and names & set(macro_names(match["value"])):
            names.add(match["name"])
    prep = (line.text for line in text.read() if line.section == "prep")
    return any(names & set(macro_names(line)) for line in prep)


def with_definition(text: SpecText, one: Definition, value: str) -> SpecText:
    """Return the spec with another value in the line that defines a macro."""
    return text.with_line(one.number, f"{one.head}{value}{one.tail}")


def set_version(text: SpecText, version: str) -> SpecText:
    """Set Version in its tag, or in the macros that its tag uses.

    Raises RefusedError with the macro and its line if the new version cannot be divided among them.
    """
    value = get_tag(text, "Version")
    if "%" not in value:
        return set_tag(text, "Version", version)
    line = next(tag.line.number for tag in tags(text, "Version") if tag.value == value)
    where = f"Version (line {line + 1} of the .spec file)"
    return _divided(text, value, version, where, lambda text, new: set_tag(text, "Version", new))


def with_epoch(text: SpecText, epoch: int) -> SpecText:
    """Return the spec with at least this Epoch; 0 changes nothing."""
    tag = find_tag(text, "Epoch")
    if not epoch or (tag and tag.value.isdecimal() and int(tag.value) >= epoch):
        return text
    if tag:
        return set_tag(text, "Epoch", str(epoch))
    version = find_tag(text, "Version")
    if version is None:
        return text
    gap = " " * max(1, len(version.head) - len("Epoch:"))
    return text.inserted(version.line.number, [f"Epoch:{gap}{epoch}"])


def _divided(
    text: SpecText, value: str, new: str, where: str, write: Callable[[SpecText, str], SpecText]
) -> SpecText:
    """Give each macro in a value its part of the new value.

    Numbers beside the macros stay if possible; otherwise `write` puts new ones there.
    """
    parts = list(_parts(value, where))
    known = {part for part in parts if isinstance(part, _Name)}
    found = {}
    for one in sorted(known, key=lambda name: name.name):
        if not one.is_optional or definitions(text, one.name):
            found[one.name] = the_definition(text, one.name, where)
    is_too_long = len(found) > _MOST_MACROS or len(new) > _LONGEST
    patterns = [_pattern(parts, found, is_text_free=x) for x in (False, True) if not is_too_long]
    match = next((made for pattern in patterns if (made := re.fullmatch(pattern, new))), None)
    if match is None:
        shown = " and ".join(one.shown for one in found.values()) or where
        raise RefusedError(
            f"{where} is {value}, and {new} cannot be divided among its macros: {shown}; "
            f"change them by hand"
        )
    for name, definition in found.items():
        mine = match[f"m_{name}"] or "%{nil}"
        if mine == definition.value:
            continue
        if "%" in definition.value and definition.value != "%{nil}":
            again = partial(_with_value, one=definition)
            text = _divided(text, definition.value, mine, definition.shown, again)
        else:
            text = with_definition(text, definition, mine)
    written = "".join(
        match[f"t_{n}"] if isinstance(part, str) else part.spelt for n, part in enumerate(parts)
    )
    return text if written == value else write(text, written)


def _with_value(text: SpecText, value: str, *, one: Definition) -> SpecText:
    return with_definition(text, one, value)


def _pattern(
    parts: Sequence["str | _Name"],
    found: Mapping[str, Definition],
    *,
    is_text_free: bool = False,
) -> str:
    """Return a pattern for the new value: each macro in its place, and the text between them.

    If the text is free, other numbers may replace its numbers, and each macro keeps as many numbers
    as it has.
    """
    pattern, seen = "", set[str]()
    is_only = len(found) == 1 and not is_text_free
    for n, part in enumerate(parts):
        if isinstance(part, str):
            form = re.escape(part)
            if is_text_free:
                form = "".join(
                    r"\d{1,9}" if run[0].isdigit() else re.escape(run)
                    for run in re.findall(r"\d+|\D+", part)
                )
            pattern += f"(?P<t_{n}>{form})"
        elif part.name in seen:
            pattern += f"(?P=m_{part.name})"
        elif part.name in found:
            seen.add(part.name)
            pattern += f"(?P<m_{part.name}>{_form(found[part.name].value, is_only=is_only)})"
    return pattern


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    is_optional: bool
    spelt: str


def _parts(value: str, where: str) -> Iterator[str | _Name]:
    at = 0
    while at < len(value):
        match = _PARTS.match(value, at)
        if match is None:
            raise ComputedValueError(
                f"{where} is {value}, which only rpm can compute; change it by hand"
            )
        name = match["braced"] or match["bare"]
        is_optional = bool(match["ask"] or match["ask_too"])
        yield _Name(name, is_optional, match[0]) if name else match["text"]
        at = match.end()


def _form(value: str, *, is_only: bool) -> str:
    """Return a pattern for the new value of a macro: as many numbers as before."""
    if is_only:
        return ".+"
    if not value[:1].isdigit():
        return r"(?:[^\d.].*)?"
    return r"[^.]+" + r"\.[^.]+" * value.count(".")


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """Where the number in Release is: `macro` is None if it is in the tag itself.

    `prefix` is the text of macros before the number: `%{release_prefix}1` begins with one.
    """

    value: str
    macro: Definition | None = None
    prefix: str = ""

    def behind(self, match: re.Match[str]) -> "ReleasePlace":
        """Return the place behind what a match has found at its beginning."""
        return ReleasePlace(self.value[match.end() :], self.macro, self.prefix + match[0])


def release_place(text: SpecText) -> ReleasePlace:
    """Find where Release has its number; raises RefusedError if only rpm can compute it."""
    value = get_tag(text, "Release")
    place = ReleasePlace(value)
    seen: set[str] = set()
    while following := _following(text, place, seen):
        place = following
    return place


def _following(text: SpecText, place: ReleasePlace, seen: set[str]) -> ReleasePlace | None:
    """Return the place behind what begins a Release, or in the macro there; None at its number."""
    if condition := _FALLBACK.match(place.value) or _LEADING_CONDITION.match(place.value):
        return place.behind(condition)
    match = _LEADING_MACRO.match(place.value)
    if match is None:
        return None
    name = match["braced"] or match["bare"]
    lead = match["lead"]
    if name in {"milestone", "dist"} or name in seen or lead[-1:].isdigit():
        return None
    seen.add(name)
    if place.value[match.end() :][:1].isdigit():
        return place.behind(match)
    if not definitions(text, name):
        return None
    one = the_definition(text, name, "Release")
    if lead and not _SMALL.match(one.value):  # 1.%{snapshot}: the number is before it
        return None
    if one.value.endswith("."):  # what precedes the number, such as `0.` or `beta.`
        return place.behind(match)
    return ReleasePlace(one.value, one)


def set_release(text: SpecText, change: Callable[[str], str]) -> SpecText:
    """Change Release where its number is, and make sure that Release has one dist tag."""
    place = release_place(text)
    new = place.prefix + change(place.value)
    if place.macro is None:
        if has_dist(text):  # also in another spelling, or in a macro
            return set_tag(text, "Release", _without_second(place.value, new))
        return set_tag(text, "Release", new)
    text = with_definition(text, place.macro, _without_second(place.value, new))
    return (
        text
        if has_dist(text)
        else set_tag(text, "Release", f"{get_tag(text, 'Release')}%{{?dist}}")
    )


def _without_second(old: str, new: str) -> str:
    """Return the new value with the dist tag spelled as in the old one."""
    return new.removesuffix("%{?dist}") if not _DIST.search(old) else new


def has_dist(text: SpecText) -> bool:
    """Whether Release has the dist tag, in any spelling or in a macro that it uses."""
    todo, seen = [get_tag(text, "Release")], set[str]()
    while todo:
        value = todo.pop()
        if _DIST.search(value):
            return True
        for match in _PARTS.finditer(value):
            name = match["braced"] or match["bare"]
            if name and name not in seen:
                seen.add(name)
                todo.extend(one.value for one in definitions(text, name))
    return False


def numbered_again(value: str, number: str, order: str = "") -> str:
    """Return the value of a macro in Release with another number, keeping the text after it.

    Raises RefusedError if there is no number.
    """
    parts = ReleaseParts.parse(value)
    if not _NUMBERED.fullmatch(parts.numbers):
        raise RefusedError(f"Release has no number to set: {value}")
    return f"{number}{f'.{order}' if order else ''}{parts.without_order}"
