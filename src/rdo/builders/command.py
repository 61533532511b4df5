"""The command builder: a program of the operator builds, and leaves RPMs and logs in a folder.

The program may be anything, such as the client of a build farm. The SRPM is made only for a command
that contains `{srpm}`. An attached command ends with our process; a detached one outlives it.
"""

import shutil
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from rdo.builders.command_results import OUTPUT, RESULTS, name_the_log, read_outcome
from rdo.builders.failure import outcome_of
from rdo.builders.in_process import UNKNOWN, InProcessBuilder
from rdo.builders.protocol import FOLDER_VARIABLE, Ticket
from rdo.disk_usage import is_full
from rdo.errors import CommandError, UserError, is_of_the_machine
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.program import Bounds
from rdo.tools.command import Command
from rdo.tools.detached import Detached
from rdo.tools.walls.id_range import user_name
from rdo.tools.walls.removal import remove_tree

PLACE = "detached"
"""The subfolder of a build's folder with the state of its detached command."""

MakeSource: TypeAlias = Callable[[BuildJob, Callable[[], bool]], Path | Failed | Waiting | None]


class CommandBuilder(InProcessBuilder):
    """Runs the command for each build.

    `make_source` is called first: it makes the SRPM if the command wants one, and records the names
    of the RPMs in the spec.
    """

    name = "command"

    def __init__(
        self, command: Command, bounds: Bounds, make_source: MakeSource | None = None
    ) -> None:
        super().__init__()
        self._command = command
        self._bounds = bounds
        self._make_source = make_source

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        results, srpm = _make_ready(job, self._make_source, is_cancelled)
        if isinstance(srpm, Failed | Waiting):
            return srpm
        done = self._command.log(
            _values(job, results, srpm),
            log_file=job.folder / OUTPUT,
            cwd=job.folder,
            env=_environment(job, results),
            bounds=replace(self._bounds, is_cancelled=is_cancelled, folder=results),
        )
        program, was_full = self._command.words[0], is_full(job.folder)
        return read_outcome(job.folder, done, program=program, was_full=was_full)

    def examine(self) -> tuple[str, ...]:
        return (_examined(self._command.words[0]),)


class DetachedCommandBuilder:
    """Starts the command of each build so that it outlives our process.

    The SRPM is made here before that: if rdo is killed meanwhile, the build counts as never
    started. The ticket is the build's folder, in which `Detached` finds the command again.
    """

    def __init__(
        self, command: Command, bounds: Bounds, make_source: MakeSource | None = None
    ) -> None:
        self._program = command.words[0]
        self._starter = _Starter(command, bounds, make_source)

    def start(self, job: BuildJob) -> Ticket:
        return self._starter.start(job)

    def find(self, build_id: int, folder: Path) -> Ticket | None:  # noqa: ARG002 - the protocol's
        return _ticket(folder) if _detached(folder).was_started() else None

    def poll(self, tickets: Collection[Ticket]) -> dict[Ticket, Outcome]:
        return {ticket: found for ticket in tickets if (found := self._ended(ticket))}

    def cancel(self, ticket: Ticket) -> None:
        # The order matters: either the starter sees the cancel in time, or a program runs that can
        # be stopped.
        self._starter.cancel(ticket)
        if folder := _folder(ticket):
            _detached(folder).stop()

    def leave(self, ticket: Ticket) -> bool:
        if not self._starter.is_starting(ticket):
            return True
        folder = _folder(ticket)
        if folder and _detached(folder).was_started():  # the starter has not heard of it yet
            return True
        self.cancel(ticket)
        return False

    def notify(self, event: threading.Event) -> None:
        self._starter.notify(event)

    def examine(self) -> tuple[str, ...]:
        return (_examined(self._program),)

    def _ended(self, ticket: Ticket) -> Outcome | None:
        """Return how a build ended; bad results, which are not trusted, fail only this build."""
        folder = _folder(ticket)
        try:
            return self._outcome(ticket)
        except Exception as error:
            if folder is None or is_of_the_machine(error) or isinstance(error, UserError):
                raise
            return outcome_of(error, folder)

    def _outcome(self, ticket: Ticket) -> Outcome | None:
        if self._starter.has(ticket):
            started = self._starter.poll([ticket]).get(ticket)
            if not isinstance(started, Built):
                return started
        if not (folder := _folder(ticket)):
            return UNKNOWN  # the ticket is another builder's, which the target used before
        ended = _detached(folder).ended()
        if ended is None:
            return None
        if ended.done is None:
            reason = FailureReason.NO_SPACE if ended.was_full else FailureReason.INTERRUPTED
            return Failed(reason, f"no end of the command was seen: {ended.why}")
        return read_outcome(folder, ended.done, program=self._program, was_full=ended.was_full)


class _Starter(InProcessBuilder):
    """Prepares builds and starts their commands; its outcome Built, without RPMs, means started."""

    name = PLACE

    def __init__(self, command: Command, bounds: Bounds, make_source: MakeSource | None) -> None:
        super().__init__()
        self._command = command
        self._bounds = bounds
        self._make_source = make_source

    def has(self, ticket: Ticket) -> bool:
        """Whether this process started the build."""
        return ticket in self._started

    def is_starting(self, ticket: Ticket) -> bool:
        """Whether the command of a build has not been started yet."""
        return ticket in self._started and self._started[ticket].outcome is None

    def _ticket(self, job: BuildJob) -> Ticket:
        return _ticket(job.folder)

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        results, srpm = _make_ready(job, self._make_source, is_cancelled)
        if isinstance(srpm, Failed | Waiting):
            return srpm
        try:
            self._command.detach(
                _values(job, results, srpm),
                job.folder / PLACE,
                log_file=job.folder / OUTPUT,
                cwd=job.folder,
                env=_environment(job, results),
                bounds=replace(self._bounds, folder=results),
            )
        except BaseException:
            detached = _detached(job.folder)
            if detached.was_started():  # if not, it will never start
                detached.stop()
            raise
        return Built(())


def _examined(program: str) -> str:
    """Return which user the program runs as; raises CommandError if it does not exist."""
    if not (found := shutil.which(program)):
        raise CommandError(f"{program} is not installed", hint="set command to a program's path")
    return f"runs {found} as {user_name()}, outside any root"


def _ticket(folder: Path) -> Ticket:
    return Ticket(f"{PLACE}:{folder.absolute()}")


def _folder(ticket: Ticket) -> Path | None:
    """Return the folder of the build that a ticket of this builder names."""
    prefix, _, folder = ticket.partition(":")
    return Path(folder) if prefix == PLACE else None


def _detached(folder: Path) -> Detached:
    return Detached(folder / PLACE)


def _make_ready(
    job: BuildJob, make_source: MakeSource | None, is_cancelled: Callable[[], bool]
) -> tuple[Path, Path | Failed | Waiting | None]:
    """Make the folder for the command's results, and the SRPM if there is a `make_source`."""
    remove_tree(job.folder)  # leftovers of an interrupted try
    results = job.folder / RESULTS
    results.mkdir(parents=True)
    if make_source is None:
        return results, None
    srpm = make_source(job, is_cancelled)
    if isinstance(srpm, Failed | Waiting):
        name_the_log(job.folder, "source.log")
    return results, srpm


def _values(job: BuildJob, results: Path, srpm: Path | None) -> dict[str, str]:
    """Return the values of the placeholders in the command's words."""
    return {
        "srpm": str(srpm.absolute()) if srpm else "",
        "resultdir": str(results.absolute()),
        "package": job.commit.package,
    }


def _environment(job: BuildJob, results: Path) -> dict[str, str]:
    """Return the environment variables that the command gets."""
    return {
        FOLDER_VARIABLE: str(results.absolute()),
        "RDO_PACKAGE": job.commit.package,
        "RDO_UPSTREAM_HASH": job.commit.upstream_hash,
        "RDO_DISTGIT_HASH": job.commit.distgit_hash,
        "RDO_RELEASE": str(job.release),
        "RDO_BOOTSTRAP": "1" if job.bootstrap else "",
        "RDO_REPOSITORIES": " ".join(str(path.absolute()) for path in job.repositories),
    }
