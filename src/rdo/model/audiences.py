"""Who is told what, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Audiences:
    """Who is told what, as configured. `webhooks` are names; `*` in `digest` is everybody."""

    mail: bool = False
    operator: tuple[str, ...] = ()
    digest: frozenset[str] = frozenset()
    digest_hour: int = 6
    gerrit: bool = False
    webhooks: tuple[str, ...] = ()

    def wants_digest(self, address: str) -> bool:
        return "*" in self.digest or address in self.digest

    def digest_due(self, now: datetime) -> datetime:
        """When the next digest goes out."""
        today = now.replace(hour=self.digest_hour, minute=0, second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)
