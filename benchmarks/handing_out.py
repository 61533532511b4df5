"""Repositories handed out: pushed to a mirror, and made for an address of an instant.

    python -m benchmarks.handing_out [PACKAGES] [REPOSITORIES]

Each package has three RPMs, of one byte each: what is measured is ours, not a network.
"""

import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.checking import wall_and_processor
from benchmarks.promotion import many_moves
from benchmarks.publishing import RPMS, fill, member, publish_next
from rdo.publish.pushing.folder import OutsideFolder
from rdo.publish.pushing.push import PushPlace, PushSummary, push
from rdo.web.repositories.asked import AskedSet
from rdo.web.repositories.kept import KeptRepodata
from tests.publishing import START, TARGET, Factory, RpmShelf, factory, open_target, package


@dataclass(frozen=True, slots=True)
class HandingOutTimes:
    """Seconds to push everything, nothing, and one change, of which `sent` files are new.

    Then those for an address of an instant among `repositories`: asked for the first time, and when
    its repodata is there. `cpu` is the processor's time, to compare on a machine that does other
    things.
    """

    packages: int
    everything: float
    everything_cpu: float
    nothing: float
    nothing_cpu: float
    change: float
    change_cpu: float
    sent: int
    repositories: int
    instant: float
    instant_cpu: float
    again: float
    again_cpu: float


def measure(packages: int = 5000, repositories: int = 10_000) -> HandingOutTimes:
    """Push to a folder, and ask for an instant, beside `packages` packages."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        members = [package(member(number)) for number in range(packages)]
        with factory(root, RpmShelf(root / "shelf"), *members) as made:
            fill(made, packages, 0)
            _fill_pool(made, packages * RPMS)
            publish_next(made, 0)
            everything, _ = _push(made, root / "mirror")
            nothing, was = _push(made, root / "mirror")
            assert was.is_nothing
            publish_next(made, 1)
            change, done = _push(made, root / "mirror")
            instant, again = _instant(made, root, repositories)
    return HandingOutTimes(
        packages, *everything, *nothing, *change, done.files, repositories, *instant, *again
    )


def _fill_pool(made: Factory, count: int) -> None:
    """Give each RPM of the store a file."""
    with made.store.read() as at:
        rows = [one.artifact for one in at.artifacts.good(TARGET)]
    assert len(rows) == count
    for one in rows:
        place = made.tree.repos / "pool" / one.sha256 / one.file_name
        place.parent.mkdir(parents=True)
        place.write_bytes(b"x")


def _push(made: Factory, mirror: Path) -> tuple[tuple[float, float], PushSummary]:
    done: list[PushSummary] = []
    place = PushPlace("m", str(mirror), "http://mirror.example.test", OutsideFolder(mirror))
    taken = wall_and_processor(lambda: done.append(push(made.tree, made.store, place)))
    return taken, done[0]


def _instant(
    made: Factory, root: Path, repositories: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    many_moves(made, repositories)
    target = open_target(made)
    moment = START + timedelta(days=1, minutes=repositories // 2)
    asked = AskedSet.parse(f"{TARGET}@{moment:%Y-%m-%dT%H:%M:%S}")
    kept = KeptRepodata(root / "kept")

    def ask() -> None:
        kept.keep(made.store, asked.choose(target).builds.values())

    return wall_and_processor(ask), wall_and_processor(ask)


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    print(measure(*numbers))  # noqa: T201
