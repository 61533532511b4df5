"""One target's part of DLRN's API: what each endpoint gets, and how it is added."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from starlette.applications import Starlette
from starlette.responses import Response

from rdo.access.roles import Login, Role
from rdo.web.auth.guard import Guard
from rdo.web.dlrn.inputs import Inputs
from rdo.web.handling import HttpRequest, in_thread
from rdo.web.service import WebServer

Teller = Callable[["Endpoint"], Response]
Reader = Callable[["Endpoint", Inputs], Response]
Writer = Callable[["Endpoint", HttpRequest, Login], Response]
Handler = Callable[[HttpRequest], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The target that an endpoint serves, and the server."""

    target: str
    guard: Guard

    @property
    def service(self) -> WebServer:
        """The running server."""
        return self.guard.service

    def record(self, asked: HttpRequest, identity: Login, act: str, detail: str) -> None:
        """Add what a user did to the audit log."""
        self.guard.record(asked.caller, identity, act, self.target, detail)

    def tells(self, teller: Teller) -> Handler:
        """Return a handler for a GET without parameters; a body is ignored."""

        def handler(asked: HttpRequest) -> Response:
            self.guard.allow_reading(asked.caller, self.target)
            return teller(self)

        return handler

    def reads(self, reader: Reader) -> Handler:
        """Return a handler for a GET with parameters."""

        def handler(asked: HttpRequest) -> Response:
            self.guard.allow_reading(asked.caller, self.target)
            return reader(self, Inputs.of_get(asked))

        return handler

    def writes(self, writer: Writer, role: Role) -> Handler:
        """Return a handler for a POST by a user with a role."""

        def handler(asked: HttpRequest) -> Response:
            return writer(self, asked, self.guard.allow(asked.caller, role, self.target))

        return handler


@dataclass(frozen=True, slots=True)
class Routes:
    """The endpoints of a target, which `add` puts below the prefix."""

    prefix: str
    endpoint: Endpoint
    handlers: dict[str, dict[str, Handler]] = field(default_factory=dict)

    def tell(self, path: str, teller: Teller) -> None:
        """Answer a GET of `/api/PATH`, which has no parameters."""
        self._methods(path)["GET"] = self.endpoint.tells(teller)

    def get(self, path: str, reader: Reader) -> None:
        """Answer a GET of `/api/PATH`."""
        self._methods(path)["GET"] = self.endpoint.reads(reader)

    def post(self, path: str, writer: Writer, role: Role) -> None:
        """Answer a POST of `/api/PATH`."""
        self._methods(path)["POST"] = self.endpoint.writes(writer, role)

    def both(self, path: str, handler: Callable[[Endpoint, HttpRequest], Response]) -> None:
        """Answer a GET and a POST of `/api/PATH` alike."""
        self._methods(path)["GET"] = self._methods(path)["POST"] = partial(handler, self.endpoint)

    def add(self, app: Starlette) -> None:
        """Add one route for each path; a route handles all methods."""
        for path, methods in self.handlers.items():
            app.add_route(
                f"{self.prefix}/api/{path}",
                in_thread(partial(_answer, methods)),
                methods=[*methods, "OPTIONS"],
                include_in_schema=False,
            )

    def _methods(self, path: str) -> dict[str, Handler]:
        return self.handlers.setdefault(path, {})


def _answer(methods: Mapping[str, Handler], asked: HttpRequest) -> Response:
    """Answer any method: HEAD like GET, and OPTIONS as flask does in DLRN."""
    if asked.method == "OPTIONS":
        implied = ["HEAD", "OPTIONS"] if "GET" in methods else ["OPTIONS"]
        return Response(headers={"Allow": ", ".join([*methods, *implied])})
    return methods["GET" if asked.method == "HEAD" else asked.method](asked)
