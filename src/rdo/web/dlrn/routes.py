"""The endpoints of DLRN's API for one target."""

from starlette.applications import Starlette
from starlette.responses import Response

from rdo.access.roles import Login, Role
from rdo.web.answers import ApiError, json_answer
from rdo.web.auth.guard import Guard
from rdo.web.dlrn.endpoint import Endpoint, Routes
from rdo.web.dlrn.inputs import MISSING, Inputs
from rdo.web.handling import HttpRequest


def add_routes(app: Starlette, prefix: str, target: str, guard: Guard) -> None:
    """Add DLRN's API of a target below a prefix, which is empty or begins with a slash."""
    routes = Routes(app, prefix, Endpoint(target, guard))
    routes.get("health", _health)
    routes.post("health", _health_of_user, Role.READER)
    routes.get("metrics/builds", _build_metrics)


def _health(endpoint: Endpoint, _inputs: Inputs) -> Response:
    return _is_well(endpoint)


def _health_of_user(endpoint: Endpoint, _asked: HttpRequest, _identity: Login) -> Response:
    return _is_well(endpoint)


def _is_well(endpoint: Endpoint) -> Response:
    with endpoint.service.store.read() as at:
        has_builds = at.history.has_builds(endpoint.target)
    return json_answer({"result": "ok" if has_builds else "ok, no commits in DB"})


def _build_metrics(endpoint: Endpoint, inputs: Inputs) -> Response:
    """Count the builds of a period; its last day is left out, of the failed ones too."""
    if not inputs.has("start_date", "end_date"):
        raise ApiError(400, MISSING)
    start, end = inputs.day("start_date"), inputs.day("end_date")
    package = inputs.text("package_name") or ""
    with endpoint.service.store.read() as at:
        counts = at.history.counts(endpoint.target, since=start, until=end, package=package)
    answer = {"succeeded": counts.built, "failed": counts.failed}
    return json_answer({**answer, "total": counts.built + counts.failed})
