"""Download one file by its URL."""

import http
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rdo.errors import NotFoundError, OutsideError, RefusedError

TIMEOUT_SECONDS = 60.0
PROTOCOLS = ("file", "http", "https")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect is answered like any other error."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return no request for the address that a server names instead."""


def download_file(url: str, place: Path, *, max_bytes: int) -> None:
    """Write a file to `place`, which must be free, from exactly this address.

    Nothing is followed: a redirect raises OutsideError, as all else that is no success. Raises
    NotFoundError if the server has none, RefusedError if it is larger than `max_bytes`.
    """
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer, place.open("xb") as file:
            left = max_bytes
            while chunk := answer.read(min(left + 1, 1 << 20)):
                left -= len(chunk)
                if left < 0:
                    raise RefusedError(f"{url} is larger than {max_bytes} bytes")
                file.write(chunk)
            announced = answer.headers.get("Content-Length", "")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.NOT_FOUND:
            raise NotFoundError(f"there is no {url}") from error
        raise OutsideError(f"cannot read {url}: it answers {error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise OutsideError(f"cannot read {url}: {getattr(error, 'reason', error)}") from error
    if announced.isdigit() and max_bytes - left != int(announced):
        raise OutsideError(f"cannot read {url}: the server sent less than it announced")


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
