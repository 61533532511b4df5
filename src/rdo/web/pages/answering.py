"""Turn requests for pages into HTML, and errors into error pages."""

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

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
_OFFSET = re.compile(r"[0-9]{1,15}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MOST_FIELDS = 20
_TITLES = {401: "Log in", 403: "Not allowed", 404: "Not found", 503: "Not available"}


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page: the values in its path, query and form, and the caller."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    caller: Caller
    form: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return the number in the path; raises NotFoundError if it cannot be one of ours."""
        text = self.path[name]
        if not _NUMBER.fullmatch(text):
            raise NotFoundError(f"there is no number {text[:40]}")
        return int(text)

    def asked_number(self, name: str) -> int | None:
        """Return a number in the query; None if there is none."""
        text = self.query.get(name, "")
        return int(text) if _NUMBER.fullmatch(text) else None

    @property
    def last_event(self) -> int | None:
        """The last server-sent event that the client received before its connection broke."""
        text = self.caller.headers.get("last-event-id", "")
        return int(text) if _OFFSET.fullmatch(text) else None

    def text(self, name: str, most: int = 200) -> str:
        """Return a text in the query, as one line."""
        return " ".join(self.query.get(name, "").split())[:most]


Handler = Callable[[PageRequest], Response]


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page."""
    return Response(text, status, {**HEADERS, **(headers or {})}, "text/html")


def endpoint(handler: Handler) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return an endpoint that calls the handler in a thread."""

    def answer(asked: PageRequest, up: str) -> Response:
        try:
            return handler(asked)
        except ApiError as error:
            return error_page(error, up)
        except UserError as error:
            return error_page(api_error(error), up, error.hint or "")

    async def called(request: Request) -> Response:
        path = {name: str(value) for name, value in request.path_params.items()}
        form = _form(await request.body())
        asked = PageRequest(path, dict(request.query_params), caller_of(request), form)
        return await run_in_threadpool(answer, asked, way_up(request))

    return called


def wants_page(request: Request) -> bool:
    """Whether an error should be a page, because a browser asks and not an API client.

    >>> [_prefers_html(x) for x in ("text/html,*/*;q=0.8", "*/*", "application/json,text/html;q=0")]
    [True, False, False]
    """
    parts = request.url.path.split("/")[1:3]
    is_api = parts[0] == "api" or (len(parts) > 1 and parts[1] == "api")
    return not is_api and _prefers_html(request.headers.get("accept", ""))


def _prefers_html(accept: str) -> bool:
    named = (one.replace(" ", "").lower().partition(";") for one in accept.split(","))
    return any(kind == "text/html" and more not in {"q=0", "q=0.0"} for kind, _, more in named)


def way_up(request: Request) -> str:
    """Return the relative path from a page to the top of the server."""
    return "../" * (request.url.path.count("/") - 1) or "./"


def _form(body: bytes) -> dict[str, str]:
    """Return the fields of a form as browsers send it; none for anything else."""
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def error_page(error: ApiError, up: str, hint: str = "") -> Response:
    """Return the page of an error."""
    title = _TITLES.get(error.status, "Something went wrong")
    text = live.error(Live((), ""), up, title, error.message, hint)
    return html(text, error.status, error.headers)
