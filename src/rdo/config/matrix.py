"""One section of targets for several platforms; it becomes one target per platform."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

_OWN = ("platform", "url", "dist")
"""Keys whose value can be right for one platform only."""


class MatrixError(Exception):
    """The error for a section with `platforms` that cannot become targets."""


def is_matrix(section: object) -> bool:
    """Whether a section `[targets.NAME]` describes several targets."""
    return isinstance(section, dict) and "platforms" in section


def expanded(name: str, section: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the targets of the section `[targets.NAME]`, by their names, in its order.

    A target is called NAME and the base OS of its platform; two platforms with the same base OS are
    named in full. Raises MatrixError if `platforms` is not a list of platforms, or if another key
    contradicts it.

    >>> list(expanded("master", {"platforms": ["deb12-x86_64", "deb13-x86_64"]}))
    ['master-deb12', 'master-deb13']
    >>> list(expanded("master", {"platforms": ["deb12-x86_64", "deb12-aarch64"]}))
    ['master-deb12-x86_64', 'master-deb12-aarch64']
    """
    platforms = section["platforms"]
    if not (isinstance(platforms, list) and platforms and all(map(_is_name, platforms))):
        raise MatrixError("must be a list of names of platforms")
    if double := [one for one, count in Counter(platforms).items() if count > 1]:
        raise MatrixError(f"names {', '.join(double)} twice")
    if wrong := [key for key in _OWN if key in section]:
        raise MatrixError(f"cannot be combined with {wrong[0]}, which fits only one platform")
    return {
        f"{name}-{suffix}": {**_without_platforms(section), "platform": platform}
        for platform, suffix in _suffixes(platforms)
    }


def _suffixes(platforms: list[str]) -> Iterator[tuple[str, str]]:
    base_systems = Counter(map(_base_os, platforms))
    for platform in platforms:
        base_os = _base_os(platform)
        yield platform, base_os if base_systems[base_os] == 1 else platform


def _base_os(platform: str) -> str:
    return platform.rpartition("-")[0] or platform


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _without_platforms(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: copy.deepcopy(value) for key, value in section.items() if key != "platforms"}
