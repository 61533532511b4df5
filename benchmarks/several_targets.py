"""Rounds of two targets at the same time, against one after the other.

    RDO_PLATFORMS=FOLDER python benchmarks/several_targets.py

Both build the same four packages, three of which require each other in turn, on the platforms
deb12-x86_64 and deb13-x86_64 with two workers in all. Both platforms are made, and all that comes
from PyPI is fetched, before the clock starts. Needs root rights.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.command import rdo
from tests.e2e.distribution import Distribution

PLATFORMS = ["deb12-x86_64", "deb13-x86_64"]
TARGETS = ("master-deb12", "master-deb13")
SETTINGS = f"""\
workers = 2
[metadata]
source = "info"
[targets.master]
release = "master"
platforms = {PLATFORMS}
"""


@dataclass(frozen=True, slots=True)
class TargetsTime:
    """Seconds of both rounds, and how often the second goes into the first."""

    one_after_the_other: float
    at_once: float
    multiple: float


def measure() -> TargetsTime:
    """Return the times of a round in which each package has one new commit."""
    with tempfile.TemporaryDirectory(prefix="rdo-targets-") as folder:
        place = _distribution(Path(folder))
        _run(place)  # makes the platforms, and fetches what the packages require
        _release(place, "2.0")
        after = sum(_run(place, "--target", target) for target in TARGETS)
        _release(place, "3.0")
        at_once = _run(place)
    return TargetsTime(round(after, 1), round(at_once, 1), round(after / at_once, 2))


def _distribution(folder: Path) -> Distribution:
    place = Distribution(folder)
    place.add("first")
    place.add("second", "first")
    place.add("third", "second")
    place.add("alone")
    (folder / "rdo.toml").write_text(SETTINGS)
    for platform in PLATFORMS:
        made = rdo("platform", "create", platform, cwd=folder)
        assert made.code == 0, made.stderr
    return place


def _release(place: Distribution, version: str) -> None:
    place.release("first", version)
    place.release("second", version, "first")
    place.release("third", version, "second")
    place.release("alone", version)


def _run(place: Distribution, *args: str) -> float:
    started = time.monotonic()
    done = place.rdo("trunk", "run", "--json", *args)
    seconds = time.monotonic() - started
    assert done.code == 0, done.stderr
    assert all(len(row["built"]) == 4 for row in done.json), done.stdout
    return seconds


if __name__ == "__main__":
    json.dump(asdict(measure()), sys.stdout, indent=1)
