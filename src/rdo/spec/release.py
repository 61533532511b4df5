"""Parse, increase and reset Version and Release."""

import re
from dataclasses import dataclass
from enum import StrEnum

from rdo.errors import RefusedError
from rdo.upstream_versions import SpecNumbers

DIST = "%{?dist}"
LAST_NUMERIC = "last-numeric"
NO_NUMBER = "write a number in Release, such as 1%{?dist}, or change it by hand"
# The date of a snapshot, as in 3.20240102git1a2b3c4, is not a number to increase.
_NUMBERS = re.compile(r"\d+(?:\.(?!20\d{6}\.?[A-Za-z])\d+)*(?!\d)")
_NAMED = {"major": 1, "minor": 2, "patch": 3}
_MILESTONE = re.compile(r"\.?%\{\??milestone\}")
# The end of a Release of ours that names its pre-release in words.
_ORDER = re.compile(r"\.(?:0?(?:a|b|rc)\d+|dev\d+)[\w.~^]*")
_HAS_DIST = re.compile(r"%(?:\{[!?]*dist(?::[^{}]*)?\}|[!?]*dist\b)")
_DLRN = re.compile(r"0\.\d{14}\.[0-9a-f]{7}(?![0-9a-f])")
_DLRN_MINOR = re.compile(r"0\.\d+\.\d{14}\.[0-9a-f]{7}(?![0-9a-f])")


class ReleaseStyle(StrEnum):
    """How a Release is numbered; the values are those that `pkgenv` shows."""

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
        """Whether rdo writes the number; rpmautospec and trunk builds write their own."""
        return self not in {self.AUTOMATIC, self.PLACEHOLDER}


def is_automatic(release: str) -> bool:
    """Whether rpmautospec computes a Release, wherever the spec is built.

    >>> [is_automatic(f"%{{?autorelease}}{x}") for x in ("", "%{!?autorelease:1%{?dist}}")]
    [True, False]
    """
    return (
        re.match(r"%\{?\??autorelease\b", release) is not None and "{!?autorelease:" not in release
    )


def release_style(release: str) -> ReleaseStyle:
    """Return how a Release is numbered.

    >>> [release_style(x).name for x in ("1", "0.20170811112938.81363ec%{?dist}", "XXX")]
    ['GENERIC', 'DLRN', 'PLACEHOLDER']
    """
    if is_automatic(release):
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
        numbers = _NUMBERS.match(release)
        end = numbers.end() if numbers else 0
        return cls(release[:end], "", release[end:])

    @property
    def is_known(self) -> bool:
        """Whether it consists only of numbers, milestone and dist tag."""
        is_numbered = re.fullmatch(r"[\d.]*", self.numbers) is not None
        rest = _ORDER.sub("", self.rest, count=1)
        return is_numbered and (not rest or _HAS_DIST.fullmatch(rest) is not None)

    @property
    def without_order(self) -> str:
        """What follows the number, without the words for a pre-release."""
        return self.milestone + _ORDER.sub("", self.rest, count=1)

    @property
    def is_prerelease(self) -> bool:
        """Whether it names a pre-release in words of its own, without the macro `milestone`."""
        return _ORDER.match(self.rest) is not None

    def __str__(self) -> str:
        return f"{self.numbers}{self.milestone}{self.rest}"


def with_dist(release: str) -> str:
    """Append the dist tag, unless the Release has it in one of rpm's spellings.

    >>> [with_dist(x) for x in ("1", "1%?dist", "1%{?dist:.x}")]
    ['1%{?dist}', '1%?dist', '1%{?dist:.x}']
    """
    return release if _HAS_DIST.search(release) else f"{release}{DIST}"


def dist_of(release: str) -> str:
    """Return the dist tag as a Release spells it, or "" if it has none."""
    match = _HAS_DIST.search(release)
    return match[0] if match else ""


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
            raise RefusedError(
                f"Invalid Release bump index: {index} (Release: {release})", hint=NO_NUMBER
            )
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


def release_of(number: str, numbers: SpecNumbers) -> str:
    """Return the Release for a version with this number, with its pre-release and dist tag.

    >>> from rdo.upstream_versions import spec_numbers
    >>> [release_of("0.1", spec_numbers(x)) for x in ("2.0.0rc1", "2.0.0a1.dev2")]
    ['0.1.%{?milestone}%{?dist}', '0.1.a1~dev2%{?dist}']
    """
    if not numbers.order:
        return f"{number}{DIST}"
    if not numbers.is_macro_enough:
        return f"{number}.{numbers.order}{DIST}"
    dot = "" if numbers.milestone.startswith(".") else "."
    return f"{number}{dot}%{{?milestone}}{DIST}"
