"""Several builders as one: single packages of a target may have another builder than the rest."""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rdo.builders.protocol import Builder, Ticket
from rdo.model.build import BuildJob, Outcome

THIS_MACHINE = ""
"""The place of every builder that is not a farm and has no workers of its own."""
_MARK = "@"
"""Separates the name of a builder from the rest of a ticket; no name contains it."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which builder builds which packages of a target, and how many builds each runs at once.

    A builder without a limit of its own has the target's. `farms` are the builders that build on
    other machines.
    """

    own: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    farms: frozenset[str] = frozenset()

    def of(self, package: str) -> str:
        """Return the name of the builder of a package."""
        return self.others.get(package, self.own)

    def place(self, builder: str) -> str:
        """Return the place whose workers a builder uses: its own, or this machine."""
        return builder if builder in self.farms or builder in self.limits else THIS_MACHINE

    def has_room(self, package: str, busy: Iterable[str], workers: int) -> bool:
        """Whether a package may be built now, while the packages in `busy` are being built."""
        return self.free(busy, workers)[self.of(package)] > 0

    def free(self, busy: Iterable[str], workers: int) -> dict[str, int]:
        """Return how many more builds each builder may start while `busy` are being built."""
        free = {name: self.limits.get(name, workers) for name in (self.own, *self.others.values())}
        for package in busy:
            free[self.of(package)] -= 1
        return {name: max(0, number) for name, number in free.items()}


class BuilderByPackage:
    """Gives each job to the builder of its package; a ticket begins with the builder's name.

    A ticket without a name belongs to the target's own builder: it dates from when there was only
    one.
    """

    def __init__(self, share: Share, builders: Mapping[str, Builder]) -> None:
        self._share = share
        self._builders = builders

    def start(self, job: BuildJob) -> Ticket:
        name = self._share.of(job.commit.package)
        return _named(name, self._builders[name].start(job))

    def find(self, build_id: int, folder: Path) -> Ticket | None:
        for name, builder in self._builders.items():
            if found := builder.find(build_id, folder):
                return _named(name, found)
        return None

    def poll(self, tickets: Collection[Ticket]) -> dict[Ticket, Outcome]:
        outcomes: dict[Ticket, Outcome] = {}
        for name, builder in self._builders.items():
            mine = {self._inner(one): one for one in tickets if self._name(one) == name}
            outcomes |= {mine[inner]: how for inner, how in builder.poll(mine.keys()).items()}
        return outcomes

    def cancel(self, ticket: Ticket) -> None:
        self._builders[self._name(ticket)].cancel(self._inner(ticket))

    def leave(self, ticket: Ticket) -> bool:
        return self._builders[self._name(ticket)].leave(self._inner(ticket))

    def notify(self, event: threading.Event) -> None:
        for builder in self._builders.values():
            builder.notify(event)

    def examine(self) -> list[str]:
        return [f"{name}: {one}" for name, each in self._builders.items() for one in each.examine()]

    def _name(self, ticket: Ticket) -> str:
        name, mark, _ = ticket.partition(_MARK)
        return name if mark and name in self._builders else self._share.own

    def _inner(self, ticket: Ticket) -> Ticket:
        name, mark, inner = ticket.partition(_MARK)
        return Ticket(inner) if mark and name in self._builders else ticket


def _named(name: str, ticket: Ticket) -> Ticket:
    return Ticket(f"{name}{_MARK}{ticket}")
