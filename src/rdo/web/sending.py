"""Answers whose body is an open file."""

from collections.abc import AsyncIterator, Mapping
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_CHUNK = 256 * 1024


class OpenFileResponse(StreamingResponse):
    """Sends an open file from its beginning, and closes it, even if the client disconnects.

    Starlette's FileResponse opens a path while it answers; by then another file may be there.
    """

    def __init__(
        self, file: IO[bytes], media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(_chunks(file), headers=headers, media_type=media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    await run_in_threadpool(file.seek, 0)
    while chunk := await run_in_threadpool(file.read, _CHUNK):
        yield chunk
