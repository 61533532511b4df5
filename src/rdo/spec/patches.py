"""The patches of a spec: distinguish ours from others, and replace ours.

Ours are those named by `git format-patch` (`0001-Subject.patch`), outside conditions. All others
are foreign (a URL, another name, under `%if`) and are never changed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rdo.errors import RefusedError
from rdo.spec.magic import magic_comments, outside_after, outside_before
from rdo.spec.tags import Tag, tags
from rdo.spec.text import PREAMBLE, Line, SpecText

_OURS = re.compile(r"\d{4,}-[^\s/%]*\.patch")
_LIST_ENTRY = re.compile(r"(?P<file>[^#%\s]\S*)\s*$")
_APPLIED = re.compile(r"\s*%patch(?P<number>\d*)(?P<rest>(?:\s.*)?)$")
_SETUP = re.compile(r"\s*%(?:setup(?=\s|$)|autosetup(?=\s|$)|\{autosetup\b)")
_AUTOSETUP = re.compile(r"\s*%(?:autosetup(?=\s|$)|\{autosetup\b)(?P<options>.*)")
_AUTOPATCH = re.compile(r"\s*%(?:autopatch(?=\s|$)|\{autopatch\b)")
_PATCHES = re.compile(r"^(?!\s*#).*%\{?\??patches\b", re.IGNORECASE)
_WITH_VALUE = "abnSp"
"""The options of %autosetup that take a value, joined to them or as the next word."""


class ApplyMethod(StrEnum):
    """How %prep applies patches; the values are those that `pkgenv` shows."""

    RPM = "rpm"
    AUTOSETUP = "autosetup"
    GIT_AM = "git-am"
    AUTOPATCH = "autopatch"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PatchTag:
    """A patch as the spec declares it; `number` is None if rpm numbers it."""

    number: int | None
    file: str
    line: Line

    @property
    def is_ours(self) -> bool:
        return self.line.is_plain and _OURS.fullmatch(self.file) is not None


@lru_cache(maxsize=16)
def patch_tags(text: SpecText) -> Sequence[PatchTag]:
    """Return the patches in the preamble and in `%patchlist`, in order."""
    found = [_from_tag(tag) for tag in tags(text, "Patch")]
    for line in text.read():
        match = _LIST_ENTRY.match(line.text)
        if line.section == "patchlist" and match and not line.continues:
            found.append(PatchTag(None, match["file"], line))
    return tuple(found)


def _from_tag(tag: Tag) -> PatchTag:
    return PatchTag(int(tag.number) if tag.number else None, tag.value, tag.line)


def our_patches(text: SpecText) -> list[str]:
    """Return the file names of our patches, in their order."""
    return [patch.file for patch in patch_tags(text) if patch.is_ours]


@lru_cache(maxsize=16)
def apply_method(text: SpecText) -> ApplyMethod:
    """Return how %prep applies the patches that `Patch` tags declare."""
    prep = _prep(text)
    named = [line for line in prep if _PATCHES.search(line)]
    if any(re.search(r"(?:^|[\s;&|])git\s+am\b", line) for line in named):
        return ApplyMethod.GIT_AM
    autosetup = [match["options"] for line in prep if (match := _AUTOSETUP.match(line))]
    if any(not _has_option(options, "N") for options in autosetup):
        return ApplyMethod.AUTOSETUP
    if named or any(_AUTOPATCH.match(line) for line in prep):
        return ApplyMethod.AUTOPATCH
    return ApplyMethod.RPM if any(_SETUP.match(line) for line in prep) else ApplyMethod.NONE


def _prep(text: SpecText) -> list[str]:
    """Return the statements of %prep, each with its continuation lines."""
    found: list[str] = []
    for line in text.read():
        if line.section != "prep":
            continue
        if line.continues and found:
            found[-1] = f"{found[-1].rstrip(chr(92))} {line.text}"
        else:
            found.append(line.text)
    return found


def _has_option(options: str, wanted: str) -> bool:
    """Whether an option is given, alone or combined with others, and not as another one's value."""
    words = iter(options.split())
    for word in words:
        if not word.startswith("-"):
            continue
        for at, letter in enumerate(word.rstrip("}")[1:], 2):
            if letter == wanted:
                return True
            if letter in _WITH_VALUE:
                if at == len(word):
                    next(words, None)
                break
    return False


def _numbered(text: SpecText) -> list[tuple[PatchTag, int]]:
    """Return each patch with its number; rpm counts on from the previous one."""
    found: list[tuple[PatchTag, int]] = []
    for patch in patch_tags(text):
        following = found[-1][1] + 1 if found else 0
        found.append((patch, patch.number if patch.number is not None else following))
    return found


def first_free_number(text: SpecText, count: int) -> int:
    """Return the number of our first patch, so that no foreign patch has the same number.

    rpm numbers an unnumbered patch after the previous one, and those of `%patchlist` after all
    others; our numbers avoid those too.
    """
    foreign = [number for patch, number in _numbered(text) if not patch.is_ours]
    if not any(number in range(1, count + 1) for number in foreign):
        return 1
    return max(foreign) + 1


def with_patches(text: SpecText, files: Sequence[str]) -> SpecText:
    """Replace our patches by `files`, and leave everything else as it is.

    A %autosetup without -p gets -p1 if there are no other patches. Raises RefusedError if the spec
    has no place for them, or applies our patches together with others.
    """
    if files == our_patches(text) and _applied_as(text, files):
        return text
    if files and all(patch.is_ours for patch in patch_tags(text)):
        text = _with_strip_level(text)
    numbers = {number for patch, number in _numbered(text) if patch.is_ours}
    first = first_free_number(text, len(files))
    method = apply_method(text)
    has_explicit = any(number is not None for number in _applied_numbers(text))
    if method in {ApplyMethod.RPM, ApplyMethod.NONE} or has_explicit:
        ours = _foreign_free(text, numbers | _undeclared(text))
        text = _with_applications(text, ours, range(first, first + len(files)), method)
    if any(line.section == "patchlist" for line in text.read()) and not tags(text, "Patch"):
        return _with_list(text, files)
    return _with_tags(text, files, first)


def _with_strip_level(text: SpecText) -> SpecText:
    """Add -p1, which git's patches need, to each %autosetup that calls `patch` without it."""
    for line in text.read():
        match = _AUTOSETUP.match(line.text)
        if line.section != "prep" or line.continues or match is None or line.text.endswith("\\"):
            continue
        if any(_has_option(match["options"], option) for option in "NpS"):
            continue
        at = match.start("options")
        text = text.with_line(line.number, f"{line.text[:at]} -p1{line.text[at:]}")
    return text


def _applied_as(text: SpecText, files: Sequence[str]) -> bool:
    """Whether %prep applies exactly these patches, if it must name them."""
    if apply_method(text) not in {ApplyMethod.RPM, ApplyMethod.NONE}:
        return True
    ours = {number for patch, number in _numbered(text) if patch.is_ours}
    return len(ours & set(_applied_numbers(text))) == len(files)


def _undeclared(text: SpecText) -> set[int]:
    """Return numbers that %prep applies and no tag declares, left over from patches of ours.

    Return none if a patch has no number, because then only rpm knows the numbers.
    """
    if any(patch.number is None for patch in patch_tags(text)):
        return set()
    return set(_applied_numbers(text)) - {number for _, number in _numbered(text)}


def _applied_numbers(text: SpecText) -> list[int]:
    return [
        number
        for line in text.read()
        if line.section == "prep"
        for number in _numbers_applied_by(line)
    ]


def _numbers_applied_by(line: Line) -> list[int]:
    """Return the patches that a `%patch` line applies, in any of rpm's three notations."""
    match = _APPLIED.match(line.text)
    if not match or line.continues:
        return []
    said = re.findall(r"(?:^|\s)-P\s*(\d+)", match["rest"])
    said += re.findall(
        r"(?<!\S)(\d+)(?=\s|$)", re.sub(r"(^|\s)-[PpbzFdo]\s+\S+", " ", match["rest"])
    )
    if match["number"]:
        said.append(match["number"])
    elif not said and not match["rest"].strip(" -qpbzFdoERZ0123456789."):
        said.append("0")  # a bare %patch means number 0
    return [int(number) for number in said]


def strip_levels(text: SpecText) -> dict[int | None, int]:
    """Return how many leading folders `%patch -pN` strips, by the patch's number."""
    levels: dict[int | None, int] = {}
    for line in text.read():
        said = re.search(r"\s-p\s*(\d+)", line.text)
        if line.section == "prep":
            for number in _numbers_applied_by(line):
                levels[number] = int(said[1]) if said else 0
    return levels


def _foreign_free(text: SpecText, ours: set[int]) -> list[int]:
    """Return the lines of %prep that apply only our patches."""
    found = []
    for line in text.read():
        numbers = _numbers_applied_by(line) if line.section == "prep" else []
        if numbers and line.is_plain and all(number in ours for number in numbers):
            found.append(line.number)
        elif any(number in ours for number in numbers) and len(numbers) > 1:
            raise RefusedError(
                f"line {line.number + 1} of the .spec file applies our patches and others "
                f"at once; split it by hand: {line.text.strip()}"
            )
    return found


def _with_applications(
    text: SpecText, old: Sequence[int], numbers: range, method: ApplyMethod
) -> SpecText:
    """Write one `%patch` line per number, in place of the old ones or after %setup."""
    form = _form(text)
    new = [form.format(number=number) for number in numbers]
    if old and not new:
        return _closed_up(text, old)
    if old:
        return text.without(old).inserted(old[0], new)
    if not new:
        return text
    if method is ApplyMethod.NONE:
        raise RefusedError("%prep has no %setup or %autosetup to apply patches after")
    if method is not ApplyMethod.RPM:
        return text
    setups = [x for x in text.read() if x.section == "prep" and _SETUP.match(x.text)]
    at = outside_after(text, setups[-1].number)
    follows = text.lines[at : at + 1]
    is_apart = bool(follows) and not follows[0].strip()
    return text.inserted(at, ["", *new] if is_apart else [*new])


def _closed_up(text: SpecText, gone: Sequence[int]) -> SpecText:
    """Remove these lines, and the blank line above them if another blank line follows."""
    above, below = gone[0] - 1, gone[-1] + 1
    blanks = [n for n in (above, below) if n < len(text.lines) and not text.lines[n].strip()]
    return text.without([*gone, *([above] if len(blanks) == 2 else [])])


def _form(text: SpecText) -> str:
    """Return the spec's form of `%patch`; every rpm accepts `-P 1`, rpm 4.20 not `%patch1`."""
    for line in text.read():
        match = _APPLIED.match(line.text)
        if match and line.section == "prep" and match["number"]:
            return "%patch{number:04} -p1"
    return "%patch -P {number} -p1"


def _with_tags(text: SpecText, files: Sequence[str], first: int) -> SpecText:
    old = [patch for patch in patch_tags(text) if patch.is_ours]
    new = [f"Patch{first + n:04}: {file}" for n, file in enumerate(files)]
    if old:
        new = _aligned(new, text.lines[old[0].line.number])
        at = old[0].line.number
        return text.without([patch.line.number for patch in old]).inserted(at, new)
    return text.inserted(_place(text), new) if new else text


def _aligned(new: list[str], like: str) -> list[str]:
    """Align new patch tags with the blanks of our old ones, if they fit."""
    gap = re.match(r"\S+?:(\s*)", like)
    blanks = gap[1] if gap and "\n" not in gap[1] else " "
    return [re.sub(r":\s*", lambda _: f":{blanks or ' '}", line, count=1) for line in new]


def _place(text: SpecText) -> int:
    """Return the line for our first patches: after magic comments, patches or sources."""
    magic = [one.line.number for one in magic_comments(text) if one.line.is_plain]
    if magic:
        at = magic[-1] + 1
        while at < len(text.lines) and text.lines[at].rstrip() == "#":
            at += 1
        return at
    foreign = [patch.line for patch in patch_tags(text) if patch.line.section == PREAMBLE]
    if foreign:
        return outside_before(text, foreign[0].number)
    sources = [tag.line.number for tag in tags(text, "Source")]
    if not sources and any(line.section == "sourcelist" for line in text.read()):
        sources = [tag.line.number for tag in tags(text, "Release", "URL", "License")]
    if not sources:
        raise RefusedError("the .spec file has no Source to put patches after")
    at = outside_after(text, sources[-1])
    is_apart = at < len(text.lines) and not text.lines[at].strip()
    return at + 1 if is_apart else at


def _with_list(text: SpecText, files: Sequence[str]) -> SpecText:
    old = [patch.line.number for patch in patch_tags(text) if patch.is_ours]
    section = next(x.number for x in text.read() if x.section == "patchlist")
    at = old[0] if old else section + 1
    return text.without(old).inserted(at, list(files))
