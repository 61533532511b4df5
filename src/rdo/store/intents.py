"""Decided changes of files, recorded so that any later process can complete them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.store.moments import seconds
from rdo.store.schema import OPEN_INTENT, IntentRow


@dataclass(frozen=True, slots=True)
class Intent:
    """A decided change.

    `payload` is JSON with everything needed to carry it out from the start.
    """

    id: int
    target: str
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Intents:
    """The table of intents, within one transaction."""

    session: Session

    def open(self, target: str, kind: str, payload: dict[str, Any], *, now: datetime) -> int:
        """Record an intent and return its id."""
        row = IntentRow(target=target, kind=kind, payload=json.dumps(payload), created=seconds(now))
        self.session.add(row)
        self.session.flush()
        return row.id

    def close(self, intent_id: int, *, now: datetime) -> None:
        """Record that an intent is done."""
        row = self.session.get_one(IntentRow, intent_id)
        row.done = seconds(now)

    def unfinished(self, target: str) -> tuple[Intent, ...]:
        """Return the open intents, oldest first: the order in which they must be completed."""
        query = select(IntentRow).where(IntentRow.target == target, OPEN_INTENT)
        rows = self.session.scalars(query.order_by(IntentRow.id))
        return tuple(Intent(row.id, row.target, row.kind, json.loads(row.payload)) for row in rows)
