"""Limit how many sets of builds clients may ask for."""

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from rdo.web.answers import ApiError

WINDOW_SECONDS = 300
MOST_OF_ONE = 30
MOST_OF_ALL = 120


@dataclass(slots=True)
class Allowance:
    """Counts the sets of builds that were requested in the last five minutes, by client."""

    clock: Callable[[], float] = time.monotonic
    _taken: deque[tuple[float, str]] = field(default_factory=deque)

    def take(self, address: str) -> None:
        """Count one set for a client.

        Raises ApiError, and counts nothing: 429 if the client has reached its limit, 503 if all
        clients together have reached the server's limit.
        """
        now, client = self.clock(), _client(address)
        while self._taken and self._taken[0][0] <= now - WINDOW_SECONDS:
            self._taken.popleft()
        own = [when for when, who in self._taken if who == client]
        if len(own) >= MOST_OF_ONE:
            said = f"you may ask for {MOST_OF_ONE} repositories in {WINDOW_SECONDS} s"
            raise ApiError(429, f"{said}; try again later", _retry(own[0], now))
        if len(self._taken) >= MOST_OF_ALL:
            said = f"{MOST_OF_ALL} repositories were asked for within {WINDOW_SECONDS} s"
            raise ApiError(503, f"{said}; try again later", _retry(self._taken[0][0], now))
        self._taken.append((now, client))


def _retry(first: float, now: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(first + WINDOW_SECONDS - now)))}


def _client(address: str) -> str:
    """Return the client behind an address: for IPv6, a client has a whole /64.

    >>> _client("2001:db8::1") == _client("2001:db8::2")
    True
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a socket that has no address
        return address
    if isinstance(found, ipaddress.IPv6Address) and not found.ipv4_mapped:
        return str(ipaddress.IPv6Network((int(found), 64), strict=False))
    return str(found)
