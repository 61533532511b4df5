"""What every way to build looks like to its caller, and how to wait for one build.

A caller that may be killed writes down that a build is *starting*, then asks the builder, then
keeps the ticket. So whoever comes after it can ask the same builder what became of each build,
and nothing is built twice.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NewType, Protocol

from rdo.cancellation import current
from rdo.errors import CancelledError
from rdo.model.build import BuildJob, Outcome

# What a builder knows a started build by; text, so that it can be stored and polled later.
Ticket = NewType("Ticket", str)

FOLDER_VARIABLE = "RDO_RESULTDIR"
"""Set for a build's programs on this machine: by it a round finds what a killed one left."""

POLL_SECONDS = 1.0
"""How often a builder is polled that does not announce its ends."""


class Builder(Protocol):
    """Builds jobs, several at the same time. One thread calls it; no method waits for a build.

    The builds of a *local* builder end with our process; those of a *remote* one go on.
    """

    def start(self, job: BuildJob) -> Ticket:
        """Begin a build and return its ticket at once."""

    def find(self, build_id: int, folder: Path) -> Ticket | None:
        """Return the ticket of a build that another process may have started; None if it did not.

        After None the build never starts any more. `folder` is the job's. Raises OutsideError
        if a remote builder cannot tell now.
        """

    def poll(self, tickets: Collection[Ticket]) -> Mapping[Ticket, Outcome]:
        """Return how those of the builds ended that have ended.

        A failure of a build is an outcome, also when the builder itself failed on it. The build
        of a ticket that the builder does not know was interrupted: its process has ended. The
        answer is the same as often as it is asked for; there is none while a remote builder
        cannot be reached.
        """

    def cancel(self, ticket: Ticket) -> None:
        """Have a build end now; once it has freed what it holds it is polled as interrupted."""

    def leave(self, ticket: Ticket) -> bool:
        """Return whether a build goes on when our process ends; cancel one that does not."""

    def notify(self, event: threading.Event) -> None:
        """Set `event` from now on whenever a build ends, as far as the builder learns of it."""

    def examine(self) -> Sequence[str]:
        """Return sentences about what the builder may do here, and as whom; this may take a while.

        Raises a UserError that names what is missing if it cannot be used.
        """


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a build will probably ask for, and what its packages will once they are installed.

    `offer` are the names that its packages will provide, as far as the spec says so.
    """

    build: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    offer: tuple[str, ...] = ()


class Foresight(Protocol):
    """Tells what builds will ask for, before any of them starts. It is no promise."""

    def read(
        self, jobs: Sequence[BuildJob], is_cancelled: Callable[[], bool]
    ) -> Mapping[int, Foreseen]:
        """Return what the builds will ask for, by their ids; what cannot be read is left out."""

    def lacking(self, needs: Iterable[str], own: Sequence[Path]) -> tuple[str, ...]:
        """Return what nothing meets now, of the needs and of all that they bring.

        `own` are the folders with what the release has published.
        """


def build_and_wait(builder: Builder, job: BuildJob) -> Outcome:
    """Build one job to its end. An interrupt cancels the build and is raised when it has ended.

    So does whatever cancels this thread (`rdo.cancellation`), as a CancelledError.
    """
    is_cancelled = current.get()
    ended = threading.Event()
    builder.notify(ended)
    ticket = builder.start(job)
    try:
        return wait_for(builder, [ticket], ended, is_cancelled)[ticket]
    except BaseException:
        builder.cancel(ticket)
        wait_for(builder, [ticket], ended)
        raise


def wait_for(
    builder: Builder,
    tickets: Collection[Ticket],
    ended: threading.Event,
    is_cancelled: Callable[[], bool] = bool,
) -> dict[Ticket, Outcome]:
    """Wait until all of the builds have ended; `ended` is the event that the builder sets.

    Raises CancelledError as soon as `is_cancelled` says so; the builds go on.
    """
    outcomes: dict[Ticket, Outcome] = {}
    while True:
        ended.clear()
        left = [ticket for ticket in tickets if ticket not in outcomes]
        outcomes.update(builder.poll(left))
        if len(outcomes) == len(set(tickets)):
            return outcomes
        if is_cancelled():
            raise CancelledError("the build was cancelled")
        ended.wait(POLL_SECONDS)
