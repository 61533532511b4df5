"""Download one file by its URL."""

import http.client
import urllib.error
import urllib.request

from rdo.errors import OutsideError, RefusedError

TIMEOUT_SECONDS = 60.0
PROTOCOLS = ("file", "http", "https")


def download(url: str, *, max_bytes: int) -> bytes:
    """Return the whole content of a file, through the proxies that the environment sets.

    Raises OutsideError if it cannot be downloaded or the server sends less than it announced,
    RefusedError if the URL has another protocol or the file is larger than `max_bytes`.
    """
    if url.partition("://")[0] not in PROTOCOLS:
        raise RefusedError(f"{url} is not the URL of a file; use {', '.join(PROTOCOLS)}")
    try:
        with urllib.request.urlopen(
            url, timeout=TIMEOUT_SECONDS
        ) as answer:  # its protocol is known
            content: bytes = answer.read(max_bytes + 1)
            announced = answer.headers.get("Content-Length", "")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", "") or error
        code = f" ({error.code})" if isinstance(error, urllib.error.HTTPError) else ""
        raise OutsideError(f"cannot read {url}: {reason}{code}") from error
    if len(content) > max_bytes:
        raise RefusedError(f"{url} is larger than {max_bytes >> 20} MB")
    if announced.isdigit() and len(content) != int(announced):
        # http.client notices only if it is asked for everything at once.
        raise OutsideError(
            f"cannot read {url}: the server sent {len(content)} of {announced} bytes",
            hint="run the command again",
        )
    return content
