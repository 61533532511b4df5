"""Give each request an id, which its answer and all its log lines carry."""

import logging
import re
import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rdo import log_context
from rdo.web.metrics import Metrics

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_LONGEST_PATH = 300
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
}


class RequestLog:
    """Numbers, logs and measures each request and, whatever happens, answers it.

    An id sent by a proxy is kept, if it is a plain one. The query is not logged, because it may be
    private. An unexpected exception is logged with its traceback; the client gets only the id.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request
        begun, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        with log_context.about(request):
            try:
                await self._app(scope, receive, sending)
            except Exception:
                log.exception("a bug in rdo")
            finally:
                seconds = time.monotonic() - begun
                self._metrics.answered(scope, status, seconds)
                path = scope["path"][:_LONGEST_PATH]
                milliseconds = round(seconds * 1000)
                log.info("%s %r %d, %d ms", scope["method"], path, status, milliseconds)


def _request_id(scope: Scope) -> str:
    sent = dict(scope["headers"]).get(HEADER.lower().encode(), b"")
    return sent.decode() if _ID.fullmatch(sent) else secrets.token_hex(8)
