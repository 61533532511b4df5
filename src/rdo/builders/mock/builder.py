"""The builder `mock`: makes the SRPM in a root of ours, and the RPMs in a chroot of mock."""

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import lock
from rdo.beneath import Limits, open_beneath
from rdo.builders.command import MakeSource
from rdo.builders.command_results import collect, name_the_log
from rdo.builders.in_process import InProcessBuilder
from rdo.builders.mock.verdict import (
    LOG,
    NO_DATABASE,
    failure,
    has_no_database,
    said_in,
    trap_in,
)
from rdo.builders.protocol import FOLDER_VARIABLE
from rdo.builders.rooms.srpm import dates, macros
from rdo.builders.sources.spec_rpms import strangers_elsewhere
from rdo.disk_usage import is_full
from rdo.errors import RefusedError
from rdo.log_tail import read_tail
from rdo.model.build import INSTALLED, BuildJob, Built, Failed, FailureReason, Outcome
from rdo.model.program import Bounds, Logged
from rdo.model.repo_file import DEPENDENCIES, LAST_RESORT, OWN
from rdo.store.work.recipe import Recipe
from rdo.tools.rpm import buildroot_lock
from rdo.tools.rpm.mock import Mock, MockRepository, MockRun, user_id
from rdo.tools.walls.id_range import user_name
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

_LIST_BYTES = 10_000_000
_LOCK_NAME = re.compile(re.escape(buildroot_lock.NAME))
_LOCK_LIMITS = Limits(file_bytes=50_000_000, depth=0)


@dataclass(frozen=True, slots=True)
class MockPlan:
    """The folder for chroots, the repositories, and the limits of a build.

    `slots` is a folder that mock's user can enter. Each build has a slot there, with a chroot of
    its own. `dependencies` returns the current dependency repository, `neighbours` the repositories
    of other targets with their priorities. Builds for a `platform` write a recipe; builds of a
    source RPM that belongs to no target do not.
    """

    slots: Path
    bounds: Bounds
    dependencies: Callable[[], Path | None]
    neighbours: Callable[[], Sequence[tuple[Path, int]]] = tuple
    platform: str = ""


class MockBuilder(InProcessBuilder):
    """Builds in chroots of mock on this machine; a build ends with our process."""

    name = "mock"

    def __init__(self, mock: Mock, plan: MockPlan, make_source: MakeSource) -> None:
        super().__init__()
        self._mock = mock
        self._plan = plan
        self._make_source = make_source

    def examine(self) -> tuple[str, ...]:
        """Return mock's version and user; raises RefusedError if mock cannot be used."""
        mock = self._mock
        found = mock.find()
        self._check_user()
        if fault := mock.fault():
            raise RefusedError(f"{found} cannot be used: {trap_in(fault) or said_in(fault)}")
        who = mock.user or os.environ.get("SUDO_USER", "") or user_name()
        return (
            f"runs {found} {mock.version()} as {who}, isolation {mock.isolation}",
            f"chroots are made as {mock.config} says",
        )

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        remove_tree(job.folder)  # leftovers of an interrupted try
        job.folder.mkdir(parents=True)
        if platform := self._plan.platform:
            Recipe(job, platform, "", None).write(job.folder)
        srpm = self._make_source(job, is_cancelled)
        if not isinstance(srpm, Path):
            name_the_log(job.folder, "source.log")
            return srpm or Failed(FailureReason.BUILDER, "there is no SRPM for mock")
        self._check_user()
        with self._slot() as slot:
            return self._rebuild(job, srpm, slot, is_cancelled)

    def _rebuild(
        self, job: BuildJob, srpm: Path, slot: Path, is_cancelled: Callable[[], bool]
    ) -> Outcome:
        """Build in the chroot of a slot, and move the results to the job's folder."""
        results = self._empty(slot)
        given = Path(shutil.copy(srpm, slot))
        given.chmod(0o644)
        plan = self._plan
        bounds = Bounds(
            plan.bounds.seconds,
            plan.bounds.log_bytes,
            is_cancelled,
            results,
            plan.bounds.disk_bytes,
        )
        build = MockRun(
            given,
            results,
            slot.name,
            dates(job),
            not job.skip_tests,
            job.folder / LOG,
            {FOLDER_VARIABLE: f"{job.folder.absolute()}/"},
            bounds,
        )
        done = self._run(job, build)
        was_full = bool(done.returncode) and is_full(slot)
        rpms = _take(results, job.folder)
        name_the_log(job.folder, LOG)
        if was_full:
            return Failed(FailureReason.NO_SPACE, f"the disk of {slot} was full when it failed")
        if done.returncode or done.limit:
            return failure(job.folder, done)
        if has_no_database(job.folder):
            log.warning(NO_DATABASE)
        if all(path.name.endswith(".src.rpm") for path in rpms):
            return Failed(FailureReason.UNKNOWN, "mock succeeded but left no RPMs")
        return strangers_elsewhere(rpms, job.folder) or Built(tuple(rpms))

    def _run(self, job: BuildJob, build: MockRun) -> Logged:
        return self._mock.rebuild(build, self._repositories(job), macros(job))

    def _repositories(self, job: BuildJob) -> list[MockRepository]:
        found = [MockRepository(path.absolute(), OWN) for path in job.repositories]
        if folder := self._plan.dependencies():
            found.append(MockRepository(folder.absolute(), DEPENDENCIES))
        found += [MockRepository(path.absolute(), at) for path, at in self._plan.neighbours()]
        found += [MockRepository(path.absolute(), LAST_RESORT) for path in job.last_resort]
        return [one for one in found if (one.folder / "repodata").is_dir()]

    @contextlib.contextmanager
    def _slot(self) -> Iterator[Path]:
        """Reserve a slot that no other build uses, in this process or another.

        The chroot of a killed build is emptied by mock when its slot is used again.
        """
        number = 0
        while True:
            number += 1
            slot = self._plan.slots / f"slot-{number}"
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(lock.hold(slot / "lock", purpose="a build in mock"))
                except RefusedError:
                    continue
                yield slot
                return

    def _empty(self, slot: Path) -> Path:
        """Remove what an earlier build left in a slot; return the folder for results."""
        for path in slot.iterdir():
            if path.name != "lock":
                remove_tree(path)
        slot.chmod(0o711)
        results = slot / "results"
        results.mkdir()
        if self._mock.user and os.geteuid() == 0:
            os.chown(results, user_id(self._mock.user), -1)
        return results

    def _check_user(self) -> None:
        """Raise RefusedError if mock has no user to become, or that user cannot reach the slots."""
        if os.geteuid():
            return
        if not self._mock.user:
            raise RefusedError(
                "mock needs an ordinary user, and rdo runs as root",
                hint="set `user` in the builder's section to an ordinary user of the group mock",
            )
        user_id(self._mock.user)
        self._plan.slots.mkdir(parents=True, exist_ok=True)
        self._plan.slots.chmod(0o711)
        closed = [one for one in self._plan.slots.parents if not one.stat().st_mode & 0o001]
        if closed:
            raise RefusedError(
                f"mock's user {self._mock.user} cannot get through {closed[0]}",
                hint=f"chmod o+x {closed[0]}, or set `folder` to one that it can reach",
            )


def _take(results: Path, folder: Path) -> list[Path]:
    """Take mock's list of packages, all logs, and the RPMs, which are returned.

    The list of installed packages is rewritten in the format of other builders: NEVRAs, without
    time and size.
    """
    with open_beneath(results) as beneath:
        beneath.take(".", _LOCK_NAME, folder, _LOCK_LIMITS)
    rpms = collect(results, folder)
    remove_tree(results)
    if (installed := folder / INSTALLED).is_file():
        rows = (line.split(maxsplit=1) for line in read_tail(installed, _LIST_BYTES).splitlines())
        names = sorted(words[0] for words in rows if words)
        installed.write_text("".join(f"{name}\n" for name in names))
    return rpms
