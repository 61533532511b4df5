"""Events of promotions for webhooks: a name has moved, moved back, or was refused.

The event is recorded with its full content in the transaction of the move, so a kill loses none. It
is queued for interested webhooks the next time messages are sent.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from rdo.model.audiences import Audiences
from rdo.store import Transaction
from rdo.store.given.repositories import Repository


class PromotionKind(StrEnum):
    """The kinds of events about a promotion name."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"
    REFUSED = "promotion-refused"


@dataclass(frozen=True, slots=True)
class MovedPart:
    """The move of a name in one component; `before` is empty for the first move."""

    component: str | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PromotionStory:
    """The content of a message about a promotion name.

    `moved` are the paths that it points to now and pointed to before, `why` is the reason given.
    For a refusal, `candidate` does not meet the criteria, and `lacks` says what is missing.
    """

    kind: PromotionKind
    target: str
    name: str
    when: datetime
    by: str
    why: str = ""
    moved: tuple[MovedPart, ...] = ()
    candidate: str = ""
    component: str | None = None
    lacks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """A one-line summary of the event."""
        start = f"[{self.target}] {self.name}"
        match self.kind:
            case PromotionKind.PROMOTED:
                return f"{start} leads to {self._where}"
            case PromotionKind.ROLLED_BACK:
                return f"{start} leads back to {self._where}"
            case PromotionKind.REFUSED:
                return f"{start} is not moved to {self.candidate}"

    @property
    def _where(self) -> str:
        return ", ".join(one.after for one in self.moved)

    def to_json(self) -> dict[str, Any]:
        """Return the story as JSON, the form stored in the database."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> "PromotionStory":
        """Return the story stored with an event."""
        found: PromotionStory = _adapter().validate_python(payload)
        return found


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # only needed for promotions

    return TypeAdapter(PromotionStory)


@dataclass(frozen=True, slots=True)
class NameMove:
    """A promotion name that is about to move; `was` is None if it pointed nowhere before."""

    name: str
    was: Repository | None
    leads: Repository


def note_moves(
    at: Transaction, moves: Sequence[NameMove], *, now: datetime, by: str, why: str
) -> None:
    """Record that names are about to move: one event for each name, whatever its components.

    If a name has pointed to all of these repositories before, the event is a move back.
    """
    for name in dict.fromkeys(one.name for one in moves):
        parts = [one for one in moves if one.name == name]
        target = parts[0].leads.target
        is_known = all(at.names.has_led_to_repository(target, name, one.leads.id) for one in parts)
        story = PromotionStory(
            PromotionKind.ROLLED_BACK if is_known else PromotionKind.PROMOTED,
            target,
            name,
            now,
            by,
            why,
            tuple(
                MovedPart(one.leads.component, one.was.path if one.was else "", one.leads.path)
                for one in parts
            ),
        )
        last = at.names.last_move_id(target, name)
        at.events.add_told(target, story.kind, f"{story.kind}:{name}:{last}", story.to_json(), now)


def note_refusal(
    at: Transaction,
    target: str,
    name: str,
    component: str | None,
    candidate: str,
    lacks: Sequence[str],
    *,
    now: datetime,
    by: str,
) -> None:
    """Record that a candidate was refused; a repeated refusal is recorded only once."""
    story = PromotionStory(
        PromotionKind.REFUSED,
        target,
        name,
        now,
        by,
        candidate=candidate,
        component=component,
        lacks=tuple(lacks),
    )
    said = "\0".join((component or "", candidate, *lacks))
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    at.events.add_told(target, story.kind, f"{story.kind}:{name}:{digest}", story.to_json(), now)


def queue_promotions(at: Transaction, audiences: Audiences, *, now: datetime) -> None:
    """Queue the recorded events for the webhooks that want them."""
    for event in at.events.unqueued():
        at.events.describe(event.id, event.payload, now=now)
        for name in audiences.webhooks_for(event.target, event.kind):
            at.deliveries.add(event.id, f"webhook:{name}", name, due=now)


def is_about_promotion(kind: str) -> bool:
    """Whether an event is about a promotion name, and not about a package."""
    return kind in set(PromotionKind)
