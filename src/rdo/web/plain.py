"""The common parts of file servers: errors in plain text, and bodies that must keep coming."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rdo.web.answers import ApiError

IDLE_SECONDS = 60.0
"""How long a client may send nothing in the middle of a request's body."""


def plain_errors() -> Mapping[Any, Any]:
    """Return handlers that answer an error with its sentence."""
    return {ApiError: _api_error, HTTPException: _http_error}


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return PlainTextResponse(f"{error.message}\n", error.status, error.headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


async def patient(request: Request) -> AsyncIterator[bytes]:
    """Yield the body; disconnect a client that sends nothing for a minute."""
    stream = request.stream().__aiter__()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), IDLE_SECONDS)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ApiError(408, "the upload stalled", {"Connection": "close"}) from None
