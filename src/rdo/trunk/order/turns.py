"""Let rounds of several targets share the machine and the builders fairly."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_IMPATIENT_SECONDS = 3.0  # a round asks every second; one that does not is busy or stuck


@dataclass(slots=True)
class _Guest:
    """A round with its running builds, and those it may start, at each place."""

    wake: Callable[[], None]
    uses: Counter[str] = field(default_factory=Counter)
    denied: dict[str, float] = field(default_factory=dict)
    served: dict[str, float] = field(default_factory=dict)
    has_freed: bool = False


class Turns:
    """Limits how many builds rounds run at the same time, and decides who starts the next one.

    `limits` are numbers of builds by place (`rdo.builders.by_package.Share.place`); a place without
    a limit is unlimited. A free worker goes to the waiting round with the fewest builds there; if
    several have the same number, to the one that was served longest ago. A round that wants
    nothing, or is stuck, does not keep a worker from others. Thread-safe.
    """

    def __init__(
        self, limits: Mapping[str, int] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = dict(limits or {})
        self._clock = clock
        self._lock = threading.Lock()
        self._guests: dict[str, _Guest] = {}

    def join(self, target: str, wake: Callable[[], None]) -> None:
        """Register a round; `wake` is called when it may be worth asking again."""
        with self._lock:
            self._guests[target] = _Guest(wake)

    def leave(self, target: str) -> None:
        """Unregister a round; nothing is reserved for it any more."""
        with self._lock:
            self._guests.pop(target, None)
            self._wake_denied()

    def grant(
        self,
        target: str,
        uses: Mapping[str, int],
        wants: Mapping[str, int],
        insists: Mapping[str, int],
    ) -> Counter[str]:
        """Return how many more builds a round may start at each place in `wants`.

        They are reserved for it until it reports by `settle` what it has started. `uses` are its
        current builds; as long as it has not got what it `insists` on, a free worker is reserved
        for it.
        """
        with self._lock:
            guest = self._guests[target]
            guest.has_freed = guest.uses > Counter(uses)
            guest.uses = Counter(uses)
            granted: Counter[str] = Counter()
            for place, wanted in wants.items():
                while granted[place] < wanted and self._is_next(target, place):
                    granted[place] += 1
                    guest.uses[place] += 1
                guest.denied.pop(place, None)
                if granted[place] < insists.get(place, 0):
                    guest.denied[place] = self._clock()
            return granted

    def settle(self, target: str, uses: Mapping[str, int], granted: Mapping[str, int]) -> None:
        """Record the builds of a round after it has used what it was granted."""
        with self._lock:
            guest = self._guests[target]
            for place, number in granted.items():
                if uses.get(place, 0) > guest.uses[place] - number:
                    guest.served[place] = self._clock()
            is_less = guest.has_freed or guest.uses > Counter(uses)
            guest.uses, guest.has_freed = Counter(uses), False
            if is_less:
                self._wake_denied()

    def _is_next(self, target: str, place: str) -> bool:
        """Whether a round may have one more build at a place, after rounds that come first."""
        if place not in self._limits:
            return True
        free = self._limits[place] - sum(guest.uses[place] for guest in self._guests.values())
        ours, since = self._rank(target, place), self._clock() - _IMPATIENT_SECONDS
        before_us = sum(
            name != target
            and guest.denied.get(place, since) > since
            and self._rank(name, place) < ours
            for name, guest in self._guests.items()
        )
        return free > before_us

    def _rank(self, target: str, place: str) -> tuple[int, float]:
        guest = self._guests[target]
        return guest.uses[place], guest.served.get(place, 0.0)

    def _wake_denied(self) -> None:
        for guest in self._guests.values():
            if guest.denied:
                guest.wake()
