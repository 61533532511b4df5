"""Parse, bump and reset Version and Release."""

import re
from dataclasses import dataclass
from enum import StrEnum

from rdo.errors import RefusedError

DIST = "%{?dist}"
LAST_NUMERIC = "last-numeric"
_NAMED = {"major": 1, "minor": 2, "patch": 3}
_MILESTONE = re.compile(r"\.?%\{\??milestone\}")
_DLRN = re.compile(r"0\.\d{14}\.[0-9a-f]{7}(?![0-9a-f])")
_DLRN_MINOR = re.compile(r"0\.\d+\.\d{14}\.[0-9a-f]{7}(?![0-9a-f])")


class ReleaseStyle(StrEnum):
    """The way a Release is numbered; the values are those that `pkgenv` shows."""

    GENERIC = "generic"
    DLRN = "DLRN 0.date.hash"
    DLRN_MINOR = "DLRN 0.1.date.hash"
    AUTOMATIC = "%autorelease"
    PLACEHOLDER = "placeholder"

    @property
    def bump_index(self) -> str:
        """The part that is increased by default."""
        return "2" if self in {self.DLRN, self.DLRN_MINOR} else LAST_NUMERIC

    @property
    def is_bumped(self) -> bool:
        """Whether we write the number; rpmautospec and trunk builds write their own."""
        return self not in {self.AUTOMATIC, self.PLACEHOLDER}


def release_style(release: str) -> ReleaseStyle:
    """Return how a Release is numbered.

    >>> [release_style(x).name for x in ("1", "0.20170811112938.81363ec%{?dist}", "XXX")]
    ['GENERIC', 'DLRN', 'PLACEHOLDER']
    """
    if re.match(r"%\{?\??autorelease\b", release):
        return ReleaseStyle.AUTOMATIC
    if re.match(r"XXX", release):
        return ReleaseStyle.PLACEHOLDER
    if _DLRN_MINOR.match(release):
        return ReleaseStyle.DLRN_MINOR
    return ReleaseStyle.DLRN if _DLRN.match(release) else ReleaseStyle.GENERIC


@dataclass(frozen=True, slots=True)
class ReleaseParts:
    """A Release such as `0.1%{?milestone}%{?dist}`, split into numbers, milestone and rest."""

    numbers: str
    milestone: str
    rest: str

    @classmethod
    def parse(cls, release: str) -> "ReleaseParts":
        milestone = _MILESTONE.search(release)
        if milestone:
            before, after = release[: milestone.start()], release[milestone.end() :]
            return cls(before, milestone[0], after)
        numbers = re.match(r"\d+(?:\.\d+)*", release)
        end = numbers.end() if numbers else 0
        return cls(release[:end], "", release[end:])

    @property
    def is_known(self) -> bool:
        """Whether it consists only of numbers, milestone and dist tag."""
        return bool(re.fullmatch(r"[\d.]*", self.numbers)) and self.rest in {"", DIST}

    def __str__(self) -> str:
        return f"{self.numbers}{self.milestone}{self.rest}"


def with_dist(release: str) -> str:
    """Append the dist tag, unless the Release already has it."""
    return release if "%{?dist}" in release or "%{dist}" in release else f"{release}{DIST}"


def bumped(release: str, index: str = LAST_NUMERIC) -> str:
    """Return the next Release; `index` is the dotted part to increase, 0 increases none.

    Raises RefusedError if there is no such part, or if it is not a number.

    >>> bumped("1.0%{?dist}.1"), bumped("1.2.3.lul", "minor"), bumped("0.1%{?milestone}%{?dist}")
    ('1.1%{?dist}.1', '1.3.3.lul%{?dist}', '0.2%{?milestone}%{?dist}')
    """
    parts = ReleaseParts.parse(release)
    number = _NAMED.get(index.lower(), index)
    if number == LAST_NUMERIC:
        new = re.sub(
            r"(\d+)(?=[^\d]*$)", lambda last: str(int(last[1]) + 1), parts.numbers, count=1
        )
        if new == parts.numbers:
            raise RefusedError(f"Invalid Release bump index: {index} (Release: {release})")
        return with_dist(f"{new}{parts.milestone}{parts.rest}")
    if not str(number).isdecimal():
        raise RefusedError(f"Invalid Release bump index: {index}")
    return with_dist(_bumped_part(release, int(number))) if int(number) else release


def _bumped_part(release: str, index: int) -> str:
    end = re.search(r"%", release)
    head, tail = (release[: end.start()], release[end.start() :]) if end else (release, "")
    dotted = head.split(".")
    if index > len(dotted):
        raise RefusedError(f"Invalid Release bump index: {index} (Release: {head})")
    part = dotted[index - 1]
    if not part.isdecimal():
        raise RefusedError(
            f"Invalid Release bump index: {index}. part of Release '{head}' isn't numeric: {part}"
        )
    dotted[index - 1] = str(int(part) + 1)
    return ".".join(dotted) + tail


def split_version(version: str) -> tuple[str, str]:
    """Split an upstream version into its numbers and its milestone, which keeps its dot.

    >>> split_version("3.0.0.0rc1"), split_version("1.2.3"), split_version("2.0b1")
    (('3.0.0', '.0rc1'), ('1.2.3', ''), ('2', '.0b1'))
    """
    parts = version.split(".")
    for number, part in enumerate(parts):
        if not part.isdecimal() and number:
            return ".".join(parts[:number]), "." + ".".join(parts[number:])
    return version, ""


def tag_version(tag: str) -> tuple[str, str]:
    """Return the version that a git tag names, and the tag's style.

    >>> tag_version("v1.2"), tag_version("1.2")
    (('1.2', 'vX.Y.Z'), ('1.2', ''))
    """
    if match := re.fullmatch(r"([vV])(\d.*)", tag):
        return match[2], f"{match[1]}X.Y.Z"
    return tag, ""
