"""Publishing one commit beside many packages, with a long history in the store."""

import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from rdo.model.artifact import Artifact, Fragment
from rdo.repodata import read_rpms
from rdo.store.schema import ArtifactRow
from tests.history import write_history
from tests.publishing import TARGET, Factory, RpmShelf, factory, package

RPMS, FILES, PUBLICATIONS = 3, 60, 6
LINES = "".join(f"  <file>/usr/lib/python3/site-packages/x/y{n}.py</file>\n" for n in range(FILES))


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one publication: the first of a process, and the median of the next ones.

    The processor's time beside them is what to compare on a machine that does other things.
    """

    packages: int
    older_builds: int
    first: float
    first_cpu: float
    median: float
    median_cpu: float


def measure(packages: int, older_builds: int) -> Cost:
    """Publish real RPMs beside `packages` packages of 3 RPMs with 60 files each."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shelf = RpmShelf(root / "shelf")
        members = [package(member(number)) for number in range(packages)]
        with factory(root, shelf, *members) as made:
            fill(made, packages, older_builds // packages)
            (first, first_cpu), *others = [publish_next(made, n) for n in range(PUBLICATIONS)]
    median, median_cpu = (sorted(each)[len(each) // 2] for each in zip(*others, strict=True))
    return Cost(packages, older_builds, first, first_cpu, median, median_cpu)


def publish_next(made: Factory, number: int) -> tuple[float, float]:
    """Wall and processor seconds of publishing a new commit of one package."""
    build = made.build(member(number), f"f{number}", f"1.{number}")
    started, cpu = time.perf_counter(), time.process_time()
    made.tree.publish(build, made.folder_of(build), made.members)
    return time.perf_counter() - started, time.process_time() - cpu


def member(number: int) -> str:
    return f"python-p{number:04}"


def fill(made: Factory, packages: int, rounds: int) -> None:
    """Write the rows that `rounds` builds of each package and one good one would have left."""
    rpm = made.shelf.put(made.folder / "sample", "python-sample", "1.0")[-1]
    [read] = read_rpms([rpm])
    sample = read.artifact, read.fragment
    names = [member(number) for number in range(packages)]
    first = write_history(made.store, TARGET, names, rounds + 1)
    artifacts = [row for build in enumerate(names, first) for row in _artifacts(*build, sample)]
    with made.store.write() as at:
        at.builds.session.execute(insert(ArtifactRow), artifacts)


def _artifacts(
    number: int, name: str, sample: tuple[Artifact, Fragment]
) -> Iterator[dict[str, object]]:
    fragment = sample[1]
    filelists = fragment.filelists.replace("</package>", f"{LINES}</package>")
    for part in range(RPMS):
        primary = fragment.primary.replace("sample", f"{name}-{part}")
        yield {
            "build_id": number,
            "file_name": f"{name}-{part}-1.0-1.noarch.rpm",
            "name": f"{name}-{part}",
            "epoch": 0,
            "version": "1.0",
            "release": "1",
            "arch": "noarch",
            "sha256": f"{number * RPMS + part:064x}",
            "size": 1,
            "is_source": False,
            "provides": "[]",
            "primary_xml": zlib.compress(primary.encode()),
            "filelists_xml": zlib.compress(filelists.encode()),
            "other_xml": zlib.compress(fragment.other.encode()),
        }
