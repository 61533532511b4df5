"""Rounds again and again, until somebody ends it; an alternative to cron."""

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
    """Do `act` every so many seconds, counted from its begin, and at once if it took longer.

    What a person must mend is told and tried again. Ends on KeyboardInterrupt, which a round
    that is at work hears too: it ends its builds, leaves them in the queue and is done.
    """
    try:
        while True:
            started = clock()
            try:
                act()
            except UserError as error:
                log.error("%s%s", error, f" ({error.hint})" if error.hint else "")  # noqa: TRY400 - for a person, not a bug
            pause = seconds - (clock() - started)
            log.info("the next round begins in %.0f s", max(pause, 0))
            sleep(max(pause, 0))
    except KeyboardInterrupt:
        log.info("stopped")
