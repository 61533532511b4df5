"""Clients that follow a growing log, within limits: each gets new lines until the build ends."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from rdo.errors import NotFoundError, UserError
from rdo.trunk.views.dashboard.build_log import MOST_BYTES, grown, read_from
from rdo.web.answers import ApiError

log = logging.getLogger(__name__)

MOST = 64
"""How many may follow at once; all others get 503."""
MOST_SECONDS = 6 * 3600.0
"""How long one may follow; a browser then asks again, from where it was."""
SEND_SECONDS = 60.0
"""How long a client may read nothing of what is sent."""
PAUSE_SECONDS = 0.5
_QUIET_SECONDS = 15.0
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # no proxy may buffer it


@dataclass(frozen=True, slots=True)
class Growing:
    """The log of a build: its folder, and whether it may still grow."""

    folder: Path
    is_over: Callable[[], bool]

    def raw(self, offset: int) -> tuple[bytes, int, bool]:
        """Return what was added since an offset, the new offset, and whether that is all."""
        ends = self.is_over()  # checked first, so that the last lines are not missed
        try:
            begin, content, size = read_from(self.folder, offset, MOST_BYTES)
        except NotFoundError:
            return b"", offset, ends
        end = begin + len(content)
        return content, end, ends and end >= size

    def event(self, offset: int) -> tuple[bytes, int, bool]:
        """Return the same as a server-sent event, of whole lines."""
        ends = self.is_over()
        try:
            part = grown(self.folder, offset, is_over=ends)
        except NotFoundError:
            return b"", offset, ends
        if not part.lines:
            return b"", part.end, part.is_over
        return _event("lines", part.lines, part.end), part.end, part.is_over


class Followers:
    """Counts the followers, and disconnects them when the server ends."""

    def __init__(self) -> None:
        self.count = 0
        self.is_ending = False

    def end(self) -> None:
        """Disconnect all of them, because the server ends."""
        self.is_ending = True

    def text(self, log: Growing, offset: int) -> "LogStream":
        """Return a log as plain text that continues while the log grows."""
        return self._stream(log.raw, offset, "text/plain; charset=utf-8")

    def events(self, log: Growing, offset: int) -> "LogStream":
        """Return a log as server-sent events: `lines`, and `end` once the build has ended."""
        return self._stream(log.event, offset, "text/event-stream")

    def _stream(
        self,
        read: Callable[[int], tuple[bytes, int, bool]],
        offset: int,
        kind: str,
    ) -> "LogStream":
        if self.count >= MOST:
            raise ApiError(503, "too many logs are watched at once", {"Retry-After": "30"})
        pieces = self._pieces(read, offset, is_events=kind == "text/event-stream")
        return LogStream(self, pieces, kind)

    async def _pieces(
        self, read: Callable[[int], tuple[bytes, int, bool]], offset: int, *, is_events: bool
    ) -> AsyncIterator[bytes]:
        begun = said = time.monotonic()
        while True:
            try:
                piece, offset, ends = await run_in_threadpool(read, offset)
            except UserError as error:  # such as a database that is gone
                log.warning("a log is no longer watched: %s", error)
                return
            now = time.monotonic()
            if piece:
                yield piece
                said = now
            if ends:
                if is_events:
                    yield _event("end", {}, offset)
                return
            if self.is_ending or now - begun > MOST_SECONDS:
                return
            if is_events and now - said > _QUIET_SECONDS:
                yield b": nothing new\n\n"
                said = now
            if not piece:
                await asyncio.sleep(PAUSE_SECONDS)


class LogStream(StreamingResponse):
    """An answer that continues, but disconnects a client that reads nothing of it."""

    def __init__(
        self,
        followers: Followers,
        pieces: AsyncIterator[bytes],
        kind: str,
    ) -> None:
        super().__init__(pieces, headers=_HEADERS, media_type=kind)
        self._followers = followers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._followers.count += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._followers.count -= 1

    async def stream_response(self, send: Send) -> None:
        async def timed(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        with contextlib.suppress(TimeoutError):  # the server closes the connection
            await super().stream_response(timed)


def _event(kind: str, content: object, offset: int) -> bytes:
    return f"id: {offset}\nevent: {kind}\ndata: {json.dumps(content)}\n\n".encode()
