"""What a target saves that takes what another target of its release has made.

    RDO_PLATFORMS=FOLDER python benchmarks/sharing.py [ROUNDS]

One package, two targets on deb12-x86_64, one after the other: the first makes the source archive
and builds; the second takes the archive and builds, or takes the noarch RPMs as well. Each time is
the processor's in a whole round with one new commit. Needs root rights.
"""

import json
import resource
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.command import PLATFORM, rdo
from tests.e2e.distribution import TARGET, Distribution

OTHER = "master-other"
ROUNDS = 3
SECOND = f"""\
[targets.{OTHER}]
release = "master"
platform = "{PLATFORM}"
look-ahead = false
"""


@dataclass(frozen=True, slots=True)
class SharingTime:
    """Median processor seconds of a round, and what parts of the first one's the others take."""

    makes_all: float
    takes_archive: float
    takes_rpms: float
    with_archive: float
    with_rpms: float


def measure(rounds: int = ROUNDS) -> SharingTime:
    """Return the times of rounds with one new commit."""
    makes, archive, rpms = [], [], []
    with tempfile.TemporaryDirectory(prefix="rdo-sharing-") as folder:
        place = Distribution(Path(folder), settings=("", SECOND))
        made = rdo("platform", "create", PLATFORM, cwd=place.folder)
        assert made.code == 0, made.stderr
        place.add("lowermod")
        for target in (TARGET, OTHER):
            _run(place, target)  # fetches what the package requires
        for number in range(rounds):
            place.release("lowermod", f"2.{number}")
            makes.append(_run(place, TARGET))
            archive.append(_run(place, OTHER))
        place.lines.append("  share-noarch: true")
        place.write_metadata()
        for number in range(rounds):
            place.release("lowermod", f"3.{number}")
            makes.append(_run(place, TARGET))
            rpms.append(_run(place, OTHER))
    first, second, third = (round(statistics.median(one), 1) for one in (makes, archive, rpms))
    return SharingTime(first, second, third, round(second / first, 2), round(third / first, 2))


def _run(place: Distribution, target: str) -> float:
    before = _processor_seconds()
    done = place.rdo("trunk", "run", "--json", "--target", target)
    seconds = _processor_seconds() - before
    assert done.code == 0, done.stderr
    assert len(done.json[0]["built"]) == 1, done.stdout
    return seconds


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    json.dump(asdict(measure(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)), sys.stdout, indent=1)
