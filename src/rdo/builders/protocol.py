"""What every way to build looks like to the round."""

from typing import NewType, Protocol

from rdo.model.build import BuildJob, Outcome

# What a builder knows a started build by; text, so that it can be stored and waited for later.
Ticket = NewType("Ticket", str)

FOLDER_VARIABLE = "RDO_RESULTDIR"
"""Set for a build's programs on this machine: by it a round finds what a killed one left."""


class Builder(Protocol):
    """Builds jobs, several at the same time; called from the round's worker threads."""

    def start(self, job: BuildJob) -> Ticket:
        """Begin a build; returns as soon as the build has a ticket."""

    def wait(self, ticket: Ticket) -> Outcome:
        """Wait for the end of a build. A failure of the build is an outcome, never raised."""

    def cancel(self, ticket: Ticket) -> None:
        """End a build now and free what it holds; its `wait` returns interrupted."""
