"""What a build costs besides rpmbuild itself, with everything cached.

    python benchmarks/build_overhead.py

Needs root rights and the platform deb12-x86_64; once it has run, no network. The same spec is
built by rpmbuild on this machine as it is, and by rdo: solve, make the root, fill it, build,
collect, throw the root away. The bar is less than 1 s between the two.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rdo.app import App
from rdo.distgit.local_build import LocalBuild, build_local
from rdo.model.build import Built

REPOSITORY = Path(__file__).parents[1]
PLATFORM = "deb12-x86_64"
BUILDS = 7
SPEC = """\
Name: overhead
Version: 1
Release: 1
Summary: Next to nothing
License: MIT
BuildArch: noarch
BuildRequires: python3-devel, python3dist(pbr), python3dist(pytest), python3dist(sphinx)
%description
%{summary}.
%install
install -D /dev/null %{buildroot}/usr/share/overhead
%files
/usr/share/overhead
"""


@dataclass(frozen=True, slots=True)
class Overhead:
    """Medians in seconds; `packages` is how many were added to the base layer.

    The processor's time beside them is what to compare on a machine that does other things.
    """

    rpmbuild: float
    rdo: float
    overhead: float
    rpmbuild_cpu: float
    rdo_cpu: float
    overhead_cpu: float
    packages: int


def measure() -> Overhead:
    """Build the same spec alone and by rdo, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["RDO_DATA"] = str(folder / "data")
        os.environ.setdefault("RDO_PLATFORMS", str(REPOSITORY / ".cache/platforms"))
        spec = folder / "overhead.spec"
        spec.write_text(SPEC)
        app = App()
        app.platforms.create(PLATFORM)
        dependencies = app.bridges.local(PLATFORM)
        workshop = app.workplaces.workshop(dependencies, minutes=10, log_mb=10)
        job = LocalBuild(spec, folder / "results")
        if not isinstance(build_local(job, workshop, dependencies), Built):
            sys.exit((job.results / "rpmbuild.log").read_text())
        alone, ours = [], []
        for _ in range(BUILDS):
            alone.append(_cost(lambda: _rpmbuild(folder, spec)))
            ours.append(_cost(lambda: build_local(job, workshop, dependencies)))
        packages = len((job.results / "installed_pkgs.log").read_text().splitlines())
    (rpmbuild, rpmbuild_cpu), (rdo, rdo_cpu) = _medians(alone), _medians(ours)
    return Overhead(
        rpmbuild=round(rpmbuild, 3),
        rdo=round(rdo, 3),
        overhead=round(rdo - rpmbuild, 3),
        rpmbuild_cpu=round(rpmbuild_cpu, 3),
        rdo_cpu=round(rdo_cpu, 3),
        overhead_cpu=round(rdo_cpu - rpmbuild_cpu, 3),
        packages=packages,
    )


def _cost(act: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds of an act, and the processor's with all programs that it ran."""
    started, before = time.perf_counter(), os.times()
    act()
    spent, now = time.perf_counter() - started, os.times()
    return spent, sum(now[:4]) - sum(before[:4])


def _medians(costs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = (sorted(each)[len(each) // 2] for each in zip(*costs, strict=True))
    return wall, cpu


def _rpmbuild(folder: Path, spec: Path) -> None:
    top = f"_topdir {folder / 'top'}"
    command = ("rpmbuild", "-ba", "--nodeps", "--quiet", "-D", top, str(spec))
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    json.dump(asdict(measure()), sys.stdout, indent=2)
    sys.stdout.write("\n")
