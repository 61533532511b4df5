"""Who is notified, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Interest:
    """The events that a webhook gets: targets and kinds of events; empty means all."""

    targets: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()

    def has(self, target: str, event: str) -> bool:
        """Whether an event of a target is wanted.

        >>> Interest(events=frozenset({"broken"})).has("master", "mended")
        False
        """
        return (not self.targets or target in self.targets) and (
            not self.events or event in self.events
        )


@dataclass(frozen=True, slots=True)
class Audiences:
    """The recipients of notifications, as configured.

    `webhooks` are names; `interests` has the wanted events of those webhooks that do not want all.
    `*` in `digest` means everybody.
    """

    mail: bool = False
    operator: tuple[str, ...] = ()
    digest: frozenset[str] = frozenset()
    digest_hour: int = 6
    gerrit: bool = False
    webhooks: tuple[str, ...] = ()
    interests: Mapping[str, Interest] = field(default_factory=dict)

    def webhooks_for(self, target: str, event: str) -> list[str]:
        """Return the webhooks that want an event of a target."""
        everything = Interest()
        return [
            name
            for name in self.webhooks
            if self.interests.get(name, everything).has(target, event)
        ]

    def wants_digest(self, address: str) -> bool:
        """Whether an address gets one mail a day."""
        return "*" in self.digest or address in self.digest

    def digest_due(self, now: datetime) -> datetime:
        """Return the time at which the next digest is sent."""
        today = now.replace(hour=self.digest_hour, minute=0, second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)
