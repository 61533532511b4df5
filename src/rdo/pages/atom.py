"""Atom feeds (RFC 4287)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from rdo.model.text.xml_text import xml_text

NAMESPACE = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Something that happened. `id` is always the same for the same entry; `url` is its page."""

    id: str
    title: str
    summary: str
    url: str
    when: datetime
    category: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed, its own URL, and the page that it is about."""

    id: str
    title: str
    url: str
    page: str
    entries: Sequence[FeedEntry]


def document(feed: Feed) -> bytes:
    """Return a feed as XML, its newest entry first."""
    ElementTree.register_namespace("", NAMESPACE)
    top = ElementTree.Element(f"{{{NAMESPACE}}}feed")
    entries = sorted(feed.entries, key=lambda one: (one.when, one.id), reverse=True)
    _add(top, "id", feed.id)
    _add(top, "title", feed.title)
    _add(top, "updated", _moment(entries[0].when if entries else _NEVER))
    _add(_add(top, "author"), "name", "rdo")
    _add(top, "link", rel="self", type=MEDIA_TYPE, href=feed.url)
    _add(top, "link", rel="alternate", type="text/html", href=feed.page)
    for one in entries:
        entry = _add(top, "entry")
        _add(entry, "id", one.id)
        _add(entry, "title", one.title)
        _add(entry, "updated", _moment(one.when))
        _add(entry, "link", rel="alternate", type="text/html", href=one.url)
        _add(entry, "category", term=one.category)
        _add(entry, "summary", one.summary, type="text")
    text: str = ElementTree.tostring(top, "unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}'.encode()


def _add(
    above: ElementTree.Element, name: str, text: str = "", **attributes: str
) -> ElementTree.Element:
    clean = {key: xml_text(value) for key, value in attributes.items()}
    found = ElementTree.SubElement(above, f"{{{NAMESPACE}}}{name}", clean)
    found.text = xml_text(text) if text else None
    return found


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
