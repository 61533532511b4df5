"""`sources` of 20 files from one lookaside cache: ours beside rpkg 1.70.

    python -m benchmarks.lookaside [FOLDER WITH RPKG]

Without a folder rpkg is installed from PyPI into one that goes away again. Each answer of the
server comes 100 ms late, as from another continent; times are of whole processes, the best of 3.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import SourceEntry
from rdo.lookaside.storage import Storage
from rdo.web.lookaside.application import lookaside
from rdo.web.lookaside.uploaders import Uploaders
from tests.long.rpkg_client import Rpkg
from tests.serving import running

FILES, FILE_BYTES, DELAY_SECONDS, TIMES = 20, 1_000_000, 0.1, 3
SPEC = """\
Name: foo
Version: 1.0
Release: 1
Summary: A package
License: MIT
{sources}
%description
A package.
"""


@dataclass(frozen=True, slots=True)
class DownloadTimes:
    """Seconds for all files by each client."""

    files: int
    rdo: float
    rpkg: float


def _late(served: ASGIApp) -> ASGIApp:
    """The same server, farther away."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(DELAY_SECONDS)
        await served(scope, receive, send)

    return answer


def measure(rpkg: Rpkg) -> DownloadTimes:
    """Download with both, each time into a distgit without the files."""
    with tempfile.TemporaryDirectory() as scratch:
        distgit, cache = Path(scratch, "git/rpms/foo"), Path(scratch, "cache")
        entries = _make(distgit, cache)
        served = _late(lookaside(Storage(cache), Uploaders({}, "", frozenset(), False)))
        with running(served) as url:
            site = rpkg.site(url, Path(scratch, "git"))
            config = Path(scratch, "config/rpkg/rpkg.conf")
            config.parent.mkdir(parents=True)
            config.write_text(site.read_text())
            env = {**os.environ, "XDG_CONFIG_HOME": str(Path(scratch, "config"))}
            command = (sys.executable, "-m", "rdo", "pkg", "sources", "--site", "rpkg")

            def ours() -> None:
                subprocess.run(command, cwd=distgit, env=env, check=True, capture_output=True)

            def theirs() -> None:
                said = rpkg.run(distgit, site, "sources")
                assert not said.code, said.text

            found = [_best(act, distgit, entries) for act in (ours, theirs)]
    return DownloadTimes(len(entries), *found)


def _make(distgit: Path, cache: Path) -> list[SourceEntry]:
    """A distgit whose list names files that the cache has."""
    distgit.mkdir(parents=True)
    entries = []
    for number in range(FILES):
        file = distgit / f"foo-{number}.tar.gz"
        file.write_bytes(os.urandom(FILE_BYTES))
        entry = SourceEntry(file.name, HashType.SHA512, HashType.SHA512.of(file))
        place = cache / f"rpms/foo/{file.name}/sha512/{entry.digest}/{file.name}"
        place.parent.mkdir(parents=True)
        file.rename(place)
        entries.append(entry)
    lines = "\n".join(f"Source{at}: {one.name}" for at, one in enumerate(entries))
    (distgit / "foo.spec").write_text(SPEC.format(sources=lines))
    (distgit / "sources").write_text("".join(f"{one}\n" for one in entries))
    who = ("-c", "user.name=Mia", "-c", "user.email=mia@example.org")
    for args in (
        ("init", "-q", "-b", "rhel-9"),
        ("remote", "add", "origin", distgit.as_uri()),
        ("add", "foo.spec", "sources"),
        ("commit", "-q", "-m", "One"),
    ):
        subprocess.run(["git", *who, *args], cwd=distgit, check=True)
    return entries


def _best(act: Callable[[], None], distgit: Path, entries: list[SourceEntry]) -> float:
    seconds = []
    for _ in range(TIMES):
        for entry in entries:
            (distgit / entry.name).unlink(missing_ok=True)
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
        assert all((distgit / one.name).stat().st_size == FILE_BYTES for one in entries)
    return min(seconds)


def main() -> None:
    with contextlib.ExitStack() as stack:
        place = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        found = Rpkg.installed(place) if place else None
        if found is None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            found = Rpkg.install(Path(scratch, "env"))
        sys.stdout.write(json.dumps(asdict(measure(found)), indent=2) + "\n")


if __name__ == "__main__":
    main()
