"""Refuse requests that a page of another site makes a browser send with its stored login."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from rdo.web.answers import ApiError, error_answer

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})


class SameSite:
    """Answers 403 if a page of another site wants to change something.

    Browsers give the origin of a page in `Sec-Fetch-Site`, older ones in `Origin`; other clients
    send neither. See the Fetch Metadata Request Headers of the W3C.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _LOOKING and _is_foreign(scope):
            error = ApiError(403, "a page of another site may not ask for this")
            await error_answer(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_foreign(scope: Scope) -> bool:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if site := headers.get(b"sec-fetch-site", ""):
        return site not in {"same-origin", "none"}
    origin = headers.get(b"origin", "")
    return bool(origin) and urlsplit(origin).netloc != headers.get(b"host", "")
