"""Repeat rounds until somebody stops them; an alternative to cron."""

import logging
import time
from collections.abc import Callable

from rdo.errors import UserError

log = logging.getLogger(__name__)


def repeat(
    act: Callable[[], object],
    seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Do `act` every `seconds`, counted from its start, and at once if it took longer.

    `sleep` may do work before it returns. A UserError is logged and the act is tried again.
    KeyboardInterrupt ends the loop; a running round also receives it, ends its builds and leaves
    them in the queue.
    """
    try:
        while True:
            started = clock()
            try_to(act)
            pause = seconds - (clock() - started)
            log.info("the next round begins in %.0f s", max(pause, 0))
            sleep(max(pause, 0))
    except KeyboardInterrupt:
        log.info("stopped")


def try_to(act: Callable[[], object]) -> None:
    """Call `act`; a UserError that it raises is logged."""
    try:
        act()
    except UserError as error:
        log.error("%s%s", error, f" ({error.hint})" if error.hint else "")  # noqa: TRY400 - for a person, not a bug
