"""A Copr frontend, reached through its API version 3 over HTTP, and the files of its backend.

Copr's own client library is published as source only, so it cannot be in our lock; this module
sends the same requests (docs/decisions/0010-copr-by-its-rest-api.md).
"""

import configparser
import contextlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rdo.errors import CommandError, ConfigError, NotFoundError, OutsideError, RefusedError
from rdo.http_retry import status_may_pass

if TYPE_CHECKING:
    import httpx

DEFAULT_CONFIG = Path("~/.config/copr")
"""The file of Copr's own tools with the token shown on the frontend's page `/api`."""

_SECTION = "copr-cli"
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class CoprLogin:
    """A frontend, and the token by which it knows a user; `username` is the user's name there."""

    server: str
    username: str = ""
    login: str = ""
    token: str = ""

    @classmethod
    def read(cls, file: Path | None, server: str = "") -> "CoprLogin":
        """Read a file of Copr's tools; `server` takes precedence over the server in it.

        Raises ConfigError if it cannot be read, names no token, or sends the token in clear text
        without `encrypted = false`.
        """
        path = (file or DEFAULT_CONFIG).expanduser()
        parser = configparser.RawConfigParser()
        try:
            with path.open() as text:
                parser.read_file(text)
            section = parser[_SECTION]
            url = (server or section["copr_url"]).rstrip("/")
            encrypted = section.getboolean("encrypted", fallback=True)
            found = cls(url, section.get("username", ""), section["login"], section["token"])
        except OSError as error:
            raise ConfigError(
                f"cannot read {path}, which has the token of a Copr user: {error.strerror}",
                hint="the frontend's page /api shows what to write there",
            ) from error
        except (KeyError, ValueError, configparser.Error) as error:
            raise ConfigError(
                f"{path} is not a configuration of Copr's tools: {' '.join(str(error).split())}",
                hint="the frontend's page /api shows what to write there",
            ) from error
        if encrypted and not url.startswith("https://"):
            raise ConfigError(
                f"{path}: the token would go to {url} in clear text",
                hint="use the https URL of the frontend, or write encrypted = false",
            )
        return found


class CoprFault(CommandError):
    """A request that the frontend has understood and rejected; `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class CoprFrontend:
    """A frontend as one user sees it. Its answers are JSON objects."""

    def __init__(self, login: CoprLogin, *, timeout_seconds: float = 60) -> None:
        self.server = login.server
        self.username = login.username
        self._login = login
        self._timeout = timeout_seconds

    def ask(self, path: str, **query: object) -> dict[str, Any]:
        """Return the frontend's answer to a question that needs no login."""
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def act(
        self, method: str, path: str, form: Mapping[str, object] | None = None, **query: object
    ) -> dict[str, Any]:
        """Send a request of the user that changes something."""
        return self._call(method, path, params=query, json=form, auth=self._auth())

    def upload(
        self, path: str, form: Mapping[str, object], file: Path, name: str
    ) -> dict[str, Any]:
        """Upload a source RPM under the name `name`, with the form that describes the build."""
        import json

        with file.open("rb") as content:
            parts = {
                "pkgs": (name, content, "application/x-rpm"),
                "json": ("json", json.dumps(form), "application/json"),
            }
            return self._call("POST", path, files=parts, auth=self._auth())

    def part(self, url: str, known: int, most: int) -> bytes:
        """Return the part of a backend file after its first `known` bytes; empty if there is none.

        It is also empty if the file does not exist yet.
        """
        with self._translated(url), self._stream(url, {"Range": f"bytes={known}-"}) as answer:
            if answer.status_code in {404, 416}:
                return b""
            _raise_for_status(answer, url)
            skip = 0 if answer.status_code == 206 else known
            found = bytearray()
            for chunk in answer.iter_bytes():
                found += chunk
                if len(found) >= skip + most:
                    break
            return bytes(found[skip : skip + most])

    def save(self, url: str, file: Path, *, most: int) -> bool:
        """Save a file of the backend; False if it does not exist.

        If it is compressed by gzip, according to its name, it is unpacked. Raises RefusedError if
        it is larger than `most`, OutsideError if gzip cannot unpack it.
        """
        unpack = zlib.decompressobj(_GZIP) if url.endswith(".gz") and file.suffix != ".gz" else None
        with self._translated(url), self._stream(url, {}) as answer:
            if answer.status_code == 404:
                return False
            _raise_for_status(answer, url)
            with file.open("wb") as out:
                for chunk in answer.iter_raw():
                    out.write(unpack.decompress(chunk, most) if unpack else chunk)
                    if out.tell() > most or (unpack and unpack.unconsumed_tail):
                        raise RefusedError(f"{url} is larger than {most / 1e6:.0f} MB")
            announced = answer.headers.get("content-length", "")
            if announced.isdigit() and answer.num_bytes_downloaded != int(announced):
                raise OutsideError(f"{url} ended too early")
        return True

    def _auth(self) -> tuple[str, str]:
        return self._login.login, self._login.token

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        import httpx

        url = f"{self.server}/api_3/{path}"
        with self._translated(url):
            answer = httpx.request(
                method, url, timeout=self._timeout, follow_redirects=True, **request
            )
            _raise_for_status(answer, url)
            try:
                found = answer.json()
            except ValueError as error:
                raise OutsideError(f"{url} does not answer as Copr does") from error
        if not isinstance(found, dict):
            raise OutsideError(f"{url} does not answer as Copr does")
        return found

    @contextlib.contextmanager
    def _stream(self, url: str, headers: Mapping[str, str]) -> "Iterator[httpx.Response]":
        import httpx

        plain = {"Accept-Encoding": "identity", **headers}
        with httpx.stream(
            "GET", url, timeout=self._timeout, follow_redirects=True, headers=plain
        ) as answer:
            yield answer

    @contextlib.contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise OutsideError(f"{url} cannot be reached: {said}") from error
        except zlib.error as error:
            raise OutsideError(f"{url} is not packed by gzip: {error}") from error


def _raise_for_status(answer: "httpx.Response", url: str) -> None:
    """Raise the error for a frontend's status: refused, missing, unreachable, or its own fault."""
    status = answer.status_code
    if status < 400:
        return
    said = _error_message(answer)
    if status == 401:
        raise RefusedError(
            f"{url} refuses the login: {said}",
            hint="get a new token from the frontend's page /api, and write it to ~/.config/copr",
        )
    if status == 403:
        raise RefusedError(f"{url} does not allow it: {said}")
    if status == 404:
        raise NotFoundError(f"{url}: {said}")
    if status_may_pass(status):
        raise OutsideError(f"{url} answers with HTTP {status}: {said}")
    raise CoprFault(f"{url} refuses the request: {said}", status)


def _error_message(answer: "httpx.Response") -> str:
    """Return the error message of a frontend, in one line."""
    try:
        answer.read()
        found = answer.json()
    except ValueError:
        return answer.reason_phrase
    said = found.get("error") if isinstance(found, dict) else None
    return " ".join(str(said or answer.reason_phrase).split())[:400]
