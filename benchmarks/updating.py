"""Pushing one update beside 5,000 packages that users have.

    python -m benchmarks.updating [N]

The bar is 0.3 s for the metadata: all that `rdo update push` does in the users' repository but
reading the new RPMs. Times are those of the processor, so that nothing else on the machine counts.
"""

import hashlib
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rdo.repodata import read_rpms
from rdo.updates.yum_folder import LISTED, YumFolder
from tests.rpms import make_rpms


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds for the first push of a process, for the next one, and for taking it back."""

    packages: int
    first: float
    next: float
    taken_back: float


def measure(count: int) -> Times:
    """Push an update of a source and a binary RPM, each beside `count` listed ones."""
    with tempfile.TemporaryDirectory() as scratch:
        users = Path(scratch, "users")
        _list(users, Path(scratch, "made"), count)
        YumFolder(users).take_out([])  # the repodata that users have by now
        ready = [make_rpms(Path(scratch, name), f"python-{name}") for name in ("one", "two")]
        first, following = (_timed(YumFolder(users), rpms) for rpms in ready)
        started = time.process_time()
        YumFolder(users).take_out([rpm.name for rpm in ready[0]])
        return Times(count, first, following, time.process_time() - started)


def _timed(users: YumFolder, rpms: tuple[Path, ...]) -> float:
    started = time.process_time()
    read_rpms(rpms)
    reading = time.process_time() - started
    started = time.process_time()
    users.add(rpms)
    return time.process_time() - started - reading


def _list(users: Path, made: Path, count: int) -> None:
    """List `count` RPMs, half of them source RPMs, with the metadata of a real one each."""
    (users / LISTED).mkdir(parents=True)
    read = read_rpms(make_rpms(made))
    for number in range(count):
        one = read[number % len(read)]
        arch = one.artifact.file_name.rsplit(".", 2)[1]
        file_name = f"python-p{number}-1.0-1.{arch}.rpm"
        sha256 = hashlib.sha256(file_name.encode()).hexdigest()
        row = json.dumps(asdict(one.fragment))
        (users / LISTED / f"0:{file_name}:{sha256}").write_text(row)


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))  # noqa: T201
