"""Events that people are notified of: recorded with the state they are about, described later."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rdo.store.moments import moment, seconds
from rdo.store.schema import UNDESCRIBED, EventRow


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people are notified of.

    `payload` is its description, empty until it has been gathered. `package` is empty for an event
    about a promotion name.

    `build_id` is the build that it is about; `break_id` is the package's first failed build. All
    events from that failure to the next good build are one thread.
    """

    id: int
    target: str
    package: str
    kind: str
    key: str
    build_id: int | None
    break_id: int | None
    created: datetime
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Events:
    """The table of events, within one transaction."""

    session: Session

    def add(
        self,
        target: str,
        package: str,
        kind: str,
        key: str,
        *,
        now: datetime,
        build_id: int | None = None,
        break_id: int | None = None,
    ) -> bool:
        """Record an event; return False if `key` was recorded before."""
        query = select(EventRow.id).where(EventRow.target == target, EventRow.key == key)
        if self.session.scalar(query) is not None:
            return False
        row = EventRow(
            target=target,
            package=package,
            kind=kind,
            key=key,
            build_id=build_id,
            break_id=break_id,
            created=seconds(now),
            payload="{}",
        )
        self.session.add(row)
        self.session.flush()
        return True

    def add_told(
        self, target: str, kind: str, key: str, payload: dict[str, Any], now: datetime
    ) -> bool:
        """Record an event that is not about a package, with its description.

        It is queued later. Returns False if `key` was recorded before.
        """
        if not self.add(target, "", kind, key, now=now):
            return False
        query = select(EventRow).where(EventRow.target == target, EventRow.key == key)
        self.session.scalars(query).one().payload = json.dumps(payload)
        self.session.flush()
        return True

    def unqueued(self) -> tuple[Event, ...]:
        """Return the events about no package that are not queued yet, oldest first."""
        query = select(EventRow).where(EventRow.package == "", UNDESCRIBED)
        return tuple(event_of(row) for row in self.session.scalars(query.order_by(EventRow.id)))

    def undescribed(self, target: str) -> tuple[Event, ...]:
        """Return the events about packages without a description, oldest first."""
        query = select(EventRow).where(
            EventRow.target == target, UNDESCRIBED, EventRow.package != ""
        )
        return tuple(event_of(row) for row in self.session.scalars(query.order_by(EventRow.id)))

    def described(
        self, target: str, kinds: Collection[str], *, package: str | None = None, limit: int = 50
    ) -> tuple[Event, ...]:
        """Return the events of these kinds that have a description of their own, newest first."""
        query = select(EventRow).where(
            EventRow.target == target, EventRow.kind.in_(kinds), EventRow.payload != "{}"
        )
        if package is not None:
            query = query.where(EventRow.package == package)
        rows = self.session.scalars(query.order_by(EventRow.id.desc()).limit(limit))
        return tuple(map(event_of, rows))

    def describe(self, event_id: int, payload: dict[str, Any], *, now: datetime) -> None:
        """Record the description of an event."""
        row = self.session.get_one(EventRow, event_id)
        row.payload, row.described = json.dumps(payload), seconds(now)

    def get(self, event_id: int) -> Event:
        """Return an event by its id."""
        return event_of(self.session.get_one(EventRow, event_id))

    def of_break(self, target: str, package: str, break_id: int) -> tuple[Event, ...]:
        """Return the events from a package's first failure to its fix, oldest first."""
        query = select(EventRow).where(
            EventRow.target == target, EventRow.package == package, EventRow.break_id == break_id
        )
        return tuple(event_of(row) for row in self.session.scalars(query.order_by(EventRow.id)))

    def of_breaks(self, target: str, kind: str, breaks: Collection[tuple[str, int]]) -> list[Event]:
        """Return the events of one kind for several packages and their first failures."""
        query = select(EventRow).where(
            EventRow.target == target,
            EventRow.kind == kind,
            EventRow.package.in_({package for package, _ in breaks}),
            EventRow.break_id.in_({break_id for _, break_id in breaks}),
        )
        return [event_of(row) for row in self.session.scalars(query.order_by(EventRow.id))]

    def newest_of(self, target: str, package: str) -> Event | None:
        """Return a package's newest event that has a description."""
        query = (
            select(EventRow)
            .where(EventRow.target == target, EventRow.package == package, EventRow.payload != "{}")
            .order_by(EventRow.id.desc())
            .limit(1)
        )
        row = self.session.scalar(query)
        return event_of(row) if row else None


def event_of(row: EventRow) -> Event:
    """Return the event of a row."""
    return Event(
        id=row.id,
        target=row.target,
        package=row.package,
        kind=row.kind,
        key=row.key,
        build_id=row.build_id,
        break_id=row.break_id,
        created=moment(row.created),
        payload=json.loads(row.payload),
    )
