"""How long a test waits for what must come."""

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds in which a server on loopback answers, however loaded the machine is."""


def until(condition: Callable[[], object], seconds: float = 600) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
