"""The feeds of a target and of its packages: failures, fixes, promotions."""

from urllib.parse import quote, urlsplit

from rdo.logs.reader import one_line
from rdo.notify import words
from rdo.notify.story import Audience, EventKind, Story
from rdo.pages.atom import Feed, FeedEntry
from rdo.store import Store
from rdo.store.given.names import Promotion
from rdo.store.messages.events import Event

MOST = 50
_KINDS = (EventKind.BROKEN, EventKind.MENDED)
_STARTED = "2026"  # a tag: URI contains a year in which its host was ours


def target_feed(store: Store, target: str, base_url: str) -> Feed:
    """Return the newest failures, fixes and promotions of a target."""
    with store.read() as at:
        events = at.events.described(target, _KINDS, limit=MOST)
        moves = at.names.promotions(target, limit=MOST)
    top = f"{base_url.rstrip('/')}/{quote(target)}"
    entries = _of_events(events, top) + [_of_move(one, target, top) for one in moves]
    newest = sorted(entries, key=lambda one: one.when, reverse=True)[:MOST]
    title = f"{target}: failures, fixes and promotions"
    return Feed(_tag(top, "feed"), title, f"{top}/feed.atom", f"{top}/index.html", newest)


def package_feed(store: Store, target: str, package: str, base_url: str) -> Feed:
    """Return the newest failures and fixes of a package; none if it is unknown."""
    with store.read() as at:
        events = at.events.described(target, _KINDS, package=package, limit=MOST)
    top = f"{base_url.rstrip('/')}/{quote(target)}"
    page = f"{top}/packages/{quote(package, safe='')}"
    title = f"{package} in {target}: failures and fixes"
    identity = _tag(top, f"feed/{quote(package, safe='')}")
    return Feed(identity, title, f"{page}.atom", f"{page}.html", _of_events(events, top))


def _of_events(events: tuple[Event, ...], top: str) -> list[FeedEntry]:
    stories = [(one, Story.from_json(one.payload)) for one in events]
    return [
        FeedEntry(
            _tag(top, f"event/{event.id}"),
            words.subject(story),
            one_line(words.cause(story)) or words.opening(story),
            f"{top}/builds/{story.build_id}.html",
            event.created,
            story.kind.value,
        )
        for event, story in stories
        if story.audience is Audience.MAINTAINERS
    ]


def _of_move(one: Promotion, target: str, top: str) -> FeedEntry:
    part = f" of component {one.repository.component}" if one.repository.component else ""
    return FeedEntry(
        _tag(top, f"promotion/{one.id}"),
        f"[{target}] {one.name}{part} leads to {one.repository.path}",
        f"moved by {one.by}: {one.why}",
        f"{top}/repositories/{one.repository.id}.html",
        one.moved,
        "promoted",
    )


def _tag(top: str, what: str) -> str:
    """Return an id that never changes, as in RFC 4151."""
    parts = urlsplit(top)
    return f"tag:{parts.hostname or 'localhost'},{_STARTED}:{parts.path.strip('/')}/{what}"
