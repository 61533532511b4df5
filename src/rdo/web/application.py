"""The application: all routes, and what every request goes through."""

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from rdo import __version__
from rdo.errors import UserError
from rdo.web import answers, status
from rdo.web.answers import ApiError
from rdo.web.api import reading
from rdo.web.api.etag import Etags
from rdo.web.auth.guard import Guard
from rdo.web.dlrn import routes as dlrn
from rdo.web.limits import BodyLimit
from rdo.web.metrics import Metrics
from rdo.web.pages import routes as pages
from rdo.web.requests import RequestLog
from rdo.web.same_site import SameSite
from rdo.web.service import WebServer

log = logging.getLogger(__name__)


def application(service: WebServer) -> ASGIApp:
    """Return the ASGI application of a server.

    DLRN's API of a target is below `/TARGET/`, and also at the top if only one target is served.
    The pages of a target are below `/TARGET/` too, those of the whole server are at the top.
    """
    metrics = Metrics()
    guard = Guard(service)
    app = FastAPI(
        title="rdo",
        version=__version__,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,
    )
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(Exception, _bug)
    app.add_exception_handler(RequestValidationError, _bad_input)
    app.include_router(reading.router(guard))
    status.add_routes(app, service, guard, metrics)
    for target in service.targets:
        dlrn.add_routes(app, f"/{target}", target, guard)
    if len(service.targets) == 1:
        dlrn.add_routes(app, "", service.targets[0], guard)
    pages.add_routes(app, service.targets, guard)
    return RequestLog(BodyLimit(SameSite(Etags(app))), metrics)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answers.error_answer(error)


async def _bad_input(_request: Request, error: Exception) -> Response:
    """Name the first parameter that is wrong."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return answers.error_answer(ApiError(422, f"{where}: {first['msg']}"))


async def _user_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)
    log.warning("%s", error)
    return answers.error_answer(answers.api_error(error))


async def _bug(request: Request, _error: Exception) -> Response:
    """Answer for an exception that nobody expected, which the caller logs."""
    known = request.state.request_id
    return answers.error_answer(ApiError(500, f"internal error; the log has more under {known}"))


async def _http_error(_request: Request, error: Exception) -> Response:
    """Answer an unknown path or method in the form of all errors."""
    assert isinstance(error, HTTPException)
    headers = (
        {"Allow": error.headers["Allow"]} if error.headers and "Allow" in error.headers else {}
    )
    return answers.error_answer(ApiError(error.status_code, error.detail, headers))
