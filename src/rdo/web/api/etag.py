"""ETags of our own API, so that unchanged answers are not sent again."""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/api/v1/"


class Etags:
    """Adds an ETag to each JSON answer of `/api/v1`, and answers 304 if the client has it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        if not is_ours or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if not _is_json(message):
                    await send(message)
                return
            if not _is_json(start):  # a log, which may never end
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            headers = MutableHeaders(scope=start)
            if start["status"] == 200:
                tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
                headers["ETag"], headers["Cache-Control"] = tag, "private, no-cache"
                if tag in {one.strip().removeprefix("W/") for one in known.split(",")}:
                    start["status"], body = 304, b""
                    del headers["Content-Length"]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, collect)


def _is_json(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("application/json")
