"""Run the real `rdo` as a user would."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rdo.errors import RefusedError
from rdo.roots.platform.platforms import BaseLayer, Platforms
from rdo.tools.walls.id_range import id_range
from tests.e2e.forked import FORKS

REPOSITORY = Path(__file__).parents[2]
PLATFORM = "deb12-x86_64"
CONSTRAINTS = Path(__file__).with_name("upper-constraints.txt")


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def _why_no_roots() -> str:
    try:
        id_range()
    except RefusedError as error:
        return str(error)
    return ""


needs_roots = pytest.mark.skipif(bool(_why_no_roots()), reason=_why_no_roots() or "-")
"""Skips tests where this user cannot make build roots."""


def platforms() -> str:
    """The folder of base layers, shared with `make demo`: making one takes a minute."""
    return os.environ.get("RDO_PLATFORMS", str(REPOSITORY / ".cache/platforms"))


def base_layer() -> BaseLayer:
    """The base layer that most tests use; it is made if no test before has made it."""
    return Platforms(Path(platforms())).create(PLATFORM)


def rdo(
    *args: object,
    cwd: Path,
    timeout: float = 1800,
    constraints: Path | None = CONSTRAINTS,
    before: Sequence[str] = (),
) -> Result:
    """Run `rdo ARGS` in a folder, after the words `before`.

    No `constraints` are those that the folder's rdo.toml names.
    """
    environment = {**os.environ, "RDO_PLATFORMS": platforms()}
    if constraints:
        environment["RDO_BRIDGE__CONSTRAINTS"] = str(constraints)
    words = [*map(str, args)]
    if not before and FORKS.can_run(environment) and FORKS.is_used.acquire(blocking=False):
        try:
            return Result(*FORKS.run(words, cwd, environment, timeout))
        finally:
            FORKS.is_used.release()
    done = subprocess.run(
        [*before, sys.executable, "-m", "rdo", *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
