"""The content of a place outside that repositories are pushed to."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OutsideListing:
    """The files at a place with their sizes, and the links with their targets, by path."""

    files: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
