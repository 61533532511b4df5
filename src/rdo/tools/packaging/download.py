"""Download one file by its URL."""

import contextlib
import http
import http.client
import string
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.http_retry import with_retries

TIMEOUT_SECONDS = 60.0
PROTOCOLS = ("file", "http", "https")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirects: they are handled like any other error."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return no request for the URL in a redirect."""


def download_file(url: str, place: Path, *, max_bytes: int) -> None:
    """Write a file to `place`, which must be free, from exactly this address.

    A redirect is not followed: it raises OutsideError, like every other answer that is not a
    success. Raises NotFoundError if the server has no such file, RefusedError if it is larger than
    `max_bytes`. `place` is free again after an error.
    """
    with place.open("xb") as file:
        try:
            with _translated_errors(url):
                with_retries(partial(_write, url, file, max_bytes), url)
        except BaseException:
            place.unlink()
            raise


def download(url: str, *, max_bytes: int) -> bytes:
    """Return the whole content of a file, through the proxies that the environment sets.

    Raises OutsideError if it cannot be downloaded or the server sends less than it announced,
    RefusedError if the URL has another protocol or the file is larger than `max_bytes`.
    """
    if url.partition("://")[0].lower() not in PROTOCOLS:
        raise RefusedError(f"{url} is not the URL of a file; use {', '.join(PROTOCOLS)}")
    with _translated_errors(url):
        return with_retries(partial(_read, _in_ascii(url), max_bytes), url)


def _in_ascii(url: str) -> str:
    """Return a URL as it is sent: non-ASCII letters are escaped, and nothing else changed."""
    return urllib.parse.quote(url, safe=string.punctuation, errors="surrogateescape")


def _write(url: str, file: IO[bytes], max_bytes: int) -> None:
    file.seek(0)
    file.truncate()
    with _open_directly(url) as answer:
        while chunk := answer.read(min(max_bytes - file.tell() + 1, 1 << 20)):
            file.write(chunk)
            if file.tell() > max_bytes:
                raise RefusedError(f"{url} is larger than {max_bytes} bytes")
        _check_length(answer, file.tell())


def _open_directly(url: str) -> Any:
    """Open a URL without following redirects; raises NotFoundError if the server has no file."""
    try:
        return urllib.request.build_opener(_NoRedirect).open(url, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.NOT_FOUND:
            raise NotFoundError(f"there is no {url}") from error
        raise


def _read(url: str, max_bytes: int) -> bytes:
    # its protocol is known
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        content: bytes = answer.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise RefusedError(f"{url} is larger than {max_bytes >> 20} MB")
        _check_length(answer, len(content))
        return content


def _check_length(answer: Any, length: int) -> None:
    """Raise IncompleteRead if the server announced more; http.client does not always notice."""
    announced = answer.headers.get("Content-Length", "")
    if announced.isdigit() and length != int(announced):
        raise http.client.IncompleteRead(b"", int(announced) - length)


@contextlib.contextmanager
def _translated_errors(url: str) -> Iterator[None]:
    """Turn the errors of urllib into errors that a user can act on."""
    try:
        yield
    except urllib.error.HTTPError as error:
        raise OutsideError(
            f"cannot read {url}: it answers {error.code} {error.reason}",
            hint="name the address that it redirects to" if 300 <= error.code < 400 else "",
        ) from error
    except http.client.IncompleteRead as error:
        raise OutsideError(
            f"cannot read {url}: the server sent less than it announced",
            hint="run the command again",
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise OutsideError(f"cannot read {url}: {getattr(error, 'reason', '') or error}") from error
