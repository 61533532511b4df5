"""Metadata of a repository of 1,000 packages: composed from fragments, against createrepo_c.

    python -m benchmarks.repodata [N]

The bar is a tenth of what createrepo_c needs to read the same RPMs again.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.model.artifact import Fragment
from rdo.repodata import Composer, RepositoryEntry, read_rpms
from tests.rpms import make_rpms


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: createrepo_c over all RPMs, and with --update; ours with one package changed.

    `composed_new` is the first time of a process that has its segments on the disk.
    """

    packages: int
    createrepo: float
    createrepo_update: float
    composed: float
    composed_new: float


def measure(count: int) -> Times:
    """Repodata of `count` packages, a source and a binary RPM each with 60 files listed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rpms, fragments, entries = _rpms(folder / "rpms", count)
        createrepo = _createrepo(rpms)
        update = _createrepo(rpms, "--update")
        composer = Composer(lambda keys: _of(fragments, keys), folder / "shelf")
        _compose(composer, folder / "warm", entries)
        changed = [RepositoryEntry(entries[-1].key, "p0", "pool/new/x.rpm"), *entries[1:]]
        composed = _compose(composer, folder / "one", changed)
        other = Composer(lambda keys: _of(fragments, keys), folder / "shelf")
        composed_new = _compose(other, folder / "two", entries)
    return Times(count, createrepo, update, composed, composed_new)


def _rpms(folder: Path, count: int) -> tuple[Path, dict[int, Fragment], list[RepositoryEntry]]:
    made = make_rpms(folder / "made")
    read = dict(zip(made, read_rpms(made), strict=True))
    fragments: dict[int, Fragment] = {}
    entries: list[RepositoryEntry] = []
    place = folder / "tree"
    for number in range(count):
        (place / str(number)).mkdir(parents=True)
        for rpm in made:
            (place / str(number) / rpm.name).hardlink_to(rpm)
            key = len(entries)
            fragments[key] = read[rpm].fragment
            entries.append(RepositoryEntry(key, f"p{number}", f"pool/{number}/{rpm.name}"))
    return place, fragments, entries


def _of(fragments: Mapping[int, Fragment], keys: Collection[int]) -> dict[int, Fragment]:
    return {key: fragments[key] for key in keys}


def _createrepo(folder: Path, *options: str) -> float:
    started = time.perf_counter()
    subprocess.run(["createrepo_c", "--quiet", *options, str(folder)], check=True)
    return time.perf_counter() - started


def _compose(composer: Composer, folder: Path, entries: list[RepositoryEntry]) -> float:
    folder.mkdir()
    started = time.perf_counter()
    composer.write(folder, [], entries, revision=1)
    return time.perf_counter() - started


def main() -> None:
    times = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    sys.stdout.write(f"{times}\n")


if __name__ == "__main__":
    main()
