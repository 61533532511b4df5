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
from dataclasses import asdict, dataclass
from pathlib import Path

from rdo.app import App
from rdo.distgit.local_build import LocalBuild, build_local
from rdo.model.build import Built

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
    """Medians in seconds; `packages` is how many were added to the base layer."""

    rpmbuild: float
    rdo: float
    overhead: float
    packages: int


def measure() -> Overhead:
    """Build the same spec alone and by rdo, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["RDO_DATA"] = str(folder / "data")
        spec = folder / "overhead.spec"
        spec.write_text(SPEC)
        app = App()
        app.platforms.create(PLATFORM)
        dependencies = app.local_dependencies(PLATFORM)
        workshop = app.workshop(dependencies, minutes=10, log_mb=10)
        job = LocalBuild(spec, folder / "results")
        if not isinstance(build_local(job, workshop, dependencies), Built):
            sys.exit((job.results / "rpmbuild.log").read_text())
        alone, ours = [], []
        for _ in range(BUILDS):
            started = time.perf_counter()
            _rpmbuild(folder, spec)
            between = time.perf_counter()
            build_local(job, workshop, dependencies)
            alone.append(between - started)
            ours.append(time.perf_counter() - between)
        packages = len((job.results / "installed_pkgs.log").read_text().splitlines())
    rpmbuild, rdo = sorted(alone)[BUILDS // 2], sorted(ours)[BUILDS // 2]
    return Overhead(round(rpmbuild, 3), round(rdo, 3), round(rdo - rpmbuild, 3), packages)


def _rpmbuild(folder: Path, spec: Path) -> None:
    top = f"_topdir {folder / 'top'}"
    command = ("rpmbuild", "-ba", "--nodeps", "--quiet", "-D", top, str(spec))
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    json.dump(asdict(measure()), sys.stdout, indent=2)
    sys.stdout.write("\n")
