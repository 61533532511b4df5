"""The interface of the ways to send a message: mail, Gerrit, webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rdo.notify.story import Story
from rdo.store.messages.deliveries import Delivery


class AwayError(Exception):
    """The receiving server cannot be reached; nothing more is sent this way for now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The refusal of one recipient; with `for_good` there is no point in a retry."""

    reason: str
    for_good: bool


class Way(Protocol):
    """A way to send a message."""

    def send(self, story: Story, deliveries: Sequence[Delivery], /) -> dict[int, Refused]:
        """Send one event to its recipients; return the refusals by the delivery's number.

        Raises AwayError if nothing can be sent this way now.
        """
