"""What every way to tell somebody looks like to the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rdo.notify.story import Story
from rdo.store.deliveries import Delivery


class AwayError(Exception):
    """Whoever should receive it is away; nothing more is sent this way for now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What one recipient answered; `for_good` says that another try is of no use."""

    reason: str
    for_good: bool


class Way(Protocol):
    """Sends one message; raises `AwayError` when nothing can be sent now."""

    def send(self, story: Story, deliveries: Sequence[Delivery], /) -> dict[int, Refused]:
        """Tell one event to its recipients; who did not take it, by the delivery's number."""
