"""Repeat HTTP requests after temporary failures of a server or the network."""

import http.client
import logging
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import TypeVar

from rdo import cancellation
from rdo.errors import CancelledError, in_short

log = logging.getLogger(__name__)
AnswerT = TypeVar("AnswerT")

WAITS = (1.0, 3.0)
"""Seconds before the second and the third try."""
_LOOK_SECONDS = 0.25
_FINAL = ssl.SSLCertVerificationError | http.client.InvalidURL | http.client.UnknownProtocol
_PASSING = (
    ConnectionError | TimeoutError | ssl.SSLError | socket.gaierror | http.client.HTTPException
)


def status_may_pass(status: int) -> bool:
    """Whether the same request may succeed a moment after this status (RFC 9110, 6585, 8470).

    >>> [status_may_pass(status) for status in (200, 403, 404, 429, 503)]
    [False, False, False, True, True]
    """
    return status in {408, 425, 429} or status >= 500


def error_may_pass(error: Exception) -> bool:
    """Whether an error of httpx or urllib may be gone a moment later.

    Such errors are a missing or incomplete answer, or a temporary status. An untrusted certificate,
    an invalid URL and a missing file are permanent.
    """
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return status_may_pass(error.response.status_code)
    if isinstance(error, urllib.error.HTTPError):
        return status_may_pass(error.code)
    chain = tuple(_causes(error))
    if any(isinstance(one, _FINAL | httpx.UnsupportedProtocol) for one in chain):
        return False
    return any(isinstance(one, _PASSING | httpx.TransportError) for one in chain)


def with_retries(
    request: Callable[[], AnswerT],
    what: str,
    *,
    may_pass: Callable[[Exception], bool] = error_may_pass,
    sleep: Callable[[float], None] | None = None,
) -> AnswerT:
    """Return what `request` returns; call it up to three times while its error may pass.

    `what` names it in the log. Raises the error of the last call, or CancelledError if cancelled.
    """
    for wait in WAITS:
        try:
            return request()
        except Exception as error:
            if not may_pass(error):
                raise
            log.info("%s: trying again after: %s", what, in_short(error))
            (sleep or _sleep)(wait)
    return request()


def _sleep(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if cancellation.current.get()():
            raise CancelledError("cancelled")
        time.sleep(min(left, _LOOK_SECONDS))


def _causes(error: object) -> Iterator[BaseException]:
    """Yield an error and its causes; urllib stores the cause as a reason."""
    while isinstance(error, BaseException):
        yield error
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, Exception) else error.__cause__ or error.__context__
