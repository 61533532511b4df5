"""Run ordinary functions as request handlers, in threads."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rdo.web.auth.guard import Caller


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as handlers see it: read completely, but not parsed.

    If the URL has a parameter more than once, `query` has the first one, as in flask.
    """

    method: str
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    content_type: str
    caller: Caller


def in_thread(
    handler: Callable[[HttpRequest], Response],
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return an endpoint that calls the handler in a thread, because calls of the store block."""

    async def endpoint(request: Request) -> Response:
        asked = HttpRequest(
            request.method,
            dict(reversed(request.query_params.multi_items())),
            await request.body(),
            request.headers.get("content-type", ""),
            caller_of(request),
        )
        return await run_in_threadpool(handler, asked)

    return endpoint


def caller_of(request: Request) -> Caller:
    """Return the origin of a request."""
    peer = request.client.host if request.client else ""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        # the lines of one header are one list; a proxy's additions are at its end
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Caller(headers, peer, request.state.request_id)
