"""The life of a build that a thread of this process does: started, waited for, cancelled."""

import errno
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from rdo.builders.protocol import Ticket
from rdo.cancellation import cancelled_by
from rdo.errors import CancelledError
from rdo.model.build import BuildJob, Failed, FailureReason, Outcome


@dataclass(frozen=True, slots=True)
class _Started:
    job: BuildJob
    cancelled: threading.Event = field(default_factory=threading.Event)


class InProcessBuilder(ABC):
    """A builder whose `wait` does the work, in the caller's thread."""

    name: str

    def __init__(self) -> None:
        self._started: dict[Ticket, _Started] = {}

    def start(self, job: BuildJob) -> Ticket:
        ticket = Ticket(f"{self.name}:{job.id}")
        self._started[ticket] = _Started(job)
        return ticket

    def wait(self, ticket: Ticket) -> Outcome:
        """Build to the end; RPMs and logs are in the job's folder then."""
        started = self._started.get(ticket)
        if started is None:  # of a process that has ended
            return Failed(FailureReason.INTERRUPTED, "the process that built it has ended")
        try:
            with cancelled_by(started.cancelled.is_set):
                return self._build(started.job, started.cancelled.is_set)
        except CancelledError:
            return Failed(FailureReason.INTERRUPTED, "cancelled")
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                return Failed(FailureReason.NO_SPACE, str(error))
            raise
        finally:
            del self._started[ticket]

    def cancel(self, ticket: Ticket) -> None:
        if started := self._started.get(ticket):
            started.cancelled.set()

    @abstractmethod
    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        """Do the work; a failure of the build is an outcome."""
