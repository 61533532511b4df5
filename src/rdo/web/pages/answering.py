"""From a request for a page to its HTML, and to a page for each error."""

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rdo.errors import NotFoundError, UserError
from rdo.pages import live
from rdo.pages.values import Live
from rdo.web.answers import ApiError, api_error
from rdo.web.auth.guard import Caller
from rdo.web.handling import caller_of

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
}
_NUMBER = re.compile(r"[0-9]{1,9}")
_TITLES = {401: "Log in", 403: "Not allowed", 404: "Not found", 503: "Not available"}


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page: what its path and its query say, and who asks."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    caller: Caller

    def number(self, name: str) -> int:
        """Return the number in the path; raise NotFoundError if it cannot be one of ours."""
        text = self.path[name]
        if not _NUMBER.fullmatch(text):
            raise NotFoundError(f"there is no number {text[:40]}")
        return int(text)

    def asked_number(self, name: str) -> int | None:
        """Return a number of the query; None if there is none."""
        text = self.query.get(name, "")
        return int(text) if _NUMBER.fullmatch(text) else None

    def text(self, name: str, most: int = 200) -> str:
        """Return a text of the query in one line."""
        return " ".join(self.query.get(name, "").split())[:most]


Handler = Callable[[PageRequest], Response]


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page."""
    return Response(text, status, {**HEADERS, **(headers or {})}, "text/html")


def endpoint(handler: Handler, up: str) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return an endpoint that calls the handler in a thread; `up` leads to the server's top."""

    def answer(asked: PageRequest) -> Response:
        try:
            return handler(asked)
        except ApiError as error:
            return error_page(error, up)
        except UserError as error:
            return error_page(api_error(error), up, error.hint or "")

    async def called(request: Request) -> Response:
        path = {name: str(value) for name, value in request.path_params.items()}
        asked = PageRequest(path, dict(request.query_params), caller_of(request))
        return await run_in_threadpool(answer, asked)

    return called


def error_page(error: ApiError, up: str, hint: str = "") -> Response:
    """Return the page of an error."""
    title = _TITLES.get(error.status, "Something went wrong")
    text = live.error(Live((), ""), up, title, error.message, hint)
    return html(text, error.status, error.headers)
