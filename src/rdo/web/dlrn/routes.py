"""The endpoints of DLRN's API for one target."""

import contextlib

from starlette.applications import Starlette
from starlette.responses import Response

from rdo.access.roles import Login, Role
from rdo.errors import ConfigError, NotFoundError, RefusedError, UserError
from rdo.trunk.care import steering
from rdo.trunk.context import open_trunk
from rdo.trunk.importing.addresses import check_address
from rdo.trunk.importing.importing import import_commits
from rdo.web.answers import ApiError, json_answer
from rdo.web.auth.guard import Guard
from rdo.web.dlrn import graphql, promotions, votes
from rdo.web.dlrn.endpoint import Endpoint, Routes
from rdo.web.dlrn.inputs import MISSING, Inputs
from rdo.web.handling import HttpRequest

_NOT_RECHECKED = "Error while rechecking {name}. "
_NO_COMMIT = (
    _NOT_RECHECKED + "There are no existing commits or the commit to be rechecked is already "
    "marked as RETRY."
)
_NOT_IMPORTED = "Remote import failed with error: {error}"
_IS_GOOD = _NOT_RECHECKED + "It's not possible to recheck a successful commit"


def add_routes(app: Starlette, prefix: str, target: str, guard: Guard) -> None:
    """Add DLRN's API of a target below a prefix, which is empty or begins with a slash."""
    routes = Routes(prefix, Endpoint(target, guard))
    routes.tell("health", _health)
    routes.post("health", _health_of_user, Role.READER)
    routes.get("metrics/builds", _build_metrics)
    routes.get("repo_status", votes.repo_status)
    routes.get("agg_status", votes.agg_status)
    routes.get("last_tested_repo", votes.last_tested_repo)
    routes.post("last_tested_repo", votes.begin_test, Role.CI)
    routes.post("report_result", votes.report_result, Role.CI)
    routes.get("promotions", promotions.promotions)
    routes.tell("components", promotions.components)
    routes.post("promote", promotions.promote, Role.PROMOTER)
    routes.both("graphql", graphql.handler)
    routes.post("recheck_package", _recheck_package, Role.ADMIN)
    routes.post("remote/import", _remote_import, Role.ADMIN)
    routes.post("promote-batch", promotions.promote_batch, Role.PROMOTER)
    routes.add(app)


def _health_of_user(endpoint: Endpoint, _asked: HttpRequest, _identity: Login) -> Response:
    return _health(endpoint)


def _health(endpoint: Endpoint) -> Response:
    with endpoint.service.store.read() as at:
        has_builds = at.history.has_builds(endpoint.target)
    return json_answer({"result": "ok" if has_builds else "ok, no commits in DB"})


def _build_metrics(endpoint: Endpoint, inputs: Inputs) -> Response:
    """Count the builds of a period; the last day is left out, for failed builds too."""
    if not inputs.has("start_date", "end_date"):
        raise ApiError(400, MISSING)
    start, end = inputs.day("start_date"), inputs.day("end_date")
    package = inputs.text("package_name") or ""
    with endpoint.service.store.read() as at:
        counts = at.history.counts(endpoint.target, since=start, until=end, package=package)
    answer = {"succeeded": counts.built, "failed": counts.failed}
    return json_answer({**answer, "total": counts.built + counts.failed})


def _recheck_package(endpoint: Endpoint, asked: HttpRequest, login: Login) -> Response:
    """Queue the failed commit of a package once more."""
    values = Inputs.of_post(asked) if asked.body else Inputs(asked.query)
    [name] = values.needed("package_name")
    with contextlib.closing(endpoint.service.app.for_request()) as app:
        trunk = open_trunk(app, endpoint.target)
        try:
            steering.recheck(trunk, [name])
        except NotFoundError:
            raise ApiError(400, _NO_COMMIT.format(name=name)) from None
        except RefusedError:
            raise ApiError(409, _IS_GOOD.format(name=name)) from None
    endpoint.record(asked, login, "recheck", name)
    return json_answer({"result": "ok"}, 201)


def _remote_import(endpoint: Endpoint, asked: HttpRequest, login: Login) -> Response:
    """Import what another instance has built, from an address that rdo.toml allows."""
    [url] = Inputs.of_post(asked).needed("repo_url")
    allowed = endpoint.service.settings.target(endpoint.target).import_from
    with contextlib.closing(endpoint.service.app.for_request()) as app:
        try:
            check_address(url, allowed)
        except (ConfigError, RefusedError) as error:
            status = 403 if isinstance(error, RefusedError) else 400
            raise ApiError(status, _NOT_IMPORTED.format(error=error)) from None
        try:
            done = import_commits(open_trunk(app, endpoint.target), url, allowed)
        except UserError as error:
            raise ApiError(500, _NOT_IMPORTED.format(error=error)) from None
    for one in done:
        number = f"build {one.build_id}" if one.build_id else "known"
        endpoint.record(asked, login, "import", f"{one.commit}: {number}")
    return json_answer({"repo_url": url}, 201)
