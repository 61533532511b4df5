"""PyPI releases as an upstream: every sdist becomes a commit in a mirror that we keep.

`pypi:NAME` is the URL, a version specifier the branch. Nothing of an sdist is executed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from rdo.trunk.history import History

PREFIX = "pypi:"


@dataclass(frozen=True, slots=True)
class Releases:
    """The mirrors of all projects that are followed by their releases."""

    folder: Path

    def path(self, url: str) -> Path:
        raise NotImplementedError

    def poll(
        self, wanted: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[History | None, str]]:
        raise NotImplementedError
