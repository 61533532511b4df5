"""What each way to build adds to what it wraps, for a trivial package.

    python benchmarks/builders.py

What is wrapped is rpmbuild, for mock the command `mock --rebuild`; the farms are the stand-ins of
the tests, which build with rpmbuild at once, and are looked at each tenth of a second. Needs root
rights and the platform deb12-x86_64; mock is measured if RDO_MOCK_SOURCE names its source tree.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rdo.builders.protocol import build_and_wait
from rdo.builders.trial import trial_job
from rdo.model.build import BuildJob, Built
from tests.long.builders.engines import ENGINES, Engine, MockEngine, make_srpm_here

BUILDS = 5
_NOW = datetime(2026, 8, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BuilderTime:
    """Medians in seconds, and how often the second goes into the first."""

    seconds: float
    wrapped: float
    multiple: float


def measure(builds: int = BUILDS) -> dict[str, BuilderTime]:
    """Return the times of all builders that can be used here."""
    with tempfile.TemporaryDirectory(prefix="rdo-builders-") as folder:
        return {
            kind.name: _measured(kind, Path(folder) / str(number), builds)
            for number, kind in enumerate(ENGINES)
            if not kind.needs_variable or kind.needs_variable in os.environ
        }


def _measured(kind: type[Engine], folder: Path, builds: int) -> BuilderTime:
    shared = folder / "shared"
    shared.mkdir(parents=True)
    engine = kind(folder / "engine", shared)
    try:
        engine.prepare()
        jobs = [_job(folder, number) for number in range(builds + 1)]
        seconds = [_timed(partial(_build, engine, job)) for job in jobs][1:]
        srpm = _srpm(_job(folder, builds + 1))
        wrapped = [_timed(lambda: _wrapped(engine, srpm)) for _ in range(builds + 1)][1:]
    finally:
        engine.close()
        engine.forget()
    took, base = statistics.median(seconds), statistics.median(wrapped)
    return BuilderTime(round(took, 2), round(base, 2), round(took / base, 2))


def _job(folder: Path, number: int) -> BuildJob:
    return trial_job(folder / f"job-{number}", number, now=_NOW + timedelta(days=number))


def _build(engine: Engine, job: BuildJob) -> None:
    outcome = build_and_wait(engine.open(), job)
    assert isinstance(outcome, Built), outcome


def _srpm(job: BuildJob) -> Path:
    job.folder.mkdir(parents=True)
    return make_srpm_here(job, bool)


def _wrapped(engine: Engine, srpm: Path) -> None:
    """Do what a person would do without rdo."""
    if isinstance(engine, MockEngine):
        engine.rebuild_by_hand(srpm)
        return
    with tempfile.TemporaryDirectory() as top:
        command = ["rpmbuild", "-ra", "-D", f"_topdir {top}", str(srpm)]
        subprocess.run(command, check=True, capture_output=True)


def _timed(act: Callable[[], None]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


if __name__ == "__main__":
    json.dump({name: asdict(one) for name, one in measure().items()}, sys.stdout, indent=1)
