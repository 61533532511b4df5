"""The interface of every builder, and how to wait for a build.

A caller that may be killed records that a build is *starting*, then calls the builder, then stores
the ticket. So the next process can ask the same builder what became of each build, and nothing is
built twice.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NewType, Protocol

from rdo.cancellation import current
from rdo.errors import CancelledError
from rdo.model.build import BuildJob, Outcome

# The name by which a builder knows a started build; a text, so that it can be stored and polled
# later.
Ticket = NewType("Ticket", str)

FOLDER_VARIABLE = "RDO_RESULTDIR"
"""Set for a build's programs on this machine, so that a round finds those of a killed round."""

POLL_SECONDS = 1.0
"""Seconds between polls of a builder that does not announce when a build ends."""


class Builder(Protocol):
    """Builds jobs, several at the same time. One thread calls it; no method waits for a build.

    The builds of a *local* builder end with our process; those of a *remote* one go on.
    """

    def start(self, job: BuildJob) -> Ticket:
        """Start a build and return its ticket at once."""

    def find(self, build_id: int, folder: Path) -> Ticket | None:
        """Return the ticket of a build that another process may have started; None if none did.

        After None the build can no longer start. `folder` is the job's. Raises OutsideError if a
        remote builder cannot be reached now.
        """

    def poll(self, tickets: Collection[Ticket]) -> Mapping[Ticket, Outcome]:
        """Return the outcomes of those builds that have ended.

        A failure is an outcome, even if the builder itself failed. An unknown ticket is an
        interrupted build: its process has ended. Repeated calls return the same outcome; a build
        has none while its remote builder cannot be reached.
        """

    def cancel(self, ticket: Ticket) -> None:
        """End a build now; once it has freed its resources, `poll` returns it as interrupted."""

    def leave(self, ticket: Ticket) -> bool:
        """Return whether a build goes on when our process ends; cancel one that does not."""

    def notify(self, event: threading.Event) -> None:
        """From now on, set `event` whenever the builder learns that a build has ended."""

    def examine(self) -> Sequence[str]:
        """Return sentences about the builder's user and rights here; this may take a while.

        Raises a UserError that names what is missing if it cannot be used.
        """


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The probable requirements of a build, and of its packages once installed.

    `offer` are the names that its packages will provide, as far as the spec shows them.
    """

    build: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    offer: tuple[str, ...] = ()


class Foresight(Protocol):
    """Predicts the requirements of builds before any of them starts. It may be wrong."""

    def read(
        self, jobs: Sequence[BuildJob], is_cancelled: Callable[[], bool]
    ) -> Mapping[int, Foreseen]:
        """Return what the builds will require, by their ids; unreadable ones are left out."""

    def lacking(self, needs: Iterable[str], own: Sequence[Path]) -> tuple[str, ...]:
        """Return requirements that nothing meets now, among `needs` and those of their providers.

        `own` are the folders with the release's published packages.
        """


def build_and_wait(builder: Builder, job: BuildJob) -> Outcome:
    """Build one job to its end; an interrupt cancels it and is raised when it has ended.

    A cancel of this thread (`rdo.cancellation`) does the same and raises CancelledError.
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

    Raises CancelledError as soon as `is_cancelled` returns true; the builds go on.
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
