"""Webhooks announce each promotion once, and nothing that is only awaited."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from rdo.app.targets import OpenTarget
from rdo.model.audiences import Audiences, Interest
from rdo.notify.outbox import Outbox
from rdo.notify.webhook import Webhook
from rdo.promotion.compositions import find
from rdo.promotion.promoting import promote, rollback
from tests.publishing import TARGET, Factory
from tests.rounds.test_webhooks import Listener, listener
from tests.tools.promotion.test_promoter import FAILURE, go, say

__all__ = ["listener"]  # a fixture


@pytest.fixture
def told(made: Factory, listener: Listener) -> Callable[..., list[dict[str, Any]]]:
    """Send what there is to send; return what was posted since the last time."""

    def send(*events: str) -> list[dict[str, Any]]:
        interests = {"chat": Interest(events=frozenset(events))}
        audiences = Audiences(webhooks=("chat",), interests=interests)
        ways = {"webhook:chat": Webhook("chat", listener.url)}
        Outbox(made.store, ways, made.now, made.folder / "notify.lock", audiences).run()
        posts, listener.posts = listener.posts, []
        return [json.loads(body) for _, body in posts]

    return send


def test_a_move_and_the_move_back_are_announced_once(
    target: OpenTarget, places: list[str], told: Callable[..., list[dict[str, Any]]]
) -> None:
    first, second, _ = places
    promote(target, "tested", find(target, first), by="ann", why="it works")
    promote(target, "tested", find(target, second), by="ann", why="so does this")
    rollback(target, "tested", by="bob", why="it does not")
    promote(target, "tested", find(target, first), by="ann", why="leads there already")

    posts, again = told(), told()

    assert again == []
    assert [(one["kind"], one["by"], one["why"]) for one in posts] == [
        ("promoted", "ann", "it works"),
        ("promoted", "ann", "so does this"),
        ("rolled-back", "bob", "it does not"),
    ]
    assert posts[1]["moved"] == [{"component": None, "before": first, "after": second}]
    assert posts[1]["title"] == f"[{TARGET}] tested leads to {second}"
    assert len({one["key"] for one in posts}) == 3


def test_a_refusal_is_announced_once_and_what_is_awaited_is_not(
    target: OpenTarget, places: list[str], told: Callable[..., list[dict[str, Any]]]
) -> None:
    go(target)
    awaited = told()
    say(target, places[2], FAILURE, "one")
    go(target)
    go(target)

    [refused] = told()

    assert awaited == []
    assert (refused["kind"], refused["name"], refused["by"]) == (
        *("promotion-refused", "tested", "criteria"),
    )
    assert refused["moved"] == []
    [missing] = refused["lacks"]
    assert missing.startswith("one: one failed at ")


def test_a_webhook_gets_only_the_kinds_that_it_wants(
    target: OpenTarget, places: list[str], told: Callable[..., list[dict[str, Any]]]
) -> None:
    promote(target, "tested", find(target, places[0]), by="ann", why="it works")
    assert told("broken", "rolled-back") == []

    assert told() == [], "what nobody wanted then is not told later"
