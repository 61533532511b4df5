"""Limits for one request: the size of its body, and the time until it is received."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rdo.web.answers import ApiError, error_answer

MOST_BYTES = 1_000_000
MOST_SECONDS = 30.0


class BodyLimit:
    """Reads the body of a request before its handler is called, within limits.

    A body that is too large is answered with 413, one that arrives too slowly with 408.
    """

    def __init__(
        self, app: ASGIApp, *, most_bytes: int = MOST_BYTES, seconds: float = MOST_SECONDS
    ) -> None:
        self._app = app
        self._most = most_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._body(scope, receive)
        except TimeoutError:
            error = ApiError(408, "the request was not complete in time", {"Connection": "close"})
            await error_answer(error)(scope, receive, send)
            return
        except ApiError as error:
            await error_answer(error)(scope, receive, send)
            return
        if body is None:
            return
        is_read = False

        async def replay() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the whole body; None if the client has disconnected."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._most:
            raise self._too_large()
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > self._most:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    def _too_large(self) -> ApiError:
        message = f"the request is larger than {self._most} bytes"
        return ApiError(413, message, {"Connection": "close"})
