"""The lookaside server: rpkg's protocol over a folder of files.

GET and HEAD of `/PATH` (see `rdo.lookaside.layout`) return a file. POST to `/upload.cgi` has a form
with `name` (of the package) and `sha512sum` (or another hash): with `filename` it asks whether the
cache has a file, with `file` instead it uploads the file.
"""

import asyncio
import logging
import math

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from rdo.errors import NoSpaceError, NotFoundError, RefusedError
from rdo.lookaside.hashes import HashType, hash_type_of
from rdo.lookaside.layout import check_package
from rdo.lookaside.sources_file import SourceEntry, check_file_name
from rdo.lookaside.storage import Storage, Upload
from rdo.web.answers import ApiError
from rdo.web.lookaside.form import UploadForm
from rdo.web.lookaside.uploaders import Uploaders
from rdo.web.metrics import Metrics
from rdo.web.plain import patient, plain_errors
from rdo.web.requests import RequestLog

log = logging.getLogger(__name__)

UPLOAD_PATHS = ("/upload.cgi", "/upload")
_MOST_UPLOADS = 16


def lookaside(storage: Storage, uploaders: Uploaders) -> ASGIApp:
    """Return the ASGI application of a lookaside server."""
    server = _Server(storage, uploaders)
    routes = [
        *(Route(path, server.upload, methods=["POST"]) for path in UPLOAD_PATHS),
        Route("/{path:path}", server.download, methods=["GET"]),  # HEAD, too
    ]
    app = Starlette(routes=routes, exception_handlers=plain_errors())
    return RequestLog(app, Metrics())


class _Server:
    def __init__(self, storage: Storage, uploaders: Uploaders) -> None:
        self._storage = storage
        self._uploaders = uploaders
        self._room = asyncio.Semaphore(_MOST_UPLOADS)

    async def download(self, request: Request) -> Response:
        try:
            place = await run_in_threadpool(self._storage.find, request.path_params["path"])
        except NotFoundError as error:
            raise ApiError(404, str(error)) from error
        # so that no client unpacks or runs what it has downloaded
        return FileResponse(place, media_type="application/octet-stream")

    async def upload(self, request: Request) -> Response:
        """Accept one upload; raises ApiError for anything that is wrong with it."""
        who = await run_in_threadpool(self._uploaders.allow, request)
        if self._room.locked():
            raise ApiError(503, "too many uploads at once", {"Retry-After": "10"})
        async with self._room:
            try:
                return await self._answer(request, who)
            except RefusedError as error:
                raise ApiError(400, str(error), {"Connection": "close"}) from error
            except NoSpaceError as error:
                raise ApiError(507, str(error), {"Connection": "close"}) from error
            except ClientDisconnect:
                raise ApiError(400, "the upload was interrupted") from None

    async def _answer(self, request: Request, who: str) -> Response:
        with self._storage.upload() as upload:
            form = UploadForm(upload.write)
            await form.read(request.headers.get("content-type", ""), patient(request))
            package = check_package(_field(form, "name"))
            branch = form.fields.get("branch", "")
            kind, digest = _hash(form)
            if form.file_name is None:
                name = check_file_name(_field(form, "filename"))
                entry = SourceEntry(name, kind, digest)
                has = await run_in_threadpool(self._storage.has, package, entry, branch)
                return PlainTextResponse("Available\n" if has else "Missing\n")
            name = check_file_name(form.fields.get("filename") or form.file_name)
            entry = SourceEntry(name, kind, digest)
            is_new = await run_in_threadpool(
                self._keep, upload, package, entry, branch, form.fields.get("mtime", "")
            )
        log.info("%s: %s of %s, by %s", "stored" if is_new else "had", name, package, who)
        said = "stored" if is_new else "already stored"
        return PlainTextResponse(
            f"File {name} size {upload.size} {kind.upper()} {digest} {said} OK\n"
        )

    @staticmethod
    def _keep(upload: Upload, package: str, entry: SourceEntry, branch: str, changed: str) -> bool:
        return upload.keep(package, entry, branch, _moment(changed))


def _field(form: UploadForm, name: str) -> str:
    value = form.fields.get(name, "")
    if not value:
        raise ApiError(400, f"Required field {name!r} is not present")
    return value


def _hash(form: UploadForm) -> tuple[HashType, str]:
    """Return the announced hash; `sha512sum=HEX` is that of a file, as in rpkg's protocol."""
    for kind in reversed(HashType):
        digest = form.fields.get(f"{kind}sum", "").lower()
        if digest and hash_type_of(digest) == kind:
            return kind, digest
    raise ApiError(400, "Required checksum is not present")


def _moment(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds < 1 << 33 else None
