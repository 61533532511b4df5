"""Which events webhooks announce, and which messages are believed."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rdo.forges.addresses import place_of
from rdo.forges.announced import Announced, BadEventError, Nothing, Pushed, ReviewAsked
from rdo.forges.hooks import Message, is_proven, read

NOW = datetime(2026, 8, 2, 12, tzinfo=UTC)
SECRET = b"s3cret"
PULL = {"number": 7, "user": {"login": "ann"}}
NOVA = {
    "full_name": "o/nova",
    "clone_url": "https://h.test/o/nova.git",
    "ssh_url": "git@h.test:o/nova",
}
URLS = ("https://h.test/o/nova.git", "git@h.test:o/nova")
LAB = {"path_with_namespace": "o/nova", "git_http_url": "https://l.test/o/nova.git"}
CHANGE = {"project": "o/nova", "number": 42, "owner": {"username": "ann"}}


def message(body: Any, event: str = "", **headers: str) -> Message:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    known = {"x-github-event": event} if event else {}
    return Message(
        known | {name.replace("_", "-"): text for name, text in headers.items()}, {}, sent
    )


def signed(body: bytes, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


ANNOUNCED: list[tuple[str, str, dict[str, Any], Announced]] = [
    ("github", "push", {"repository": NOVA}, Pushed(URLS)),
    (
        "github",
        "pull_request",
        {"action": "synchronize", "pull_request": PULL, "repository": NOVA},
        ReviewAsked("o/nova", 7, "pull request synchronize", "ann"),
    ),
    (
        "github",
        "issue_comment",
        {
            "action": "created",
            "issue": {"number": 7, "pull_request": {}},
            "comment": {"body": "it was the mirror\nrecheck", "user": {"login": "bob"}},
            "repository": NOVA,
        },
        ReviewAsked("o/nova", 7, "recheck", "bob"),
    ),
    (
        "gitlab",
        "",
        {"object_kind": "push", "project": LAB},
        Pushed(("https://l.test/o/nova.git",)),
    ),
    (
        "gitlab",
        "",
        {
            "object_kind": "merge_request",
            "user": {"username": "ann"},
            "project": LAB,
            "object_attributes": {"iid": 7, "action": "update", "oldrev": "aa"},
        },
        ReviewAsked("o/nova", 7, "merge request update", "ann"),
    ),
    (
        "gitlab",
        "",
        {
            "object_kind": "note",
            "user": {"username": "bob"},
            "project": LAB,
            "merge_request": {"iid": 7},
            "object_attributes": {"note": "recheck"},
        },
        ReviewAsked("o/nova", 7, "recheck", "bob"),
    ),
    (
        "gerrit",
        "",
        {"type": "ref-updated", "refUpdate": {"project": "o/nova", "refName": "refs/heads/master"}},
        Pushed(project="o/nova"),
    ),
    (
        "gerrit",
        "",
        {"type": "patchset-created", "change": CHANGE, "uploader": {"username": "ann"}},
        ReviewAsked("o/nova", 42, "patchset-created", "ann"),
    ),
    (
        "gerrit",
        "",
        {
            "type": "comment-added",
            "comment": "Patch Set 1:\n\nRecheck please",
            "change": CHANGE,
            "author": {"username": "bob"},
        },
        ReviewAsked("o/nova", 42, "recheck", "bob"),
    ),
    (
        "generic",
        "",
        {"url": "https://h.test/o/nova", "at": NOW.timestamp() - 100},
        Pushed(("https://h.test/o/nova",)),
    ),
]


@pytest.mark.parametrize(("kind", "event", "body", "wanted"), ANNOUNCED)
def test_each_server_announces_in_its_own_words(
    kind: str, event: str, body: dict[str, Any], wanted: Announced
) -> None:
    assert read(kind, message(body, event), NOW) == wanted


@pytest.mark.parametrize(
    ("kind", "event", "body"),
    [
        ("github", "ping", {"zen": "x"}),
        ("github", "pull_request", {"action": "labeled", "pull_request": PULL, "repository": NOVA}),
        (
            "github",
            "issue_comment",
            {"action": "created", "issue": {"number": 7}, "comment": {"body": "recheck"}},
        ),
        ("gitlab", "", {"object_kind": "merge_request", "object_attributes": {"action": "update"}}),
        ("gerrit", "", {"type": "comment-added", "comment": "no recheck here", "change": CHANGE}),
        (
            "gerrit",
            "",
            {"type": "ref-updated", "refUpdate": {"project": "o", "refName": "refs/changes/1/1/1"}},
        ),
    ],
)
def test_what_asks_for_nothing_does_nothing(kind: str, event: str, body: dict[str, Any]) -> None:
    assert isinstance(read(kind, message(body, event), NOW), Nothing)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("github", b"{}"),
        ("gitlab", b"not json"),
        ("gitlab", b"[" * 100_000),
        ("gerrit", b"[]"),
        ("gerrit", {"type": "patchset-created", "change": {"project": "../x", "number": 1}}),
        ("gerrit", {"type": "patchset-created", "change": {"project": "a", "number": -1}}),
        ("gerrit", {"type": "patchset-created", "change": {"project": "a", "number": True}}),
        ("generic", {"url": "https://h.test/x", "at": NOW.timestamp() - 1000}),
        ("generic", {"url": "https://h.test/x", "at": float("nan")}),
        ("generic", {"url": "https://h.test/x"}),
    ],
)
def test_what_no_server_sends_is_refused(kind: str, body: Any) -> None:
    with pytest.raises(BadEventError):
        read(kind, message(body), NOW)


def test_only_who_knows_the_secret_is_believed() -> None:
    body = b"{}"
    for kind in ("github", "gitlab", "gerrit", "generic"):
        right = message(body, x_hub_signature_256=signed(body))
        assert is_proven(kind, right, SECRET)
        assert not is_proven(kind, message(body, x_hub_signature_256=signed(body, b"x")), SECRET)
        assert not is_proven(kind, message(b"{ }", x_hub_signature_256=signed(body)), SECRET)
        assert not is_proven(kind, message(body, x_hub_signature_256="sha256=\u00e9"), SECRET)
        assert not is_proven(kind, message(body), SECRET)
        assert not is_proven(kind, message(body, x_hub_signature_256=signed(body, b"")), b"")
    assert is_proven("gitlab", message(body, x_gitlab_token=SECRET.decode()), SECRET)
    assert not is_proven("github", message(body, x_gitlab_token=SECRET.decode()), SECRET)
    assert is_proven("gerrit", Message({}, {"token": SECRET.decode()}, body), SECRET)
    assert not is_proven("github", Message({}, {"token": SECRET.decode()}, body), SECRET)


def test_one_repository_has_one_place_however_its_url_is_written() -> None:
    same = (
        "https://u:p@H.test/a/b.git",
        "git@h.test:a/b",
        "ssh://h.test:29418/a/b",
        "git://h.test/a/b/",
    )
    assert {place_of(url) for url in same} == {"h.test/a/b"}
    assert place_of("https://h.test/a/bb") != place_of("https://h.test/a/b")
    assert place_of("https://[bad") == "https://[bad"
