"""JSON over HTTP with one configured server, without redirects, within limits of size and time."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rdo import __version__
from rdo.errors import NotFoundError, OutsideError, RefusedError

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 20.0
MOST_SECONDS = 60.0
MOST_BYTES = 4_000_000
_AGAIN = {408, 425, 429}
_GERRIT = b")]}'"
"""The prefix that Gerrit puts before all JSON, so that no browser runs it."""


@dataclass(frozen=True, slots=True)
class RestServer:
    """A server: the URL before all paths, its name in messages, and how rdo logs in."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)

    def get(self, path: str) -> Any:
        """Return the JSON at a path.

        Raises NotFoundError if there is none, RefusedError if the server refuses, OutsideError if
        it cannot be reached or fails.
        """
        return self._ask("GET", path)

    def post(self, path: str, content: Mapping[str, object]) -> Any:
        """Send JSON to a path and return the answer; raises the same errors as `get`."""
        return self._ask("POST", path, content)

    def _ask(self, method: str, path: str, content: Mapping[str, object] | None = None) -> Any:
        import httpx  # only where reviews are configured

        headers = {"User-Agent": f"rdo/{__version__}", "Accept": "application/json", **self.headers}
        try:
            with (
                httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
                client.stream(
                    method,
                    f"{self.url.rstrip('/')}/{path}",
                    json=content,
                    headers=headers,
                    auth=self.login,
                ) as answer,
            ):
                body = self._body(answer)
        except (httpx.HTTPError, OSError) as error:
            said = str(error) or type(error).__name__
            raise OutsideError(f"{self.name} cannot be reached: {said}") from error
        self._check(answer)
        return self._parsed(body)

    def _body(self, answer: "httpx.Response") -> bytes:
        until, parts, size = time.monotonic() + MOST_SECONDS, [], 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > MOST_BYTES or time.monotonic() > until:
                raise OutsideError(
                    f"the answer of {self.name} is larger or slower than rdo accepts"
                )
            parts.append(part)
        return b"".join(parts)

    def _check(self, answer: "httpx.Response") -> None:
        code = answer.status_code
        if answer.is_success:
            return
        if code == 404:
            raise NotFoundError(f"{self.name} has no such change, or rdo may not see it")
        if answer.is_client_error and code not in _AGAIN:
            hint = "check its user and password-file" if code in {401, 403} else ""
            raise RefusedError(f"{self.name} answers {code}", hint=hint)
        raise OutsideError(f"{self.name} answers {code}")

    def _parsed(self, body: bytes) -> Any:
        try:
            return json.loads(body.removeprefix(_GERRIT)) if body.strip() else None
        except (ValueError, RecursionError) as error:
            raise OutsideError(f"{self.name} does not answer with JSON") from error
