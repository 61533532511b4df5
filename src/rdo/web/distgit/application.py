"""git's smart protocol: `/NAME/info/refs`, `/NAME/git-upload-pack` and `/NAME/git-receive-pack`.

A request is written to a file until it is complete, and git then writes its answer into another
file. So a client that is slow, or disconnects, keeps no git process and no lock of a repository.
"""

import asyncio
import errno
import logging
import re
import tempfile
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from rdo.distgit.served.server import DistgitServer
from rdo.errors import NotFoundError, UserError
from rdo.tools.git.serving import MOST_PUSHED_BYTES, GitService, GitServing
from rdo.web.answers import ApiError
from rdo.web.lookaside.uploaders import Uploaders
from rdo.web.metrics import Metrics
from rdo.web.plain import patient, plain_errors
from rdo.web.requests import RequestLog
from rdo.web.sending import OpenFileResponse

log = logging.getLogger(__name__)

_MOST_ASKED_BYTES = 16 << 20
_MOST_AT_ONCE = 16
_CHUNK = 1 << 16
_PROTOCOL = re.compile(r"version=[0-2]")
_NEVER = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}


def distgits(server: DistgitServer, pushers: Uploaders) -> ASGIApp:
    """Return the ASGI application that serves distgits."""
    door = _Door(server, pushers)
    routes = [
        Route("/{name:path}/info/refs", door.advertise, methods=["GET"]),
        *(
            Route(f"/{{name:path}}/git-{service}", door.answer_to(service), methods=["POST"])
            for service in GitService
        ),
    ]
    return RequestLog(Starlette(routes=routes, exception_handlers=plain_errors()), Metrics())


@dataclass(slots=True)
class _Door:
    server: DistgitServer
    pushers: Uploaders
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))

    async def advertise(self, request: Request) -> Response:
        name = request.query_params.get("service", "").removeprefix("git-")
        if name not in list(GitService):
            raise ApiError(403, "this server speaks git's smart protocol only")
        service = GitService(name)
        serving = await self._serving(request, service)
        async with self._turn():
            refs = await run_in_threadpool(serving.advertise, service)
        head = b"" if serving.protocol == "version=2" else _packet(f"# service=git-{service}\n")
        kind = f"application/x-git-{service}-advertisement"
        return Response(head + refs, media_type=kind, headers=_NEVER)

    def answer_to(self, service: GitService) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._answer(request, service)

        return answer

    async def _answer(self, request: Request, service: GitService) -> Response:
        serving = await self._serving(request, service)
        if request.headers.get("content-type") != f"application/x-git-{service}-request":
            raise ApiError(415, f"send application/x-git-{service}-request")
        most = MOST_PUSHED_BYTES if service is GitService.PUSH else _MOST_ASKED_BYTES
        asked, answer = await run_in_threadpool(self._files)
        try:
            async with self._turn():
                await _receive(request, asked, most)
                fault = await run_in_threadpool(_run, serving, service, asked, answer)
        except BaseException:
            answer.close()
            raise
        finally:
            asked.close()
        if fault:
            answer.close()
            log.warning("%s of %s: %s", service, serving.repository.name, fault)
            is_full = "No space left" in fault
            said = "no space left on the server" if is_full else "git failed; the log says more"
            raise ApiError(507 if is_full else 500, said)
        kind = f"application/x-git-{service}-result"
        return OpenFileResponse(answer, kind, _NEVER)

    def _files(self) -> tuple[IO[bytes], IO[bytes]]:
        """Return two unnamed files, for a request and its answer."""
        folder = self.server.folder.incoming
        try:
            folder.mkdir(exist_ok=True)
            return tempfile.TemporaryFile(dir=folder), tempfile.TemporaryFile(dir=folder)
        except OSError as error:
            raise _full(error) from error

    async def _serving(self, request: Request, service: GitService) -> GitServing:
        """Return the requested repository; whoever pushes must be identified."""
        person = ""
        if service is GitService.PUSH:
            person = await run_in_threadpool(self.pushers.allow, request)
        sent = request.headers.get("git-protocol", "")
        protocol = sent if _PROTOCOL.fullmatch(sent) else ""
        try:
            return await run_in_threadpool(
                self.server.serving, request.path_params["name"], person, protocol
            )
        except NotFoundError as error:
            raise ApiError(404, str(error)) from error

    def _turn(self) -> asyncio.Semaphore:
        if self.room.locked():
            raise ApiError(503, "too many at once; try again", {"Retry-After": "10"})
        return self.room


async def _receive(request: Request, file: IO[bytes], most: int) -> None:
    """Write the body into a file, unpacked; raises ApiError above `most` bytes."""
    sent = request.headers.get("content-encoding", "identity")
    if sent not in {"identity", "gzip", "x-gzip"}:
        raise ApiError(415, "send the request as it is, or as gzip")
    unpacked = None if sent == "identity" else zlib.decompressobj(wbits=31)
    size = 0
    try:
        async for chunk in patient(request):
            for part in _parts(chunk, unpacked):
                size += len(part)
                if size > most:
                    raise ApiError(413, f"more than {most >> 20} MiB", {"Connection": "close"})
                await run_in_threadpool(file.write, part)
        await run_in_threadpool(file.flush)
    except zlib.error as error:
        raise ApiError(400, "the request is not gzip data") from error
    except ClientDisconnect:
        raise ApiError(400, "the request was interrupted") from None
    except OSError as error:
        raise _full(error) from error
    file.seek(0)


def _parts(chunk: bytes, unpacked: "zlib._Decompress | None") -> Iterator[bytes]:
    """Yield a chunk of the body, unpacked, in pieces that are never large."""
    if unpacked is None:
        yield chunk
        return
    while chunk:
        yield unpacked.decompress(chunk, _CHUNK)
        chunk = unpacked.unconsumed_tail


def _run(serving: GitServing, service: GitService, asked: IO[bytes], answer: IO[bytes]) -> str:
    try:
        fault = serving.answer(service, asked, answer)
    except UserError as error:
        return str(error)
    # in its answer, git itself has told the client what is wrong
    return "" if answer.seek(0, 2) else fault


def _packet(text: str) -> bytes:
    """Return a line in the frame of git's protocol, followed by the end of a group."""
    return f"{len(text) + 4:04x}{text}0000".encode()


def _full(error: OSError) -> ApiError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ApiError(507, "no space left on the server", {"Connection": "close"})
    raise error
