"""Limits on failed logins, by address and by user, and on the rate of requests."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

WINDOW_SECONDS = 300.0
PER_ADDRESS = 20
PER_USER = 50
_MOST_KEYS = 10_000


class LoginLimit:
    """Counts the failed logins of the last five minutes; it never grows without bound.

    Credentials that were verified a moment ago skip this limit, so nobody can lock out a working
    client by guessing its password.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def seconds_to_wait(self, address: str, user: str) -> int:
        """Return how many seconds this address, or guesses at this user, must wait; often 0."""
        with self._lock:
            waits = (
                self._wait(("address", address), PER_ADDRESS),
                self._wait(("user", user), PER_USER),
            )
        return max(waits)

    def failed(self, address: str, user: str) -> None:
        """Record a failed login."""
        with self._lock:
            for key, most in ((("address", address), PER_ADDRESS), (("user", user), PER_USER)):
                times = self._failures.setdefault(key, deque(maxlen=most))
                times.append(self._clock())
                self._failures.move_to_end(key)
            while len(self._failures) > _MOST_KEYS:
                self._failures.popitem(last=False)

    def _wait(self, key: tuple[str, str], most: int) -> int:
        times = self._failures.get(key)
        if not times or len(times) < most:
            return 0
        left = times[0] + WINDOW_SECONDS - self._clock()
        return max(0, int(left) + 1) if left > 0 else 0


class RateLimit:
    """Counts the requests of each of a few known callers within the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = {}

    def seconds_to_wait(self, caller: str, most: int) -> int:
        """Record a request; return how long to wait if there were `most` in a minute, else 0."""
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(caller, deque())
            while times and times[0] <= now - 60.0:
                times.popleft()
            if len(times) >= most:
                return int(times[0] + 60.0 - now) + 1
            times.append(now)
        return 0
