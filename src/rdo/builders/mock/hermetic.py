"""Repeat a build in mock without network, in a chroot with exactly the packages of its lock."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.builders.mock.builder import MockBuilder, MockPlan
from rdo.errors import CommandError, NotFoundError, RefusedError
from rdo.model.build import BuildJob
from rdo.model.program import Logged
from rdo.tools.rpm.buildroot_lock import NAME, BuildrootLock
from rdo.tools.rpm.mock import Mock, MockRun

_AGAIN = "rdo trunk recheck builds its commit again"
_LOG = "hermetic-repo.log"


@dataclass(frozen=True, slots=True)
class LockedBuild:
    """The files needed to repeat a build in mock: its source RPM and its chroot's lock."""

    srpm: Path
    file: Path
    lock: BuildrootLock

    @classmethod
    def find(cls, mock: Mock, folder: Path, trees: Mapping[str, Path]) -> "LockedBuild":
        """Return the files that a build has left in its folder; `trees` as in `BuildrootLock`.

        Raises RefusedError if this version of mock cannot repeat it, NotFoundError if a file is
        missing.
        """
        program = mock.find()
        if not mock.can_repeat():
            raise RefusedError(
                f"{program} {mock.version()} cannot make a build again: mock can since 5.7",
                hint=f"install a newer mock; then {_AGAIN}",
            )
        file = folder / NAME
        if not file.is_file():
            raise NotFoundError(
                f"build {folder.name} has no {NAME}: its chroot was never complete, or mock was"
                " older than 5.7",
                hint=_AGAIN,
            )
        lock = BuildrootLock.read(file, trees)
        if not lock.has_image:
            raise RefusedError(
                f"build {folder.name} cannot be made again: its chroot did not begin with a"
                " bootstrap image, which mock needs for that",
                hint=f"set `bootstrap-image` of the builder, and have podman; then {_AGAIN}",
            )
        srpms = sorted(folder.glob("*.src.rpm"))
        if not srpms:
            raise NotFoundError(f"the source RPM of build {folder.name} is gone", hint=_AGAIN)
        return cls(srpms[0], file, lock)

    def give_srpm(self, job: BuildJob, _is_cancelled: Callable[[], bool]) -> Path:
        """Copy the source RPM to the folder of a job."""
        return Path(shutil.copy(self.srpm, job.folder))


class HermeticBuilder(MockBuilder):
    """Repeats one build of mock."""

    def __init__(self, mock: Mock, plan: MockPlan, kept: LockedBuild) -> None:
        super().__init__(mock, plan, kept.give_srpm)
        self._kept = kept

    def _run(self, job: BuildJob, build: MockRun) -> Logged:
        """Prepare a repository in the slot, and build with nothing else."""
        lock = self._kept.lock
        with tempfile.TemporaryDirectory(dir=build.results.parent) as place:
            repository = Path(place, "repository")
            repository.mkdir()
            lock.copy_local(repository)
            lock.write_remote(Path(place, "remote.json"))
            if fault := self._mock.prepare_repository(
                Path(place, "remote.json"),
                repository,
                log_file=job.folder / _LOG,
                bounds=build.bounds,
            ):
                raise CommandError(fault)
            lock.check(repository)
            Path(place).chmod(0o755)  # mock's user reads both
            given = Path(shutil.copy(self._kept.file, place))
            given.chmod(0o644)
            return self._mock.rebuild_from(build, given, repository)
