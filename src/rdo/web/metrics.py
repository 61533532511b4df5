"""Metrics in Prometheus' format: of the server itself, and of the factory by target."""

import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.types import Scope

if TYPE_CHECKING:
    from rdo.store import Transaction
    from rdo.tools.supervised import Supervised
    from rdo.web.service import WebServer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one server. No label comes from a request, so their number is limited."""

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
        """Count an answer; a request without a route is counted as `other`."""
        route = getattr(scope.get("route"), "path", "") or "other"
        method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else "other"
        self._answers.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics."""
        return generate_latest(self.registry)


class RoundsMetrics(Collector):
    """Whether the process beside the server that runs rounds is running."""

    def __init__(self, rounds: "Supervised") -> None:
        self._rounds = rounds

    def collect(self) -> Iterable[Metric]:
        """Yield whether it is running now, and how often it was started."""
        running = "Whether the rounds of --with-trunk run"
        yield GaugeMetricFamily("rdo_rounds_running", running, int(self._rounds.is_running))
        started = "How often the rounds of --with-trunk were started"
        yield CounterMetricFamily("rdo_rounds_starts", started, self._rounds.starts)


class FactoryMetrics(Collector):
    """Numbers of each target, read from the store on each request.

    The names and the label `baseurl` of the first four are DLRN's. A time is left out until there
    is one. With `is_whole`, they cover the whole factory, including its messages.
    """

    def __init__(self, service: "WebServer", targets: Sequence[str], *, is_whole: bool) -> None:
        self._service = service
        self._targets = targets
        self._is_whole = is_whole

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering does not read the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the current metrics from the store."""
        numbers = _Numbers()
        for target in self._targets:
            url = self._service.settings.tree_url(target)
            with self._service.store.read() as at:
                numbers.add_builds(at, target, url)
                numbers.add_polls(at, target)
                numbers.add_publications(at, target, self._service.app.now())
        if self._is_whole:
            with self._service.store.read() as at:
                numbers.add_messages(at)
        yield from numbers.families()


class _Numbers:
    """Metrics while they are collected; each has its help text even if it has no number yet."""

    def __init__(self) -> None:
        self._dlrn = [
            CounterMetricFamily(
                f"dlrn_builds{name}", f"Total number of {what}", labels=("baseurl",)
            )
            for name, what in (
                ("_succeeded", "successful builds"),
                ("_failed", "failed builds"),
                ("_retry", "builds in retry state"),
                ("", "builds"),
            )
        ]
        self._gauges = {
            name: GaugeMetricFamily(f"rdo_{name}", text, labels=labels)
            for name, (text, *labels) in _GAUGES.items()
        }

    def families(self) -> Iterable[Metric]:
        """Return all."""
        return (*self._dlrn, *self._gauges.values())

    def add_builds(self, at: "Transaction", target: str, url: str) -> None:
        """Add the builds of a target: those that ended, and its queue."""
        counts = at.history.counts(target)
        ended = (counts.built, counts.failed, counts.spurious, counts.all)
        for family, number in zip(self._dlrn, ended, strict=True):
            family.add_metric((url,), number)
        queue = at.gauges.queue(target)
        self._add("queue", queue.queued, target, "queued")
        self._add("queue", queue.running, target, "running")
        self._add_time("queue_oldest_timestamp_seconds", queue.first_planned, target)
        self._add_time("last_build_timestamp_seconds", at.gauges.last_finished(target), target)
        self._add("failing_packages", at.history.failing_count(target), target)

    def add_polls(self, at: "Transaction", target: str) -> None:
        """Add the results of each package's last poll."""
        polls = at.gauges.polls(target)
        self._add("polled_packages", polls.reached, target, "reached")
        self._add("polled_packages", polls.unreachable, target, "unreachable")
        self._add_time("last_poll_timestamp_seconds", polls.last, target)

    def add_publications(self, at: "Transaction", target: str, now: datetime) -> None:
        """Add how fast builds were published in the last day, and the age of each name."""
        found = at.statistics.arrivals(target, now - _DAY)
        for name, taken in (
            ("publish_seconds", [max(one.published - one.finished, _NO_TIME) for one in found]),
            ("commit_to_repository_seconds", [one.published - one.committed for one in found]),
        ):
            if taken:
                seconds = [one.total_seconds() for one in taken]
                self._add(name, statistics.median(seconds), target, "0.5")
                self._add(name, max(seconds), target, "1")
        for move, _ in at.names.last_moves(target):
            where = target, move.component or "", move.name
            self._add_time("name_moved_timestamp_seconds", move.moved, *where)

    def add_messages(self, at: "Transaction") -> None:
        """Add the messages that wait to be sent."""
        found = {one.way: one for one in at.gauges.messages()}
        for way in sorted({*WAYS, *found}):
            one = found.get(way)
            self._add("messages_waiting", one.waiting if one else 0, way)
            self._add("messages_failing", one.failing if one else 0, way)
            self._add_time("messages_due_timestamp_seconds", one.first_due if one else None, way)

    def _add(self, name: str, number: float, *labels: str) -> None:
        self._gauges[name].add_metric(labels, number)

    def _add_time(self, name: str, when: datetime | None, *labels: str) -> None:
        if when is not None:
            self._add(name, when.timestamp(), *labels)


WAYS = ("gerrit", "mail")
"""The ways that every factory has; webhooks have names of their own."""
_DAY, _NO_TIME = timedelta(days=1), timedelta()
_GAUGES = {
    "queue": ("Builds that wait or run", "target", "state"),
    "queue_oldest_timestamp_seconds": ("When the oldest of them was planned", "target"),
    "last_build_timestamp_seconds": ("When a build ended last", "target"),
    "failing_packages": ("Packages that fail to build", "target"),
    "polled_packages": ("Packages by how their last poll went", "target", "result"),
    "last_poll_timestamp_seconds": ("When a package was reached last", "target"),
    "publish_seconds": ("From a build's end to its repository, last day", "target", "quantile"),
    "commit_to_repository_seconds": ("From commit to repository, last day", "target", "quantile"),
    "name_moved_timestamp_seconds": ("When a name was moved last", "target", "component", "name"),
    "messages_waiting": ("Messages that wait to be sent", "way"),
    "messages_failing": ("Those of them that could not be sent at the first try", "way"),
    "messages_due_timestamp_seconds": ("When the first of them is or was due", "way"),
}
"""The name after `rdo_`, a description, and the labels."""
