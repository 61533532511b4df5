"""Which packages of a repository have a path with another content, beside `dnf repoclosure`.

    python -m benchmarks.file_conflicts [PACKAGES] [PATHS]

The file lists of all are read, and the headers of those RPMs alone that share a path.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.checking import (
    repoclosure,
    sample_fragment,
    variant,
    wall_and_processor,
    write,
)
from rdo.checks import rpm_files
from rdo.checks.rpm_files import CommonPaths, Folders
from rdo.checks.together import PlacedPackage, can_be_together
from rdo.model.artifact import Fragment
from rdo.repodata import read_rpms
from rdo.solver import SolverRepository
from tests.rpms import make_rpms

SHARED = "/usr/share/shared/file"
_SHARING = 12
"""So many real RPMs have one path, each with another content."""


@dataclass(frozen=True, slots=True)
class FileTimes:
    """Seconds by the clock and of the processor, to find the pairs that differ in a path."""

    packages: int
    paths: int
    pairs: int
    files: float
    files_cpu: float
    repoclosure: float
    repoclosure_cpu: float


def measure(count: int, paths: int) -> FileTimes:
    """Compare `count` packages with `paths` paths each; a few of them share one."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        like = sample_fragment(folder / "rpms")
        fragments = {
            number: _with_paths(variant(like, number, count, 0), number, paths)
            for number in range(_SHARING, count)
        }
        repository = folder / "whole"
        for number in range(_SHARING):
            name = f"python-sharing{number}"
            made = make_rpms(folder / "made", name, files=((SHARED, f"{number}"),))
            [rpm] = [path for path in made if ".src." not in path.name]
            fragments[number] = read_rpms([rpm])[0].fragment
        write(repository, fragments)
        for number in range(_SHARING):
            [rpm] = (folder / "made").glob(f"python3-sharing{number}-*.rpm")
            place = repository / f"pool/{number}/p{number}.rpm"
            place.parent.mkdir(parents=True)
            place.hardlink_to(rpm)
        found: list[CommonPaths] = []
        files = wall_and_processor(lambda: found.extend(_conflicts(repository)))
        assert len(found) == _SHARING * (_SHARING - 1) // 2
        closure = repoclosure(repository, folder / "cache", is_whole=False)
    return FileTimes(count, paths, len(found), *files, *closure)


def _with_paths(fragment: Fragment, number: int, paths: int) -> Fragment:
    lines = "".join(
        f"<file>{escape(f'/usr/lib/python3/site-packages/p{number}/module_{one}.py')}</file>"
        for one in range(paths)
    )
    filelists = fragment.filelists.replace("</package>", f"{lines}</package>")
    return Fragment(fragment.primary, filelists, fragment.other)


def _conflicts(folder: Path) -> list[CommonPaths]:
    """Do what the check `files` does: find pairs, and leave out what no host has at once."""
    common = rpm_files.common_paths(Folders([folder]))
    pairs = [
        (PlacedPackage("own", one.one.nevra), PlacedPackage("own", one.other.nevra))
        for one in common
    ]
    together = can_be_together(pairs, [SolverRepository("own", folder)], arch="x86_64")
    return [one for one, is_possible in zip(common, together, strict=True) if is_possible]


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    print(measure(*(numbers or (2000, 200))))  # noqa: T201
