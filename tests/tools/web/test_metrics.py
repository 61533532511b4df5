"""Metrics of a factory, and the dashboard of Grafana that shows them."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rdo.tools.supervised import Supervised
from rdo.web.application import application
from rdo.web.service import WebServer
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory, commit
from tests.serving import Served

DASHBOARD = Path(__file__).parents[3] / "packaging/grafana/rdo.json"
NAME = re.compile(r"\b(?:rdo|dlrn|process)_[a-z_]+\b")


@pytest.fixture
def busy(made: Factory) -> Factory:
    """The factory with a queue, polls and a message that could not be sent."""
    now = made.now
    with made.store.write() as at:
        at.builds.plan(TARGET, commit("python-a", "aa22"), now=now())
        at.heads.seen(TARGET, "python-a", upstream_hash="a", distgit_hash="b", now=now())
        at.heads.unreachable(TARGET, "python-b", "no route", now=now())
        at.events.add(TARGET, "python-b", "broken", "broken:3", now=now(), build_id=3, break_id=3)
        [event] = at.events.undescribed(TARGET)
        at.deliveries.add(event.id, "mail", "me@example.test", due=now())
        at.deliveries.add(event.id, "webhook:chat", "chat", due=now())
        at.deliveries.failed([one.id for one in at.deliveries.open()[:1]], "no route")
    return made


def read(server: Served) -> dict[tuple[str, ...], float]:
    """Read all samples, by name and the values of their labels, sorted by the labels' names."""
    text = (
        httpx.get(f"{server.url}/metrics", trust_env=False, timeout=PATIENCE)
        .raise_for_status()
        .text
    )
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_queue_polls_publications_and_messages_are_measured(busy: Factory, server: Served) -> None:
    found = read(server)

    assert found["rdo_queue", "queued", TARGET] == 1
    planned = found["rdo_queue_oldest_timestamp_seconds", TARGET]
    assert 0 < busy.now.now.timestamp() - planned < 60
    assert found["rdo_polled_packages", "reached", TARGET] == 1
    assert found["rdo_polled_packages", "unreachable", TARGET] == 1
    assert found["rdo_last_poll_timestamp_seconds", TARGET] >= planned
    assert found["rdo_last_build_timestamp_seconds", TARGET] <= planned
    assert found["rdo_name_moved_timestamp_seconds", "", "current", TARGET] <= planned
    assert found["rdo_messages_waiting", "mail"] == 1
    assert found["rdo_messages_failing", "mail"] == 1
    assert found["rdo_messages_waiting", "webhook:chat"] == 1
    assert found["rdo_messages_waiting", "gerrit"] == 0
    assert ("rdo_last_poll_timestamp_seconds", "other-deb12") not in found


def test_how_fast_the_last_day_was_published_is_measured(
    made: Factory, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.app, "now", lambda: made.now.now)

    found = read(server)

    assert 0 < found["rdo_publish_seconds", "1", TARGET] < 60
    a_day = timedelta(days=1).total_seconds()
    median = found["rdo_commit_to_repository_seconds", "0.5", TARGET]
    assert a_day <= median < a_day + 60


def test_every_name_on_the_dashboard_is_a_metric(made: Factory, server: Served) -> None:
    """Also the names that have no sample yet, by their help."""
    beside = Supervised("rounds", "true")
    service = WebServer(server.app, [TARGET], rounds=beside)
    text = asyncio.run(said_by(service))

    offered = set(re.findall(r"^(\w+)(?:{| )", text, re.MULTILINE))
    offered |= set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))
    shown = names_on(json.loads(DASHBOARD.read_text()))

    assert len(shown) > 15
    assert sorted(shown - offered) == []
    own = {name for name in offered if name.startswith("rdo_")}
    unseen = {name for name in own - shown if not name.endswith(("_created", "_count", "_sum"))}
    assert unseen == set()


async def said_by(service: WebServer) -> str:
    """What a server says of itself after a request."""
    transport = httpx.ASGITransport(application(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://rdo.test") as client:
        await client.get(f"/{TARGET}/api/health")
        return (await client.get("/metrics")).text


def names_on(dashboard: Any) -> set[str]:
    texts = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    texts += [str(one.get("query")) for one in dashboard["templating"]["list"]]
    return {name for text in texts for name in NAME.findall(text)}


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
