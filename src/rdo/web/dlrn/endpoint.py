"""One target's side of DLRN's API: what each endpoint is given, and how it is added."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.responses import Response

from rdo.access.roles import Login, Role
from rdo.web.auth.guard import Guard
from rdo.web.dlrn.inputs import Inputs
from rdo.web.handling import HttpRequest, in_thread
from rdo.web.service import WebServer

Reader = Callable[["Endpoint", Inputs], Response]
Writer = Callable[["Endpoint", HttpRequest, Login], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The target that an endpoint answers for, and the server behind it."""

    target: str
    guard: Guard

    @property
    def service(self) -> WebServer:
        """The running server."""
        return self.guard.service

    def record(self, asked: HttpRequest, identity: Login, act: str, detail: str) -> None:
        """Add what a user did to the audit log."""
        self.guard.record(asked.caller, identity, act, self.target, detail)

    def reads(self, reader: Reader) -> Callable[[HttpRequest], Response]:
        """Return a handler for a GET with parameters."""

        def handler(asked: HttpRequest) -> Response:
            self.guard.allow_reading(asked.caller, self.target)
            return reader(self, Inputs.of_get(asked))

        return handler

    def writes(self, writer: Writer, role: Role) -> Callable[[HttpRequest], Response]:
        """Return a handler for a POST by a user with a role."""

        def handler(asked: HttpRequest) -> Response:
            return writer(self, asked, self.guard.allow(asked.caller, role, self.target))

        return handler


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the endpoints of a target are added."""

    app: Starlette
    prefix: str
    endpoint: Endpoint

    def get(self, path: str, reader: Reader) -> None:
        """Answer a GET of `/api/PATH`."""
        self._add(path, "GET", self.endpoint.reads(reader))

    def post(self, path: str, writer: Writer, role: Role) -> None:
        """Answer a POST of `/api/PATH`."""
        self._add(path, "POST", self.endpoint.writes(writer, role))

    def both(self, path: str, handler: Callable[[Endpoint, HttpRequest], Response]) -> None:
        """Answer a GET and a POST of `/api/PATH` alike."""
        self.app.add_route(
            f"{self.prefix}/api/{path}",
            in_thread(partial(handler, self.endpoint)),
            methods=["GET", "POST"],
            include_in_schema=False,
        )

    def _add(self, path: str, method: str, handler: Callable[[HttpRequest], Response]) -> None:
        self.app.add_route(
            f"{self.prefix}/api/{path}",
            in_thread(handler),
            methods=[method],
            include_in_schema=False,
        )
