"""Failures that a round has recorded and, because it was killed, has not told.

A round writes down which builds were failures before it, and removes that file when its report is
made. A file that is there already is of a round that did not end.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from rdo.atomic import write_file
from rdo.model.build import Failed
from rdo.trunk.context import Trunk


def begin(trunk: Trunk) -> Mapping[str, int]:
    """Return for each package its failed build, from before the first round that did not end.

    For the holder of the round lock.
    """
    file = _file(trunk)
    if (before := _read(file)) is None:
        before = failures(trunk)
        write_file(file, json.dumps(before))
    return before


def end(trunk: Trunk) -> None:
    """Record that the report of the round is made."""
    _file(trunk).unlink(missing_ok=True)


def failures(trunk: Trunk) -> dict[str, int]:
    """Return the build by which each package fails now, unless it is only to be tried again."""
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
