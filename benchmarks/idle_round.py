"""A round with nothing new: N packages, each with a local upstream and distgit.

    python benchmarks/idle_round.py [N]

The bar is 5 s for 500 packages (DLRN needs 303 s on two cores).
"""

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from rdo.app.workplaces import Workplace
from rdo.mirrors import Mirrors
from rdo.model.build import Failed, FailureReason
from rdo.model.package import Package
from rdo.package_index import PackageIndex
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.trunk.context import Trunk
from rdo.trunk.plan import PlanRules, make_plan, record_plan
from rdo.trunk.round import RoundOptions, run_round
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases

TARGET = "master-deb12"


def make_repository(path: Path, branch: str) -> str:
    git = ["git", "-C", str(path)]
    subprocess.run(["git", "init", "-q", f"--initial-branch={branch}", str(path)], check=True)
    who = ["-c", "user.name=b", "-c", "user.email=b@example.test"]
    subprocess.run([*git, *who, "commit", "-q", "--allow-empty", "-m", str(path)], check=True)
    return path.as_uri()


def make_packages(folder: Path, count: int) -> tuple[Package, ...]:
    return tuple(
        Package(
            name=f"python-p{n}",
            project=f"p{n}",
            upstreams=(make_repository(folder / f"u{n}", "master"),),
            distgit=make_repository(folder / f"d{n}", "rpm-master"),
            upstream_branch="master",
            distgit_branch="rpm-master",
        )
        for n in range(count)
    )


def nowhere() -> Workplace:
    raise AssertionError("an idle round builds nothing")


def no_index() -> PackageIndex:
    raise AssertionError("nothing here comes from a package index")


def now() -> datetime:
    return datetime.now(UTC)


def idle_trunk(data: Path, store: Store, packages: tuple[Package, ...]) -> Trunk:
    """What a round of these packages works with, if nothing is built."""
    return Trunk(
        name=TARGET,
        folder=data / TARGET,
        packages={package.name: package for package in packages},
        remotes=Remotes(Mirrors(data / "mirrors"), Releases(data / "releases", no_index)),
        store=store,
        tree=Tree(data / TARGET, store, Site(TARGET, "http://127.0.0.1")),
        members=Members(packages),
        open_workplace=nowhere,
        now=now,
    )


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch, Store.temporary() as store:
        folder = Path(scratch)
        packages = make_packages(folder / "git", count)
        trunk = idle_trunk(folder / "data", store, packages)
        started = time.monotonic()
        settle_all(trunk, packages)
        say(f"first poll and plan of {count} packages", started)
        for _ in range(3):
            started = time.monotonic()
            report = run_round(trunk, RoundOptions())
            assert report.is_idle
            say(f"round with nothing new, {count} packages", started)


def settle_all(trunk: Trunk, packages: tuple[Package, ...]) -> None:
    followed = trunk.remotes.poll(packages)
    with trunk.store.read() as at:
        plan = make_plan(at, TARGET, followed, PlanRules())
    record_plan(trunk.store, TARGET, plan, followed, platform_digest="", now=now())
    with trunk.store.write() as at:
        for build in at.builds.queue(TARGET):
            at.builds.settle(build.id, Failed(FailureReason.TEST, ""), now=now())


def say(what: str, started: float) -> None:
    sys.stdout.write(f"{what}: {time.monotonic() - started:.2f} s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
