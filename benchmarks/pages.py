"""Writing the pages of a target with a long history after one change.

The bar is 0.1 s for one change beside 5,000 builds.
"""

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rdo.model.build import Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.store import Store
from rdo.trunk.views.pages import Pages
from tests.history import write_history
from tests.rounds.factory import TARGET, Factory

CHANGES = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of writing all pages, and of writing what one change touches: best and CPU."""

    packages: int
    builds: int
    all_pages: float
    one_change: float
    one_change_cpu: float
    pages_of_one_change: int


def measure(packages: int, builds: int) -> Cost:
    """Write the pages of `packages` packages with `builds` builds together, then one change."""
    names = [f"python-p{number:03}" for number in range(packages)]
    with tempfile.TemporaryDirectory() as folder, Store.temporary() as store:
        made = Factory(Path(folder), store)
        for name in names:
            url = f"https://git.example.test/{name}"
            made.packages.append(Package(name, name, (url,), url, "master", "rpm-master"))
        write_history(store, TARGET, names, builds // packages)
        pages = Pages(made.trunk)
        started = time.perf_counter()
        pages.write(names)
        every = time.perf_counter() - started
        times = [_change(made, pages, names[number], number) for number in range(CHANGES)]
    wall, cpu, count = (min(each) for each in zip(*times, strict=True))
    return Cost(packages, builds, every, wall, cpu, count)


def _change(made: Factory, pages: Pages, name: str, number: int) -> tuple[float, float, int]:
    """Let a package fail to build; wall and CPU seconds and the number of pages written."""
    when = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(hours=number)
    commit = Commit(name, f"{number:040x}", "e" * 40, when, when, "master")
    with made.store.write() as at:
        build = at.builds.plan(TARGET, commit, now=made.clock())
        at.builds.settle(build.id, Failed(FailureReason.COMPILE, "x"), now=made.clock())
    started, cpu = time.perf_counter(), time.process_time()
    written = pages.write([name])
    return time.perf_counter() - started, time.process_time() - cpu, len(list(written))
