"""Return the log of a build: in parts, or as a stream while it grows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from rdo.errors import NotFoundError
from rdo.store.work.builds import BuildState
from rdo.trunk.views.dashboard.build_log import read_from
from rdo.web.answers import ApiError
from rdo.web.service import WebServer

MOST_BYTES = 1_000_000
RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "text/event-stream": {"schema": {"type": "string"}},
        }
    },
    206: {"description": "The part that the Range asked for, at most 1 MB of it."},
    416: {"description": "The log is shorter than where the Range begins."},
}
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """The wanted part of a log; `last_event` is where an interrupted event stream was."""

    offset: int = 0
    follow: bool = False
    events: bool = False
    range: str = ""
    last_event: str = ""

    @classmethod
    def of(cls, request: Request, offset: int, *, follow: bool) -> "LogQuestion":
        """Read it from a request."""
        headers = request.headers
        return cls(
            offset,
            follow,
            _EVENTS in headers.get("accept", ""),
            headers.get("range", ""),
            headers.get("last-event-id", ""),
        )

    @property
    def begin(self) -> int:
        """The offset at which a stream begins."""
        if re.fullmatch(r"[0-9]{1,15}", self.last_event):
            return int(self.last_event)
        found = _RANGE.fullmatch(self.range)
        return int(found[1]) if found and found[1] else self.offset


def answer(server: WebServer, target: str, build_id: int, asked: LogQuestion) -> Response:
    """Return a log or a part of it.

    Raises ApiError: 404 if there is no such build, or no log and none will come, 416 for a range
    beyond its end, 503 if too many logs are being followed.
    """
    with server.store.read() as at:
        build = at.history.get(target, build_id)
    if build is None:
        raise ApiError(404, f"{target} has no build {build_id}")
    log = server.growing_log(build)
    is_stream = asked.follow or asked.events
    try:
        begin, last = 0, None
        if asked.range and not is_stream:
            _, _, size = read_from(log.folder, 0, 0)
            begin, last = _asked_range(asked.range, size)
        most = MOST_BYTES if last is None else min(last - begin + 1, MOST_BYTES)
        start = asked.offset if last is None else begin
        begin, content, size = read_from(log.folder, start, 0 if is_stream else most)
    except NotFoundError:
        if not is_stream or log.is_over():
            raise ApiError(404, f"build {build_id} has no log, or none any more") from None
    if asked.events:
        return server.followers.events(log, asked.begin)
    if asked.follow:
        return server.followers.text(log, asked.begin)
    end = begin + len(content)
    headers = {
        "X-Next-Offset": str(end),
        "X-Log-Complete": str(build.state is BuildState.DONE and end >= size).lower(),
        "Accept-Ranges": "bytes",
    }
    if last is not None:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    return _text(content, 200 if last is None else 206, headers)


def _text(content: bytes, status: int, headers: Mapping[str, str]) -> Response:
    return Response(content, status, headers, media_type="text/plain; charset=utf-8")


def _asked_range(text: str, size: int) -> tuple[int, int | None]:
    """Return the first and the last byte of a range; no last one if it is not a range.

    Raises ApiError 416 if it begins beyond the end.

    >>> _asked_range("bytes=2-", 10), _asked_range("bytes=-3", 10), _asked_range("lines=1-2", 10)
    ((2, 9), (7, 9), (0, None))
    """
    found = _RANGE.fullmatch(text)
    if not found or not (found[1] or found[2]):
        return 0, None
    if not found[1]:
        begin, last = max(size - int(found[2]), 0), size - 1
    else:
        begin, last = int(found[1]), min(int(found[2] or size), size - 1)
    if begin >= size or begin > last:
        raise ApiError(416, "the log is shorter", {"Content-Range": f"bytes */{size}"})
    return begin, last
