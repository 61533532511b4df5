"""The life of a build that a thread of this process does: started, polled, cancelled."""

import contextvars
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rdo.builders.failure import outcome_of
from rdo.builders.inspection import inspected
from rdo.builders.protocol import Ticket
from rdo.cancellation import cancelled_by
from rdo.errors import CancelledError
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome

log = logging.getLogger(__name__)

CANCELLED = Failed(FailureReason.INTERRUPTED, "cancelled")
UNKNOWN = Failed(FailureReason.INTERRUPTED, "the process that built it was stopped")


@dataclass(slots=True)
class _Started:
    """A build that has a thread, which sets `outcome` before it announces its end."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None

    def is_cancelled(self) -> bool:
        """Whether the build is to end: somebody wants it, or nobody waits for it any more."""
        return self.cancelled.is_set() or not threading.main_thread().is_alive()


class InProcessBuilder(ABC):
    """A local builder: each build has a thread from its start to its end."""

    name: str
    is_daemon = False
    """Whether our process may end while a build still has its thread."""

    def __init__(self) -> None:
        self._started: dict[Ticket, _Started] = {}
        self._event = threading.Event()

    def start(self, job: BuildJob) -> Ticket:
        ticket = self._ticket(job)
        self._launch(ticket, job.folder, partial(self._build, job))
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

    @abstractmethod
    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        """Do the work, in a thread of the build; a failure of the build is an outcome."""

    def _launch(
        self, ticket: Ticket, folder: Path, act: Callable[[Callable[[], bool]], Outcome]
    ) -> None:
        """Give a build a thread, which does `act` with what tells it whether it is cancelled."""
        started = self._started[ticket] = _Started()
        # The thread logs about the package that its caller logs about.
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
