"""A file behind a URL."""

import http.client
import urllib.error
import urllib.request

from rdo.errors import OutsideError, RefusedError

TIMEOUT_SECONDS = 60.0
PROTOCOLS = ("file", "http", "https")


def download(url: str, *, max_bytes: int) -> bytes:
    """The content of a small file; the proxies of the environment count.

    An OutsideError says why it cannot be had, a RefusedError that it is no such address or
    larger than `max_bytes`.
    """
    if url.partition("://")[0] not in PROTOCOLS:
        raise RefusedError(f"{url} is no address of a file; use {', '.join(PROTOCOLS)}")
    try:
        with urllib.request.urlopen(
            url, timeout=TIMEOUT_SECONDS
        ) as answer:  # its protocol is known
            content: bytes = answer.read(max_bytes + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", "") or error
        code = f" ({error.code})" if isinstance(error, urllib.error.HTTPError) else ""
        raise OutsideError(f"{url} cannot be read: {reason}{code}") from error
    if len(content) > max_bytes:
        raise RefusedError(f"{url} is larger than {max_bytes >> 20} MB")
    return content
