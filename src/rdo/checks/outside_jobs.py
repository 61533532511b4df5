"""Checks by a command of the operator, such as a test suite or the installation of a cloud.

The job's own folder is empty when it starts; only its log and its test reports are kept.
"""

import fnmatch
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.beneath import Limits, open_beneath
from rdo.checks.findings import CheckAnswer, Defect, no_space
from rdo.checks.junit_reports import MOST_BYTES, JUnitReport, read_reports
from rdo.disk_usage import is_full
from rdo.errors import CommandError, RefusedError
from rdo.log_tail import last_line, read_tail
from rdo.model.program import Bounds, Limit, Logged
from rdo.tools.command import Command
from rdo.tools.walls.processes import end_those_with
from rdo.tools.walls.removal import remove_tree

FOLDER_VARIABLE = "RDO_CHECK_FOLDER"
"""The variable with the folder a job may write to; processes that have it end with the job."""

_MOST_SHOWN = 20
_MOST_REPORTS = 100
_LIMITS = Limits(files=20_000, file_bytes=MOST_BYTES, total_bytes=5 * MOST_BYTES, depth=4)


@dataclass(frozen=True, slots=True)
class OutsideJob:
    """A command that checks a repository, and its limits.

    It fails if its exit status is not 0, or if a test report that matches `junit` (a name with `*`,
    anywhere in the job's folder) contains a failure.
    """

    name: str
    command: tuple[str, ...]
    seconds: float
    junit: str = ""
    log_bytes: int = 50_000_000
    disk_bytes: int = 2_000_000_000

    @property
    def identity(self) -> tuple[str, ...]:
        """A text for everything that makes it this job; answers of another job are not reused."""
        return (*self.command, self.junit)


@dataclass(frozen=True, slots=True)
class CheckedRepository:
    """What a job gets to know about the repository, in variables and as `{url}`, `{path}` ….

    `hash` names the set of builds. With several components there is a line for each in `url` and
    `path`.
    """

    url: str
    path: str
    target: str
    name: str
    hash: str

    @property
    def values(self) -> dict[str, str]:
        """The values of the names in braces that a command's words may contain."""
        keys = ("url", "path", "target", "name", "hash")
        return {key: getattr(self, key) for key in keys}

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the job."""
        return {f"RDO_{key.upper()}": value for key, value in self.values.items()}


def run_job(
    job: OutsideJob,
    repository: CheckedRepository,
    folder: Path,
    log_file: Path,
    *,
    is_cancelled: Callable[[], bool] = bool,
) -> CheckAnswer:
    """Run a job in a new `folder`, remove the folder, and return the job's answer.

    Everything that the job has started is ended with it. Raises NoSpaceError if our disk is full,
    CommandError if the program does not exist; then there is no answer.
    """
    if shutil.which(job.command[0]) is None:
        raise CommandError(
            f"the check {job.name} cannot run: {job.command[0]} does not exist or is not a program",
            hint=f"correct its command in rdo.toml: [targets.NAME.checks.{job.name}]",
        )
    end_those_with(FOLDER_VARIABLE, str(folder))  # processes of a killed job
    remove_tree(folder)
    folder.mkdir(parents=True)
    bounds = Bounds(
        job.seconds, job.log_bytes, is_cancelled, folder=folder, disk_bytes=job.disk_bytes
    )
    environment = {**repository.environment, FOLDER_VARIABLE: str(folder)}
    try:
        done = Command(job.command).log(
            repository.values, log_file=log_file, cwd=folder, env=environment, bounds=bounds
        )
        if done.limit is Limit.NO_SPACE or (done.returncode and is_full(folder)):
            raise no_space(job.name)
        if done.limit is Limit.CANCELLED:
            raise CommandError(f"the check {job.name} was cancelled")
        return _answer(job, done, log_file, _reports(job, folder))
    finally:
        end_those_with(FOLDER_VARIABLE, str(folder))
        remove_tree(folder)


def _reports(job: OutsideJob, folder: Path) -> Mapping[str, JUnitReport]:
    """Return the content of the job's test reports, by their names."""
    if not job.junit:
        return {}
    pattern = re.compile(fnmatch.translate(job.junit))
    with open_beneath(folder) as opened:
        try:
            names = opened.files(".", re.compile(r".*"), _LIMITS)
            names = [
                name for name in (one.removeprefix("./") for one in names) if pattern.match(name)
            ]
            found = {name: opened.read(name, limit=MOST_BYTES) for name in names}
        except (RefusedError, FileNotFoundError) as error:
            return {job.junit: JUnitReport(fault=str(error).replace(" in a root", ""))}
    if not found:
        return {job.junit: JUnitReport(fault="the job has left no such file")}
    return dict(zip(found, read_reports(list(found.values())), strict=True))


def _answer(
    job: OutsideJob, done: Logged, log_file: Path, reports: Mapping[str, JUnitReport]
) -> CheckAnswer:
    program = Path(job.command[0]).name
    findings = []
    if done.limit:
        findings.append(Defect(job.name, program, f"{job.name} {_limit(job, done.limit)}"))
    elif done.returncode:
        tail = last_line(read_tail(log_file))
        what = f"{job.name} ended with exit status {done.returncode}: {tail}"
        findings.append(Defect(job.name, program, what))
    for name, report in reports.items():
        findings += _failures(job, name, report)
    cases = sum(one.cases for one in reports.values())
    said = f"{cases} cases" if reports else ""
    return CheckAnswer(job.name, tuple(findings), done.seconds, said=said)


def _limit(job: OutsideJob, limit: Limit) -> str:
    match limit:
        case Limit.TIME:
            return f"did not end within {job.seconds / 60:g} minutes"
        case Limit.OUTPUT:
            return f"printed more than {job.log_bytes // 1_000_000} MB"
        case _:
            return f"wrote more than {job.disk_bytes // 1_000_000} MB to its folder"


def _failures(job: OutsideJob, name: str, report: JUnitReport) -> list[Defect]:
    program = Path(job.command[0]).name
    if report.fault:
        return [Defect(job.name, program, f"the report {name}: {report.fault}")]
    found = [
        Defect(
            job.name,
            program,
            f"{one.name} failed" + (f": {one.message}" if one.message else ""),
            tuple(one.text.strip().splitlines()[:10]),
        )
        for one in report.failures[:_MOST_SHOWN]
    ]
    if report.failed > len(found):
        found.append(Defect(job.name, program, f"and {report.failed - len(found)} more cases"))
    return found
