"""The command builder: a program of the operator's builds, and leaves RPMs and logs in a folder.

It may be anything that knows a build farm. What it says goes to `rpmbuild.log` unless it leaves
a log of that name itself. The SRPM is only made for a command that asks for `{srpm}`.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from rdo.builders.collect import move_files
from rdo.builders.in_process import InProcessBuilder
from rdo.builders.log_tables import missing_requirements, network_fault
from rdo.builders.protocol import FOLDER_VARIABLE
from rdo.builders.room import NO_SPACE, limit_failure
from rdo.builders.verdict import rpmbuild_failure
from rdo.disk_usage import is_full
from rdo.errors import CommandError
from rdo.log_tail import last_line, read_tail
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.program import Bounds, Logged
from rdo.tools.command import Command

_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h: the farm is away, try again
_LOG, _OUTPUT = "rpmbuild.log", "command.log"
_LOG_NAMES = (_LOG, "build.log", "mock.log")
_TAIL_BYTES = 200_000
_SILENT = "it printed nothing and left no log"

MakeSource: TypeAlias = Callable[[BuildJob, Callable[[], bool]], Path | Failed | Waiting]


class CommandBuilder(InProcessBuilder):
    """Runs the command for each build; `make_source` gives the SRPM if the command wants one."""

    name = "command"

    def __init__(
        self, command: Command, bounds: Bounds, make_source: MakeSource | None = None
    ) -> None:
        super().__init__()
        self._command = command
        self._bounds = bounds
        self._make_source = make_source

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        shutil.rmtree(job.folder, ignore_errors=True)  # of an earlier, interrupted try
        results = job.folder / "results"
        results.mkdir(parents=True)
        srpm: Path | None = None
        if self._make_source:
            made = self._make_source(job, is_cancelled)
            if isinstance(made, Failed | Waiting):
                _name_the_log(job.folder, "source.log")
                return made
            srpm = made
        done = self._run(job, results, srpm, is_cancelled)
        was_full = is_full(job.folder)
        moved = move_files(results.rglob("*"), job.folder)
        rpms = [path for path in moved if path.suffix == ".rpm"]
        _name_the_log(job.folder, _OUTPUT)
        shutil.rmtree(results)
        if failed := limit_failure(done):
            return failed
        if done.returncode and was_full:
            return Failed(FailureReason.NO_SPACE, NO_SPACE)
        if done.returncode:
            return _failure(job.folder, done.returncode)
        if not any(not rpm.name.endswith(".src.rpm") for rpm in rpms):
            return Failed(FailureReason.UNKNOWN, "the command ended well and left no RPMs")
        if srpm and not any(rpm.name.endswith(".src.rpm") for rpm in rpms):
            rpms.append(srpm)
        return Built(tuple(sorted(rpms)))

    def _run(
        self, job: BuildJob, results: Path, srpm: Path | None, is_cancelled: Callable[[], bool]
    ) -> Logged:
        values = {
            "srpm": str(srpm.absolute()) if srpm else "",
            "resultdir": str(results.absolute()),
            "package": job.commit.package,
        }
        log_file = job.folder / _OUTPUT
        bounds = Bounds(
            self._bounds.seconds,
            self._bounds.log_bytes,
            is_cancelled,
            folder=results,
            disk_bytes=self._bounds.disk_bytes,
        )
        done = self._command.log(
            values, log_file=log_file, cwd=job.folder, env=_environment(job, results), bounds=bounds
        )
        if done.returncode == 127 and "setpriv: failed to execute" in _tail(log_file):
            raise CommandError(f"{self._command.words[0]} is not installed")
        return done


def _environment(job: BuildJob, results: Path) -> dict[str, str]:
    """What the command may want to know besides the words that it is given."""
    return {
        FOLDER_VARIABLE: str(results.absolute()),
        "RDO_PACKAGE": job.commit.package,
        "RDO_UPSTREAM_HASH": job.commit.upstream_hash,
        "RDO_DISTGIT_HASH": job.commit.distgit_hash,
        "RDO_RELEASE": str(job.release),
        "RDO_BOOTSTRAP": "1" if job.bootstrap else "",
        "RDO_REPOSITORIES": " ".join(str(path.absolute()) for path in job.repositories),
    }


def _name_the_log(folder: Path, otherwise: str) -> None:
    """Have an `rpmbuild.log`: the farm's own, else what its other logs or its output say."""
    if (folder / _LOG).exists():
        return
    found = [folder / name for name in (*_LOG_NAMES, otherwise) if (folder / name).is_file()]
    if found:
        shutil.copyfile(found[0], folder / _LOG)


def _failure(folder: Path, status: int) -> Failed | Waiting:
    """What the logs say of a command that failed; its exit status first."""
    if status == _TEMPORARY:
        said = last_line(_tail(folder / _OUTPUT), _SILENT)
        return Failed(FailureReason.BUILDER, f"away for now: {said}")
    names = ("root.log", *_LOG_NAMES, _OUTPUT)
    logs = [_tail(folder / name) for name in dict.fromkeys(names) if (folder / name).is_file()]
    text = "\n".join(logs)
    if fault := network_fault(text):
        return Failed(FailureReason.NETWORK, fault)
    if needs := missing_requirements(text):
        return Waiting(needs)
    verdict = rpmbuild_failure(_tail(folder / _LOG))
    if verdict.reason is not FailureReason.UNKNOWN:
        return verdict
    detail = f"exit status {status}: {last_line(_tail(folder / _LOG), _SILENT)}"
    return Failed(FailureReason.UNKNOWN, detail)


def _tail(path: Path) -> str:
    return read_tail(path, _TAIL_BYTES)
