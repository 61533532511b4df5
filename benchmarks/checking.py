"""A repository of many packages: composed anew, and checked, beside `dnf repoclosure`.

    python -m benchmarks.checking [N]

The bar of the check is 0.3 s for 2,000 packages, the child process included.
"""

import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.model.artifact import Fragment
from rdo.repodata import Composer, RepositoryEntry, read_rpms
from rdo.solver import SolverRepository, Uninstallable, uninstallable
from tests.rpms import make_rpms

_NAME = "python3-sample"
_BROKEN = 10
"""So many packages require what nothing provides, and one more requires each of them."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: composing without any kept segment; checking a whole set, and one with faults.

    `cpu` is the processor's time, to compare on a machine that does other things.
    """

    packages: int
    composed: float
    checked: float
    checked_cpu: float
    faulty: float
    faulty_cpu: float
    repoclosure: float
    repoclosure_cpu: float


def measure(count: int) -> Times:
    """Compose and check `count` packages, each of which requires three others."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fragment = sample_fragment(folder / "rpms")
        whole, composed = _compose(folder / "whole", fragment, count, broken=0)
        faulty, _ = _compose(folder / "faulty", fragment, count, broken=_BROKEN)
        whole_times, faulty_times = _check(whole, 0), _check(faulty, 2 * _BROKEN)
        closure = repoclosure(whole, folder / "cache")
        return Times(count, composed, *whole_times, *faulty_times, *closure)


def sample_fragment(folder: Path) -> Fragment:
    """Return the fragment of a real RPM that requires one thing."""
    made = make_rpms(folder, requires=("SOMETHING",))
    [binary] = [path for path in made if ".src." not in path.name]
    return read_rpms([binary])[0].fragment


def _compose(folder: Path, like: Fragment, count: int, *, broken: int) -> tuple[Path, float]:
    """Write repodata of `count` packages like one, and return the time that this takes."""
    return write(folder, {number: variant(like, number, count, broken) for number in range(count)})


def write(folder: Path, fragments: Mapping[int, Fragment]) -> tuple[Path, float]:
    """Write repodata of these fragments; return its folder, and the seconds without any segment."""
    entries = [
        RepositoryEntry(number, f"p{number}", f"pool/{number}/p{number}.rpm")
        for number in fragments
    ]
    folder.mkdir()
    composer = Composer(lambda keys: {key: fragments[key] for key in keys})
    started = time.perf_counter()
    composer.write(folder, [], entries, revision=1)
    return folder, time.perf_counter() - started


def variant(like: Fragment, number: int, count: int, broken: int) -> Fragment:
    """Return the fragment of package `number`: with a name and requirements of its own."""
    needs = [f"p{(number + step) % count}" for step in (1, 7, 31)]
    if number < broken:
        needs.append(f"nothing-{number}")
    elif number < 2 * broken:
        needs.append(f"p{number - broken}")
    entry = re.search(r'\n *<rpm:entry name="SOMETHING"/>', like.primary)
    assert entry
    entries = "".join(entry[0].replace("SOMETHING", need) for need in needs)
    primary = like.primary.replace(entry[0], entries)
    parts = (primary, like.filelists, like.other)
    digest = f"{number:064x}"
    was = re.search(r"[0-9a-f]{64}", primary)
    assert was
    return Fragment(
        *(
            part.replace(was[0], digest)
            .replace(_NAME, f"p{number}")
            .replace("/python-sample", f"/p{number}")
            for part in parts
        )
    )


def wall_and_processor(act: Callable[[], object]) -> tuple[float, float]:
    """Return the wall seconds of an act, and the processor's of it and its children."""
    before, started = _cpu(), time.perf_counter()
    act()
    return time.perf_counter() - started, _cpu() - before


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _check(folder: Path, fewest: int) -> tuple[float, float]:
    found: list[Uninstallable] = []
    repositories = [SolverRepository("own", folder)]
    times = wall_and_processor(
        lambda: found.extend(uninstallable(repositories, ["own"], arch="x86_64"))
    )
    assert len(found) >= fewest
    assert fewest or not found
    return times


def repoclosure(folder: Path, cache: Path, *, is_whole: bool = True) -> tuple[float, float]:
    """Return how long dnf takes for its question, with its cache filled before."""
    command = [
        *("dnf", "--quiet", "--releasever=1", f"--setopt=cachedir={cache}"),
        *("--setopt=reposdir=/none", f"--repofrompath=own,{folder.as_uri()}", "--repo=own"),
        *("repoclosure", "--newest"),
    ]
    subprocess.run(command, check=is_whole, capture_output=True)
    return wall_and_processor(lambda: subprocess.run(command, check=is_whole, capture_output=True))


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))  # noqa: T201
