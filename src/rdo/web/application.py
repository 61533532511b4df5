"""The application: all routes, and the layers that every request passes through."""

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from rdo import __version__
from rdo.errors import UserError, is_of_the_machine
from rdo.web import answers, hooks, status
from rdo.web.answers import ApiError
from rdo.web.api import acks, explaining, health, packages, reading, reviews, verdicts
from rdo.web.api.etag import Etags
from rdo.web.auth.guard import Guard
from rdo.web.dlrn import routes as dlrn
from rdo.web.limits import BodyLimit
from rdo.web.metrics import Metrics
from rdo.web.pages import answering
from rdo.web.pages import routes as pages
from rdo.web.repositories import routes as repositories
from rdo.web.requests import RequestLog
from rdo.web.same_site import SameSite
from rdo.web.service import WebServer
from rdo.web.slashes import MergedSlashes

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
    app.state.guard = guard  # used by the endpoints of our own API
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(OSError, _system_error)
    app.add_exception_handler(Exception, _bug)
    app.add_exception_handler(RequestValidationError, _bad_input)
    app.include_router(health.router(service))
    app.include_router(reading.router())
    app.include_router(acks.router())
    app.include_router(reviews.router())
    app.include_router(packages.router())
    app.include_router(verdicts.router())
    app.include_router(explaining.router())
    status.add_routes(app, service, guard, metrics)
    hooks.add_routes(app, guard)
    for target in service.targets:
        dlrn.add_routes(app, f"/{target}", target, guard)
    if len(service.targets) == 1:
        dlrn.add_routes(app, "", service.targets[0], guard)
    repositories.add_routes(app, guard)
    pages.add_routes(app, service.targets, guard)
    return RequestLog(MergedSlashes(BodyLimit(SameSite(Etags(app)))), metrics)


def _answer(request: Request, error: ApiError, hint: str = "") -> Response:
    """Return an error as a page to a browser, else as JSON."""
    if answering.wants_page(request):
        return answering.error_page(error, answering.way_up(request), hint)
    return answers.error_answer(error)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _answer(request, error)


async def _bad_input(request: Request, error: Exception) -> Response:
    """Return the error that names the first invalid parameter."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _answer(request, ApiError(422, f"{where}: {first['msg']}"))


async def _user_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)
    log.warning("%s", error)
    return _answer(request, answers.api_error(error), error.hint)


async def _system_error(request: Request, error: Exception) -> Response:
    """Answer for a full disk and the like; any other error of the system is a bug."""
    assert isinstance(error, OSError)
    if not is_of_the_machine(error):
        raise error
    log.error("%s", error)
    return _answer(request, answers.of_the_machine(error))


async def _bug(request: Request, _error: Exception) -> Response:
    """Answer for an unexpected exception, which the caller logs."""
    known = request.state.request_id
    return _answer(request, ApiError(500, f"internal error; the log has more under {known}"))


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer for an unknown path or method, in the form of all errors."""
    assert isinstance(error, HTTPException)
    headers = (
        {"Allow": error.headers["Allow"]} if error.headers and "Allow" in error.headers else {}
    )
    said = error.detail
    if error.status_code == 404 and answering.wants_page(request):
        said = f"there is no page {request.url.path[:200]}"
    return _answer(request, ApiError(error.status_code, said, headers))
