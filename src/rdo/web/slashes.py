"""Accept URLs with extra slashes."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SEVERAL = re.compile("//+")


class MergedSlashes:
    """Reads several slashes in a path as one, as Apache does in front of DLRN.

    DLRN's client appends `/api/...` to its `--url`, which may end with a slash.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = _SEVERAL.sub("/", scope["path"])
        await self._app(scope, receive, send)
