"""The people and addresses that are notified, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Audiences:
    """The recipients of notifications, as configured.

    `webhooks` are names; `*` in `digest` means everybody.
    """

    mail: bool = False
    operator: tuple[str, ...] = ()
    digest: frozenset[str] = frozenset()
    digest_hour: int = 6
    gerrit: bool = False
    webhooks: tuple[str, ...] = ()

    def wants_digest(self, address: str) -> bool:
        """Whether an address gets one mail a day."""
        return "*" in self.digest or address in self.digest

    def digest_due(self, now: datetime) -> datetime:
        """Return the time at which the next digest is sent."""
        today = now.replace(hour=self.digest_hour, minute=0, second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)
