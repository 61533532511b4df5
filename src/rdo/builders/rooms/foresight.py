"""Predict what builds will require, before the first of them starts.

If a package was never built, its requirements appear only during the build, one after another. So
all packages are read first: rpm reads the spec, and after %prep the files of the source declare
requirements. This is a prediction; the build itself still requests what it really needs.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path

from rdo import log_context
from rdo.builders.protocol import Foreseen
from rdo.builders.rooms.backend import read_answer
from rdo.builders.rooms.room import Room
from rdo.builders.rooms.rpmbuild import WITHOUT_TESTS, unsaid
from rdo.builders.rooms.srpm import macros
from rdo.builders.rooms.workshop import Workshop
from rdo.builders.sources.source import DistgitFiles, export_distgit
from rdo.cancellation import AT_ONCE
from rdo.dlrn.spec import transform
from rdo.dlrn.versions import FALLBACK_VERSION, Numbers
from rdo.errors import CancelledError, CommandError, RefusedError
from rdo.log_tail import last_line
from rdo.model.build import BuildJob, Failed
from rdo.roots.build_root import build_root
from rdo.roots.door import Inside
from rdo.roots.programs import RootProgram
from rdo.solver import Missing, SolverRepository, solve
from rdo.tools.git.mirror import Mirror

log = logging.getLogger(__name__)

SECONDS = 120
"""How long reading one package may take."""

"""How many roots are used to read packages at the same time."""

_ARCHIVE = "source.tar.gz"
_DECLARES = {"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "PKG-INFO"}
_VERSION = re.compile(r"^Version\s*:\s*([0-9][0-9.]*)\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RootForesight:
    """Reads packages in a root of this machine, without network, as builds run."""

    workshop: Workshop

    def read(
        self, jobs: Sequence[BuildJob], is_cancelled: Callable[[], bool]
    ) -> Mapping[int, Foreseen]:
        """Return what the builds will require, by their ids; unreadable ones are left out."""
        shares = [jobs[number::AT_ONCE] for number in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="foresight") as pool:
            begun = [
                pool.submit(copy_context().run, self._read_share, share, is_cancelled)
                for share in shares
                if share
            ]
        return {number: one for done in begun for number, one in done.result().items()}

    def _read_share(
        self, jobs: Sequence[BuildJob], is_cancelled: Callable[[], bool]
    ) -> dict[int, Foreseen]:
        """Read packages one after another in one root."""
        shop = replace(self.workshop, seconds=SECONDS)
        found: dict[int, Foreseen] = {}
        with build_root(shop.base, shop.content, shop.roots) as root:
            log_file = root.folder("foresight") / "log"
            room = shop.room(root, shop.repositories(), log_file, is_cancelled)
            if room.require(["python3dist(packaging)"]):
                return {}
            for number, job in enumerate(jobs):
                with log_context.about(job.commit):
                    try:
                        found[job.id] = _read(room, job, number)
                    except CancelledError:
                        raise
                    except (CommandError, RefusedError, OSError, UnicodeError) as error:
                        log.debug("its requirements are not known in advance: %s", error)
        return found

    def lacking(self, needs: Iterable[str], own: Sequence[Path]) -> tuple[str, ...]:
        """Return the requirements, direct or of their providers, that nothing meets now."""
        repositories: tuple[SolverRepository, ...] = self.workshop.repositories(own)
        answer = solve(needs, repositories, arch=self.workshop.base.platform.arch)
        return answer.needs if isinstance(answer, Missing) else ()


def _read(room: Room, job: BuildJob, number: int) -> Foreseen:
    """Read one package in the shared root, in a folder of its own."""
    given = room.root.folder(f"job-{number}")
    (given / "SPECS").mkdir()
    distgit = export_distgit(job, given / "SOURCES")
    if isinstance(distgit, Failed):
        raise RefusedError(distgit.detail)
    text = _numbered(distgit, job)
    (given / "SPECS" / distgit.spec).write_text(text)
    (given / "source.json").write_text(json.dumps(_source(job)))
    topdir = f"/builddir/{number}"
    room.root.give(given, Inside(topdir))
    defines = [*macros(job), *(WITHOUT_TESTS if job.skip_tests else ())]
    options = [f"--define={define}" for define in defines]
    command = RootProgram.FORETELL.command_on(room.root.base.platform)
    done = room.log(*command, *options, f"--archive={_ARCHIVE}", topdir)
    if done.limit or done.returncode:
        raise RefusedError(f"the spec and its source cannot be read: {last_line(room.tail())}")
    answer = read_answer(room)
    if isinstance(answer, Failed):
        raise RefusedError(answer.detail)
    implied = unsaid(text, room.root.base.platform)
    build = (*_texts(answer.get("build")), *implied)
    return Foreseen(build, _texts(answer.get("use")), _texts(answer.get("offer")))


def _numbered(distgit: DistgitFiles, job: BuildJob) -> str:
    text = distgit.text.decode()
    version = match[1] if (match := _VERSION.search(text)) else FALLBACK_VERSION
    numbers = Numbers(version, version, str(job.release))
    return transform(text, numbers, _ARCHIVE, keep_changelog=False)


def _source(job: BuildJob) -> dict[str, object]:
    """Return the names of the upstream's files, and the text of those that declare requirements."""
    mirror, commit = Mirror(job.upstream), job.commit.upstream_hash
    names = mirror.file_names(commit)
    texts = mirror.read_files(commit, [name for name in names if _declares(name)])
    return {"names": names, "texts": texts}


def _declares(name: str) -> bool:
    """Whether a file of the upstream may declare requirements."""
    base = name.rpartition("/")[2]
    return name in _DECLARES or ("require" in base and base.endswith((".txt", ".in")))


def _texts(values: object) -> tuple[str, ...]:
    return tuple(str(one) for one in values) if isinstance(values, list) else ()
