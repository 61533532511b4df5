"""What people are notified of: events, and messages that wait to be sent."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from rdo.store.schema.base import UNDELIVERED, UNDESCRIBED, Base, CleanText, index_where


class EventRow(Base):
    """Something that people are notified of once: `key` identifies it.

    `payload` is its description as JSON, empty until it has been gathered. Builds are stored as
    numbers only, because an event outlives the builds that it refers to.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("target", "key"),
        Index(None, "target", "package", "break_id", "kind"),
        index_where("ix_events_undescribed", "target", "id", where=UNDESCRIBED),
        Index(None, "target", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    package: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    build_id: Mapped[int | None]
    break_id: Mapped[int | None]
    created: Mapped[int]
    described: Mapped[int | None]
    payload: Mapped[str] = mapped_column(CleanText)


class DeliveryRow(Base):
    """One event for one recipient by one way; open until it was sent or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "way", "recipient"),
        index_where("ix_deliveries_open", "due", "id", where=UNDELIVERED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    way: Mapped[str]
    recipient: Mapped[str]
    digest: Mapped[bool]
    due: Mapped[int]
    tries: Mapped[int]
    error: Mapped[str] = mapped_column(CleanText)
    ended: Mapped[int | None]
    sent: Mapped[bool]
