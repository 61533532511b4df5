"""Metrics in Prometheus' format: of the server itself, and of the factory by target."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.types import Scope

if TYPE_CHECKING:
    from rdo.web.service import WebServer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one server. Their labels never come from a request, so they are bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._answers = Counter(
            "rdo_http_answers",
            "Answers by route and status",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "rdo_http_seconds",
            "Time from a request to its answer",
            ("route",),
            registry=self.registry,
        )

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answer; a request that no route has is counted as `other`."""
        route = getattr(scope.get("route"), "path", "") or "other"
        method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else "other"
        self._answers.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics."""
        return generate_latest(self.registry)


class FactoryMetrics(Collector):
    """Numbers of each target, read from the store when somebody asks.

    The names and the label `baseurl` of the first four are DLRN's.
    """

    def __init__(self, service: "WebServer", targets: Sequence[str]) -> None:
        self._service = service
        self._targets = targets

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering reads no store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as the store has them now."""
        labels = ("baseurl",)
        families = [
            CounterMetricFamily(f"dlrn_builds{name}", f"Total number of {what}", labels=labels)
            for name, what in (
                ("_succeeded", "successful builds"),
                ("_failed", "failed builds"),
                ("_retry", "builds in retry state"),
                ("", "builds"),
            )
        ]
        queue = GaugeMetricFamily(
            "rdo_queue", "Builds that wait or run", labels=("target", "state")
        )
        broken = GaugeMetricFamily(
            "rdo_failing_packages", "Packages that fail to build", labels=("target",)
        )
        for target in self._targets:
            with self._service.store.read() as at:
                counts = at.history.counts(target)
                states = at.history.open_counts(target)
                failing = at.history.failing_count(target)
            url = self._service.settings.tree_url(target)
            numbers = (counts.built, counts.failed, counts.spurious, counts.all)
            for family, number in zip(families, numbers, strict=True):
                family.add_metric((url,), number)
            for state, number in states.items():
                queue.add_metric((target, state), number)
            broken.add_metric((target,), failing)
        yield from (*families, queue, broken)
