"""Many RPMs installed and looked at in fresh roots, as `rdo promotion check --all` does.

    python -m benchmarks.installing [RPMS]

Needs the right to make roots, and the platform deb12-x86_64. rpm installs the same RPMs into the
same base in the same run, to compare with.
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rdo.app import App
from rdo.checks.host_root import host_root
from rdo.checks.installed import Installation, check_installed
from rdo.checks.together import full_host
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import SolverRepository
from tests.rpms import make_many

REPOSITORY = Path(__file__).parents[1]
PLATFORM = "deb12-x86_64"


@dataclass(frozen=True, slots=True)
class InstallTimes:
    """Seconds: the whole check `install`, and rpm alone."""

    rpms: int
    checked: float
    rpm_alone: float


def measure(count: int) -> InstallTimes:
    """Install and look at `count` RPMs, each of which has a module that imports another."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["RDO_DATA"] = str(folder / "data")
        os.environ.setdefault("RDO_PLATFORMS", str(REPOSITORY / ".cache/platforms"))
        base = App().platforms.create(PLATFORM)
        repositories = (
            SolverRepository("own", make_many(folder / "made", count)),
            SolverRepository("base", base.metadata, 90, installed=True),
        )
        started = time.perf_counter()
        answer = check_installed(
            Installation(base, folder / "roots", repositories, ["own"], {}), folder / "log"
        )
        checked = time.perf_counter() - started
        assert answer.passed, answer
        assert answer.said.startswith(f"{count} RPMs installed, {count} modules imported")
        return InstallTimes(count, checked, _rpm_alone(base, folder / "roots", repositories))


def _rpm_alone(base: BaseLayer, roots: Path, repositories: tuple[SolverRepository, ...]) -> float:
    host = full_host(["own"], repositories, arch=base.platform.arch)
    packages = base.fetch(host.packages)
    with host_root(base, roots) as root:
        root.offer(packages)
        started = time.perf_counter()
        done = root.rpm("-i", "--nosignature", packages=packages, seconds=3600)
        assert done.returncode == 0, done.stderr
        return time.perf_counter() - started


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 500))  # noqa: T201
