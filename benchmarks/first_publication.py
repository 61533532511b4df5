"""The first round of a target whose packages are prebuilt and come by the command builder.

    python -m benchmarks.first_publication [N]

Everything is real: git, polling, planning, a process for each build, publication, pages. DLRN
needs 1,082 s for 500 packages on two cores when its builds are copies too.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.idle_round import idle_trunk, make_packages
from rdo.app.workplaces import Workplace
from rdo.bridge.protocol import NoBridge
from rdo.builders.command import CommandBuilder
from rdo.model.program import Bounds
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.tools.command import Command
from rdo.trunk.context import Trunk
from rdo.trunk.round import RoundOptions, run_round

SUFFIXES = ("", "-doc", "-tests")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the first round, of one with nothing new, and of one with one new commit."""

    packages: int
    first: float
    first_cpu: float
    idle: float
    one_commit: float


def measure(count: int) -> Times:
    """Rounds over `count` packages of three RPMs each, two builds at a time."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        packages = make_packages(folder / "git", count)
        _fill(folder / "shelf", [package.name for package in packages])
        (folder / "data").mkdir()
        with Store(f"sqlite:///{folder / 'data/rdo.sqlite'}") as store:
            trunk = replace(
                idle_trunk(folder / "data", store, packages),
                open_workplace=lambda: _workplace(folder / "shelf"),
            )
            first, first_cpu = _round(trunk, built=count)
            idle, _ = _round(trunk, built=0)
            _commit(folder / "git/u0")
            tree = Tree(trunk.folder, store, trunk.tree.site)  # as a new process has it
            one, _ = _round(replace(trunk, tree=tree), built=1)
        return Times(count, first, first_cpu, idle, one)


def _fill(shelf: Path, names: Sequence[str]) -> None:
    """Three RPMs for each package, many of them made by one rpmbuild."""
    for start in range(0, len(names), 50):
        parts = [f"{name}{suffix}" for name in names[start : start + 50] for suffix in SUFFIXES]
        sections = (
            f"%package -n {part}\nSummary: x\n%description -n {part}\nx\n"
            f"%files -n {part}\n/{part}\n"
            for part in parts
        )
        spec = shelf / f"many{start}.spec"
        shelf.mkdir(exist_ok=True)
        touch = "\n".join(f"touch %{{buildroot}}/{part}" for part in parts)
        spec.write_text(
            f"Name: many{start}\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\n"
            f"BuildArch: noarch\n%description\nx\n{''.join(sections)}"
            f"%install\nmkdir -p %{{buildroot}}\n{touch}\n"
        )
        command = ["rpmbuild", "--quiet", "-bb", f"--define=_rpmdir {shelf}", f"{spec}"]
        subprocess.run(command, check=True, capture_output=True)
    for name in names:
        (shelf / name).mkdir()
        for suffix in SUFFIXES:
            [rpm] = shelf.glob(f"noarch/{name}{suffix}-1-1.noarch.rpm")
            rpm.rename(shelf / name / rpm.name)


def _workplace(shelf: Path) -> Workplace:
    words = ("cp", "-r", f"{shelf}/{{package}}", "{resultdir}")
    return Workplace(CommandBuilder(Command(words), Bounds(600, 10**8)), NoBridge())


def _round(trunk: Trunk, *, built: int) -> tuple[float, float]:
    started, cpu = time.perf_counter(), time.process_time()
    report = run_round(trunk, RoundOptions())
    assert len(report.built) == built, report
    return time.perf_counter() - started, time.process_time() - cpu


def _commit(repository: Path) -> None:
    who = ["-c", "user.name=b", "-c", "user.email=b@example.test"]
    command = ["git", "-C", str(repository), *who, "commit", "-q", "--allow-empty", "-m", "new"]
    subprocess.run(command, check=True)


def main(arguments: Sequence[str]) -> None:
    times = measure(int(arguments[0]) if arguments else 500)
    sys.stdout.write(f"{times}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
