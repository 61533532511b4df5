"""Atom feeds: valid by RFC 4287 whatever strangers write, and linked from the pages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
import pytest

from rdo.model.build import FailureReason
from rdo.notify.story import Audience, EventKind, Story
from rdo.store import Store
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served
from tests.tools.web.test_pages import EVIL

ATOM = "{http://www.w3.org/2005/Atom}"
ODD = "\x00\x1b[0m\ufffe\ud800 ]]> &amp; " + EVIL


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as opened:
        yield opened


def tell(store: Store, kind: EventKind, key: str, now: datetime, package: str = "python-b") -> None:
    """Record an event as a round does."""
    reason = FailureReason.COMPILE if kind is EventKind.BROKEN else None
    story = Story(
        kind, TARGET, "master", "deb12", package, now, build_id=3, reason=reason, detail=ODD
    )
    with store.write() as at:
        at.events.add(TARGET, package, kind, key, now=now, build_id=3, break_id=3)
        [event] = at.events.undescribed(TARGET)
        at.events.describe(event.id, story.to_json(), now=now)


def valid(body: bytes, url: str) -> list[ElementTree.Element]:
    """The entries of a feed, of which everything that RFC 4287 demands was checked."""
    feed = ElementTree.fromstring(body)
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    for one in (feed, *entries):
        for name in ("id", "title", "updated"):
            [found] = one.findall(f"{ATOM}{name}")
            assert found.text
        assert urlsplit(one.findtext(f"{ATOM}id", "")).scheme == "tag"
        moment = datetime.fromisoformat(one.findtext(f"{ATOM}updated", ""))
        assert moment.tzinfo == UTC
        links = [(x.get("rel"), x.get("href", "")) for x in one.findall(f"{ATOM}link")]
        assert [rel for rel, _ in links].count("alternate") == 1
        assert all(urlsplit(href).netloc for _, href in links)
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    [own] = [x.get("href", "") for x in feed.findall(f"{ATOM}link") if x.get("rel") == "self"]
    assert urlsplit(own).path == url
    ids = [one.findtext(f"{ATOM}id") for one in entries]
    assert len(set(ids)) == len(ids)
    return entries


def test_feeds_have_failures_fixes_and_promotions(
    made: Factory, server: Served, client: httpx.Client, tmp_path: Path
) -> None:
    url, package = f"/{TARGET}/feed.atom", f"/{TARGET}/packages/python-b.atom"
    assert valid(client.get(url).content, url) == []
    now = datetime(2026, 8, 2, 12, tzinfo=UTC)
    tell(made.store, EventKind.BROKEN, f"broken:3:{Audience.MAINTAINERS}", now)
    tell(made.store, EventKind.MENDED, f"mended:3:{Audience.MAINTAINERS}", now)
    with made.store.read() as at:
        repository = dict(at.names.all(TARGET))["current"]
    made.tree.promote_all([("tested", repository)], by="me", why=EVIL)

    answer = client.get(url)
    entries = valid(answer.content, url)

    kinds = [one.find(f"{ATOM}category").get("term") for one in entries]  # type: ignore[union-attr]
    assert sorted(map(str, kinds)) == ["broken", "mended", "promoted"]
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert client.get(url).content == answer.content
    known = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert len(valid(client.get(package).content, package)) == 2
    other = f"/{TARGET}/packages/python-a.atom"
    assert valid(client.get(other).content, other) == []
    assert client.get(f"/{TARGET}/packages/python-gone.atom").status_code == 404
    assert 'href="./feed.atom"' in client.get(f"/{TARGET}/index.html").text
    assert 'href="python-b.atom"' in client.get(f"/{TARGET}/packages/python-b.html").text
    (tmp_path / "feed.atom").write_bytes(answer.content)
