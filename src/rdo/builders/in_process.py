"""The life of a build that runs in a thread of this process: started, polled, cancelled."""

import contextvars
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rdo.builders.failure import outcome_of
from rdo.builders.inspection import inspected
from rdo.builders.protocol import Ticket
from rdo.builders.taking import take_rpms
from rdo.cancellation import cancelled_by
from rdo.errors import CancelledError
from rdo.model.artifact import RpmFile
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome

log = logging.getLogger(__name__)

CANCELLED = Failed(FailureReason.INTERRUPTED, "cancelled")
UNKNOWN = Failed(FailureReason.INTERRUPTED, "the process that built it was stopped")


@dataclass(slots=True)
class _Started:
    """A build with a thread, which sets `outcome` before it announces the end."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None

    def is_cancelled(self) -> bool:
        """Whether the build must end: it was cancelled, or no caller waits for it any more."""
        return self.cancelled.is_set() or not threading.main_thread().is_alive()


class InProcessBuilder(ABC):
    """A local builder: each build has a thread from its start to its end."""

    name: str
    is_daemon = False
    """Whether our process may end while a build's thread still runs."""

    def __init__(self) -> None:
        self._started: dict[Ticket, _Started] = {}
        self._event = threading.Event()

    def start(self, job: BuildJob) -> Ticket:
        ticket = self._ticket(job)
        self._launch(ticket, job.folder, partial(self._take_or_build, job))
        return ticket

    def find(self, build_id: int, folder: Path) -> Ticket | None:  # noqa: ARG002 - the protocol's
        return None

    def poll(self, tickets: Collection[Ticket]) -> dict[Ticket, Outcome]:
        known = {ticket: self._started.get(ticket) for ticket in tickets}
        outcomes = {ticket: one.outcome if one else UNKNOWN for ticket, one in known.items()}
        return {ticket: outcome for ticket, outcome in outcomes.items() if outcome is not None}

    def cancel(self, ticket: Ticket) -> None:
        if started := self._started.get(ticket):
            started.cancelled.set()

    def leave(self, ticket: Ticket) -> bool:
        self.cancel(ticket)
        return False

    def notify(self, event: threading.Event) -> None:
        self._event = event

    def examine(self) -> tuple[str, ...]:
        return ()

    def _take_or_build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        if job.donor is None:
            return self._build(job, is_cancelled)
        taken = take_rpms(job, job.donor)
        if isinstance(taken, Built):
            log.info("takes the noarch RPMs of %s", job.donor)
            return replace(taken, lacking=self._lacking(job, taken.read))
        log.info("is built here: %s", taken)
        outcome = self._build(job, is_cancelled)
        return replace(outcome, not_taken=taken) if isinstance(outcome, Built) else outcome

    def _lacking(self, job: BuildJob, rpms: Sequence[RpmFile]) -> tuple[str, ...]:  # noqa: ARG002
        """Return what RPMs from elsewhere require and nothing provides, if that is known."""
        return ()

    @abstractmethod
    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        """Do the work, in the build's thread; a failed build is returned as an outcome."""

    def _launch(
        self, ticket: Ticket, folder: Path, act: Callable[[Callable[[], bool]], Outcome]
    ) -> None:
        """Start a build's thread, which calls `act` with a function that says whether to stop."""
        started = self._started[ticket] = _Started()
        # The thread's log lines name the same package as its caller's.
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run,
            args=(self._work, act, folder, started),
            name=f"build-{folder.name}",
            daemon=self.is_daemon,
        ).start()

    def _ticket(self, job: BuildJob) -> Ticket:
        return Ticket(f"{self.name}:{job.id}")

    def _work(
        self,
        act: Callable[[Callable[[], bool]], Outcome],
        folder: Path,
        started: _Started,
    ) -> None:
        try:
            with cancelled_by(started.is_cancelled):
                outcome = act(started.is_cancelled)
                started.outcome = inspected(outcome) if isinstance(outcome, Built) else outcome
        except CancelledError:
            started.outcome = CANCELLED
        except SystemExit as error:
            started.outcome = Failed(FailureReason.UNKNOWN, f"a bug in the builder: {error}")
        except Exception as error:  # noqa: BLE001 - the top of a thread, and an input of strangers
            started.outcome = outcome_of(error, folder)
        finally:
            started.outcome = started.outcome or UNKNOWN
            self._event.set()
