"""The endpoints for the health of the server and for its metrics."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.responses import Response

from rdo.access.roles import ALL_TARGETS
from rdo.web.auth.guard import Guard
from rdo.web.handling import HttpRequest, in_thread
from rdo.web.metrics import CONTENT_TYPE, FactoryMetrics, Metrics, RoundsMetrics
from rdo.web.service import WebServer


def add_routes(app: Starlette, service: WebServer, guard: Guard, metrics: Metrics) -> None:
    """Add `/metrics` for the whole server, and `/TARGET/metrics` with DLRN's for one target."""
    metrics.registry.register(FactoryMetrics(service, service.targets, is_whole=True))
    if service.rounds:
        metrics.registry.register(RoundsMetrics(service.rounds))

    def of_all(asked: HttpRequest) -> Response:
        guard.allow_reading(asked.caller, _place(service.targets))
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    app.add_route("/metrics", in_thread(of_all), methods=["GET"])
    for target in service.targets:
        _add_target(app, service, guard, target)


def _add_target(app: Starlette, service: WebServer, guard: Guard, target: str) -> None:
    registry = CollectorRegistry()
    registry.register(FactoryMetrics(service, (target,), is_whole=False))

    def of_target(asked: HttpRequest) -> Response:
        guard.allow_reading(asked.caller, target)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    app.add_route(f"/{target}/metrics", in_thread(of_target), methods=["GET"])


def _place(targets: Sequence[str]) -> str:
    """Return the target whose readers may see the metrics of the whole server."""
    return targets[0] if len(targets) == 1 else ALL_TARGETS
