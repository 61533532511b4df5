"""From a request to a handler that is an ordinary function, and runs in a thread."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rdo.web.auth.guard import Caller


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as handlers see it: everything is read, and nothing is parsed yet."""

    method: str
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    content_type: str
    caller: Caller


def in_thread(
    handler: Callable[[HttpRequest], Response],
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return an endpoint that calls the handler in a thread, as the store's calls block."""

    async def endpoint(request: Request) -> Response:
        asked = HttpRequest(
            request.method,
            dict(request.query_params),
            await request.body(),
            request.headers.get("content-type", ""),
            caller_of(request),
        )
        return await run_in_threadpool(handler, asked)

    return endpoint


def caller_of(request: Request) -> Caller:
    """Return where a request came from."""
    peer = request.client.host if request.client else ""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        # the lines of one header are one list: what a proxy has added is at the end of it
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Caller(headers, peer, request.state.request_id)
