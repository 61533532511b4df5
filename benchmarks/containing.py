"""Where a commit, a fix or a version is beside a long history: 0.1 s beside 50,000 builds at most.

    python -m benchmarks.containing [BUILDS]

Each repository that is read has 1,000 packages. Each build has brought a commit and a bug of its
own, and the fix that is asked for is in all builds of a package with a long history of its own.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.checking import wall_and_processor
from rdo.mirrors import Mirrors
from rdo.promotion.containing import contains, find_builds
from rdo.store.work.traces import Trace, TracedSource
from tests.history import write_history
from tests.publishing import TARGET, Factory, RpmShelf, commit, factory, open_target, package

_PACKAGES = 200
_ROWS = 1000


@dataclass(frozen=True, slots=True)
class ContainingTimes:
    """Seconds of a question by a commit of an upstream, of a distgit, by a version and by a fix.

    `cpu` is the processor's time, to compare on a machine that does other things.
    """

    builds: int
    upstream: float
    upstream_cpu: float
    distgit: float
    distgit_cpu: float
    version: float
    version_cpu: float
    fix: float
    fix_cpu: float


def measure(builds: int = 50_000) -> ContainingTimes:
    """Ask about the commits of two packages beside those of many others."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        shelf = RpmShelf(root / "shelf")
        with factory(root, shelf, package("python-a"), package("python-b")) as made:
            names = [f"python-other{number}" for number in range(_PACKAGES)]
            write_history(made.store, TARGET, names, builds // _PACKAGES)
            for name, version in (("a", "1"), ("b", "1"), ("b", "2")):
                made.publish(f"python-{name}", f"{name}{version}", f"{version}.0")
            _fill(made)
            _trace(made, names)
            own = commit("python-a", "a1")
            return ContainingTimes(
                builds,
                *_ask(made, own.upstream_hash),
                *_ask(made, own.distgit_hash),
                *_ask(made, "python-a", "1.0"),
                *_ask(made, "CVE-2026-1234"),
            )


def _fill(made: Factory) -> None:
    for file in made.tree.repos.glob("*/*/*/versions.csv"):
        row = file.read_text().splitlines()[1].partition(",")[2]
        rows = "".join(f"python-filler{number},{row}\n" for number in range(_ROWS))
        file.write_text(file.read_text() + rows)


def _trace(made: Factory, names: Sequence[str]) -> None:
    """Let all commits be read, as rounds do it."""
    for name in (*names, "python-a", "python-b"):
        with made.store.write() as at:
            commits = at.traces.untraced(TARGET, name)
            source = TracedSource(upstream=commits[0].commit.upstream)
            traces = [
                Trace(source, text, one.position)
                for one in commits
                for text in (one.commit.upstream_hash, f"#{one.id}")
            ]
            if name in {"python-a", names[0]}:
                traces.append(Trace(source, "CVE-2026-1234", commits[0].position))
            head = {source: commits[-1].commit.upstream_hash}
            at.traces.keep(TARGET, name, heads=head, traces=traces, commits=commits)


def _ask(made: Factory, what: str, version: str = "") -> tuple[float, float]:
    target = open_target(made)
    mirrors = Mirrors(made.folder / "mirrors")

    def ask() -> None:
        found = contains(target, find_builds(target, mirrors, what, version))
        assert [len(one.names) for one in found if one.package == "python-a"] == [2]

    ask()
    return min(wall_and_processor(ask) for _ in range(5))


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000))  # noqa: T201
