"""Failures that a round recorded and, because it was killed, has not reported.

A round writes a file with the builds that were failures before it, and removes the file when its
report is made. A file that exists already is from a round that did not end.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from rdo.atomic import write_file
from rdo.model.build import Failed
from rdo.trunk.context import Trunk


def begin(trunk: Trunk) -> Mapping[str, int]:
    """Return each package's failed build from before the first round that did not end.

    The caller holds the round lock.
    """
    file = _file(trunk)
    if (before := _read(file)) is None:
        before = failures(trunk)
        write_file(file, json.dumps(before))
    return before


def end(trunk: Trunk) -> None:
    """Record that the round was reported."""
    _file(trunk).unlink(missing_ok=True)


def failures(trunk: Trunk) -> dict[str, int]:
    """Return the build with which each package fails now, except those that will be tried again."""
    with trunk.store.read() as at:
        newest = [state.newest for state in at.packages.ftbfs(trunk.name)]
    return {
        build.package: build.id
        for build in newest
        if build and isinstance(build.outcome, Failed) and not build.outcome.reason.is_spurious
    }


def _file(trunk: Trunk) -> Path:
    return trunk.folder / "round.begun"


def _read(file: Path) -> dict[str, int] | None:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
