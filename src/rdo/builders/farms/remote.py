"""Builds at a farm: the SRPM is made here, everything else there; builds outlive our process.

The build's folder contains a record. It gets a key before the farm is called, and the farm's number
of the build afterwards. A later process finds the build by the number, or asks the farm for the
key. So if we are killed between the call and writing the number, nothing is built twice.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from rdo.atomic import write_file
from rdo.builders.command import MakeSource
from rdo.builders.command_results import RESULTS, name_the_log, said_by_logs, take_results
from rdo.builders.farms.farm import Farm, FarmBuild, FarmState
from rdo.builders.in_process import CANCELLED, UNKNOWN, InProcessBuilder
from rdo.builders.protocol import Ticket
from rdo.builders.sources.spec_rpms import strangers_elsewhere
from rdo.errors import OutsideError, RefusedError, UserError
from rdo.logs.reader import one_line
from rdo.model.build import BUILD_LOG, BuildJob, Built, Failed, FailureReason, Outcome, Waiting
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

RECORD = "farm.json"
_CANCEL_SECONDS = 120
_SURELY_LOST = 3
_IN_FLIGHT_SECONDS = 10
_REMIND_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of requests to a farm: seconds between two polls, and the limits of one build.

    `build_seconds` limits the time that the farm builds, not the time that the build waits there.
    `submit_seconds` is how long it may take until the farm accepts a build.
    """

    poll_seconds: float = 10
    submit_seconds: float = 6 * 3600
    build_seconds: float = 3600
    log_bytes: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """The record of a submitted build; `number` is empty until the farm has answered."""

    key: str
    asked: float
    number: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Record | None":
        """Return the record in a folder; None if nothing was submitted from it."""
        try:
            found = json.loads((folder / RECORD).read_text())
        except FileNotFoundError:
            return None
        return cls(found["key"], found["asked"], found["number"])

    def write(self, folder: Path) -> None:
        """Write the record, replacing an earlier one."""
        values = {"key": self.key, "asked": self.asked, "number": self.number}
        write_file(folder / RECORD, json.dumps(values))


@dataclass(slots=True)
class _Control:
    """What callers have asked of a build that has a thread: to cancel it, or to leave it."""

    is_cancelled: Callable[[], bool] = bool
    is_wanted: threading.Event = field(default_factory=threading.Event)
    is_left: threading.Event = field(default_factory=threading.Event)

    def is_over(self) -> bool:
        """Whether no caller waits for the build any more, even if it goes on at the farm."""
        return self.is_left.is_set() or not threading.main_thread().is_alive()

    def rest(self, seconds: float) -> None:
        """Sleep, but not beyond a cancel or a leave."""
        self.is_wanted.wait(seconds)


class RemoteBuilder(InProcessBuilder):
    """Builds at one farm. The ticket is the build's folder, with the farm's name before it."""

    is_daemon = True  # a slow farm does not delay our end: the record has everything

    def __init__(self, farm: Farm, make_source: MakeSource, pace: Pace | None = None) -> None:
        super().__init__()
        self.name = farm.name
        self._farm = farm
        self._make_source = make_source
        self._pace = pace or Pace()
        self._controls: dict[Ticket, _Control] = {}
        self._away = _Away(farm)

    @property
    def is_farm_away(self) -> bool:
        """Whether the farm did not answer when it was last asked."""
        return self._away.is_noted

    def examine(self) -> tuple[str, ...]:
        return tuple(self._farm.examine())

    def page(self, number: str) -> str:
        """Return the URL of a build's page, by the farm's number of the build."""
        return self._farm.page(number)

    def find(self, build_id: int, folder: Path) -> Ticket | None:  # noqa: ARG002 - the protocol's
        if not (record := Record.read(folder)):
            return None
        if not record.number:
            while not (number := self._farm.search(record.key, record.asked)):
                if time.time() - record.asked > _IN_FLIGHT_SECONDS:
                    (folder / RECORD).unlink()
                    return None
                time.sleep(1)  # the request of a process killed just now may still be on its way
            replace(record, number=number).write(folder)
        return self._ticket_of(folder)

    def poll(self, tickets: Collection[Ticket]) -> dict[Ticket, Outcome]:
        for ticket in tickets:
            folder = self._folder(ticket)
            if ticket not in self._started and folder and Record.read(folder):
                self._launch(ticket, folder, partial(self._take_up, folder, self._control(ticket)))
        return super().poll(tickets)

    def cancel(self, ticket: Ticket) -> None:
        super().cancel(ticket)
        self._control(ticket).is_wanted.set()

    def leave(self, ticket: Ticket) -> bool:
        folder = self._folder(ticket)
        if folder is None or Record.read(folder) is None:
            self.cancel(ticket)
            return False
        control = self._control(ticket)
        control.is_left.set()
        control.is_wanted.set()
        return True

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        remove_tree(job.folder)  # leftovers of an interrupted try
        job.folder.mkdir(parents=True)
        control = self._control(self._ticket(job))
        control.is_cancelled = is_cancelled
        srpm = self._make_source(job, is_cancelled)
        if isinstance(srpm, Failed | Waiting):
            name_the_log(job.folder, "source.log")
            return srpm
        submitted = self._submit(job, srpm, control)
        if isinstance(submitted, Record):
            return self._watch(job.folder, submitted, control)
        return submitted

    def _take_up(
        self, folder: Path, control: _Control, is_cancelled: Callable[[], bool]
    ) -> Outcome:
        """Wait for a build that another process has submitted."""
        control.is_cancelled = is_cancelled
        record = Record.read(folder)
        while record and not record.number:
            if control.is_over():
                return UNKNOWN
            try:
                found = self.find(0, folder)
            except OutsideError as error:
                self._away.note(error)
                control.rest(self._pace.poll_seconds)
                continue
            record = Record.read(folder) if found else None
        return self._watch(folder, record, control) if record else UNKNOWN

    def _submit(self, job: BuildJob, srpm: Path | None, control: _Control) -> Record | Outcome:
        """Submit a build, waiting while the farm is away or lacks what the build needs."""
        last = time.monotonic() + self._pace.submit_seconds
        record, was_asked, lack = Record(uuid.uuid4().hex, time.time()), False, ""
        while not control.is_cancelled():
            try:
                number = self._farm.search(record.key, record.asked) if was_asked else None
                if found := "" if number else self._farm.lacks(job):
                    if found != lack:
                        log.info("waits at %s: %s", self._farm.name, found)
                    lack = found
                else:
                    record.write(job.folder)
                    was_asked = True
                    number = number or self._farm.submit(job, srpm, record.key)
                    record = replace(record, number=number)
                    record.write(job.folder)
                    self._away.is_back()
                    log.info("%s builds it: %s", self._farm.name, self._farm.page(number))
                    return record
            except OutsideError as error:  # the farm may have accepted the build all the same
                self._away.note(error)
                lack = one_line(str(error))
            except UserError as error:  # not the package's fault: a right, a target, a setting
                return Failed(FailureReason.BUILDER, one_line(str(error)))
            if time.monotonic() > last:
                return Failed(FailureReason.BUILDER, f"not accepted in time: {lack}")
            control.rest(self._pace.poll_seconds)
        if was_asked and (number := self._search_quietly(record)):
            return self._watch(job.folder, replace(record, number=number), control)
        (job.folder / RECORD).unlink(missing_ok=True)
        return CANCELLED

    def _search_quietly(self, record: Record) -> str | None:
        try:
            return self._farm.search(record.key, record.asked)
        except OutsideError:
            return None

    def _watch(self, folder: Path, record: Record, control: _Control) -> Outcome:
        """Wait until a submitted build has ended; return UNKNOWN if no caller waits any more."""
        looks = _Looks(time.monotonic())
        while not control.is_over():
            try:
                if control.is_cancelled() and not looks.cancelled:
                    self._farm.cancel(record.number)
                    looks.cancelled = time.monotonic()
                found = self._farm.look(record.number)
                self._away.is_back()
                if outcome := self._ended(folder, record, looks.checked(found), looks):
                    return outcome
                self._follow_log(folder, record, found)
            except OutsideError as error:
                self._away.note(error)
            if control.is_cancelled() and looks.is_long_cancelled():
                return Failed(FailureReason.INTERRUPTED, "cancelled; the farm has not confirmed it")
            limit = looks.building and time.monotonic() - looks.building > self._pace.build_seconds
            if limit and not looks.is_too_long:
                looks.is_too_long = True
                control.is_cancelled = lambda: True
            control.rest(self._pace.poll_seconds if not control.is_cancelled() else 1)
        return UNKNOWN

    def _ended(
        self, folder: Path, record: Record, found: FarmBuild, looks: "_Looks"
    ) -> Outcome | None:
        match found.state:
            case FarmState.ACCEPTED:
                return None
            case FarmState.BUILDING:
                looks.building = looks.building or time.monotonic()
                return None
            case FarmState.LOST:
                return Failed(
                    FailureReason.BUILDER, f"{self._farm.name} has lost build {record.number}"
                )
            case FarmState.CANCELLED:
                if looks.is_too_long:
                    minutes = self._pace.build_seconds / 60
                    return Failed(FailureReason.TIME_LIMIT, f"it took more than {minutes:.0f} min")
                if looks.cancelled:
                    return CANCELLED
                return Failed(FailureReason.INTERRUPTED, f"it was cancelled at {self._farm.name}")
        return self._fetched(folder, record, found)

    def _fetched(self, folder: Path, record: Record, found: FarmBuild) -> Outcome:
        """Download the results of a build; repeating this after a kill does no harm."""
        results = folder / RESULTS
        remove_tree(results)
        results.mkdir()
        is_built = found.state is FarmState.BUILT
        try:
            self._farm.fetch(record.number, results, has_rpms=is_built)
        except RefusedError as error:
            return Failed(FailureReason.REFUSED, one_line(str(error)))
        (folder / BUILD_LOG).unlink(missing_ok=True)  # the part seen so far
        rpms = take_results(folder)
        name_the_log(folder, "source.log")
        if not is_built:
            return self._verdict(folder, found)
        if all(path.name.endswith(".src.rpm") for path in rpms):
            return Failed(FailureReason.UNKNOWN, f"{self._farm.name} has built no RPMs")
        return strangers_elsewhere(rpms, folder) or Built(tuple(rpms))

    def _verdict(self, folder: Path, found: FarmBuild) -> Failed | Waiting:
        if found.is_not_tried:
            return Failed(FailureReason.BUILDER, found.said)
        outcome = said_by_logs(folder)
        if isinstance(outcome, Failed) and outcome.reason is FailureReason.UNKNOWN:
            return Failed(FailureReason.UNKNOWN, found.said or outcome.detail)
        return outcome

    def _follow_log(self, folder: Path, record: Record, found: FarmBuild) -> None:
        """Append what the farm has written since the last poll to the build's log."""
        if found.state is not FarmState.BUILDING:
            return
        file = folder / BUILD_LOG
        known = file.stat().st_size if file.exists() else 0
        if known < self._pace.log_bytes and (more := self._farm.new_log(record.number, known)):
            with file.open("ab") as out:
                out.write(more)

    def _control(self, ticket: Ticket) -> _Control:
        return self._controls.setdefault(ticket, _Control())

    def _ticket(self, job: BuildJob) -> Ticket:
        return self._ticket_of(job.folder)

    def _ticket_of(self, folder: Path) -> Ticket:
        return Ticket(f"{self._farm.name}:{folder.absolute()}")

    def _folder(self, ticket: Ticket) -> Path | None:
        """Return the folder of the build that a ticket of this builder names."""
        name, _, folder = ticket.partition(":")
        return Path(folder) if name == self._farm.name else None


@dataclass(slots=True)
class _Looks:
    """What polls have shown of a build so far; times are on the monotonic clock, 0 means never."""

    begun: float
    building: float = 0
    cancelled: float = 0
    is_too_long: bool = False
    _lost: int = 0

    def checked(self, found: FarmBuild) -> FarmBuild:
        """Return a farm's answer; "unknown build" is believed only the third time."""
        self._lost = self._lost + 1 if found.state is FarmState.LOST else 0
        return FarmBuild(FarmState.ACCEPTED) if 0 < self._lost < _SURELY_LOST else found

    def is_long_cancelled(self) -> bool:
        """Whether the farm was asked long ago to end the build."""
        asked = self.cancelled or self.begun
        return time.monotonic() - asked > _CANCEL_SECONDS


class _Away:
    """Logs when a farm cannot be reached: at first, from time to time, and when it is back."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._since = self._told = 0.0
        self._lock = threading.Lock()

    @property
    def is_noted(self) -> bool:
        """Whether the farm did not answer when it was last asked."""
        return bool(self._since)

    def note(self, error: OutsideError) -> None:
        """Record that the farm did not answer."""
        now = time.monotonic()
        with self._lock:
            self._since = self._since or now
            is_told = self._told and now - self._told < _REMIND_SECONDS
            self._told = self._told if is_told else now
        if not is_told:
            log.warning("%s; its builds are waited for", one_line(str(error)))

    def is_back(self) -> None:
        """Record that the farm has answered."""
        with self._lock:
            seconds = time.monotonic() - self._since if self._since else 0
            self._since = self._told = 0.0
        if seconds:
            log.info("%s answers again, after %.0f s", self._farm.name, seconds)
