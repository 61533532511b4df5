"""Metadata of the size of RDO's: read cold, from the cache, and as a command; and start-up.

    python benchmarks/metadata.py [FOLDER OF A CHECKOUT OF RDOINFO]

The bars: cold no slower than distroinfo, cached 50 times faster, a package as a process below
0.3 s, `rdo --help` below 0.15 s. Without a folder a synthetic set of the same size is made.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rdo import metadata
from rdo.metadata.checking.verify import verify

PACKAGES, RELEASES, BUILD_TAGS = 1400, 13, 60


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, the best of several."""

    distroinfo: float
    cold: float
    cached: float
    verify: float
    package_process: float
    help_process: float


def best(act: Callable[[], object], times: int = 5) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def synthetic(folder: Path) -> None:
    """One file of packages, a file of tags per release, a file per tag of the build system."""
    (folder / "tags").mkdir()
    (folder / "builds").mkdir()
    releases = [f"release{n}" for n in range(RELEASES)]
    imports = [f"tags/{name}.yml" for name in releases]
    for name in releases:
        lines = (
            f"- project: p{n}\n  tags:\n    {name}:\n      source-branch: {n}.0.0\n"
            for n in range(0, PACKAGES, 4)
        )
        (folder / f"tags/{name}.yml").write_text("packages:\n" + "".join(lines))
    for tag in range(BUILD_TAGS):
        imports.append(f"builds/{tag}.yml")
        lines = (
            f"- project: p{n}\n  buildsys-tags:\n    build{tag}: python-p{n}-{n}.0-1.el9\n"
            for n in range(0, PACKAGES, 3)
        )
        (folder / f"builds/{tag}.yml").write_text("packages:\n" + "".join(lines))
    packages = (
        f"- project: p{n}\n  conf: lib\n  maintainers:\n  - a@x.test\n" for n in range(PACKAGES)
    )
    entries = (
        f"- name: {r}\n  branch: b\n  status: eol\n  repos: [{{name: el9}}]\n" for r in releases
    )
    (folder / "rdo-full.yml").write_text(
        "import:\n"
        + "".join(f"- {name}\n" for name in imports)
        + "releases:\n"
        + "".join(entries)
        + "package-default:\n  name: python-%(project)s\n  upstream: https://x.test/%(project)s\n"
        "  distgit: https://x.test/%(project)s-distgit\n"
        "package-configs:\n  lib: {tags: {dependency: }}\n" + "packages:\n" + "".join(packages)
    )


def measure(folder: Path) -> Times:
    """The times for the metadata of one folder."""
    from distroinfo import info

    file = "rdo-full.yml"
    package = metadata.load(folder, file).entries()[-1]["name"]
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        environ = {**os.environ, "XDG_CACHE_HOME": scratch}
        rdo = [sys.executable, "-m", "rdo"]
        asked = [*rdo, "info", "package", package, "--info", str(folder)]

        def run(command: list[str]) -> None:
            subprocess.run(command, check=True, capture_output=True, env=environ)

        metadata.load(folder, file, cache=cache)
        run(asked)
        return Times(
            distroinfo=best(lambda: info.DistroInfo(file, local_info=str(folder)).get_info(), 3),
            cold=best(lambda: metadata.load(folder, file).dump(), 3),
            cached=best(lambda: metadata.load(folder, file, cache=cache)),
            verify=best(lambda: verify(metadata.load(folder, file)), 3),
            package_process=best(lambda: run(asked)),
            help_process=best(lambda: run([*rdo, "--help"])),
        )


def measure_synthetic() -> Times:
    """The times for a set that is made up."""
    with tempfile.TemporaryDirectory() as folder:
        synthetic(Path(folder))
        return measure(Path(folder))


def main() -> None:
    times = measure(Path(sys.argv[1])) if len(sys.argv) > 1 else measure_synthetic()
    json.dump(asdict(times), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
