"""Incoming webhooks: verify that the sender knows the secret, and read the announcement."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from rdo.forges.announced import (
    Announced,
    BadEventError,
    Nothing,
    Payload,
    Pushed,
    ReviewAsked,
    asks_to_recheck,
)

SIGNATURE = "x-hub-signature-256"
MOST_AGE_SECONDS = 300
_REVISED = {"opened", "reopened", "synchronize", "ready_for_review"}


@dataclass(frozen=True, slots=True)
class Message:
    """A request to a webhook; header names are in lower case."""

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The SHA-256 of the request."""
        return hashlib.sha256(self.body).hexdigest()


def is_proven(kind: str, message: Message, secret: bytes) -> bool:
    """Whether the sender knows the secret; takes the same time whatever is wrong.

    GitLab sends the secret itself. Gerrit's plugin can only put it into the URL.
    """
    signed = "sha256=" + hmac.new(secret, message.body, hashlib.sha256).hexdigest()
    is_right = _equal(message.headers.get(SIGNATURE, ""), signed.encode())
    if kind == "gitlab":
        is_right |= _equal(message.headers.get("x-gitlab-token", ""), secret)
    if kind == "gerrit":
        is_right |= _equal(message.query.get("token", ""), secret)
    return is_right and bool(secret)


def _equal(sent: str, wanted: bytes) -> bool:
    return hmac.compare_digest(sent.encode(errors="replace"), wanted)


def read(kind: str, message: Message, now: datetime) -> Announced:
    """Return the announcement in a message.

    Raises BadEventError if no such server would send it.
    """
    return _READERS[kind](Payload.parse(message.body), message, now)


def _github(event: Payload, message: Message, _now: datetime) -> Announced:
    name = message.headers.get("x-github-event", "")
    if not name:
        raise BadEventError("the header X-GitHub-Event is missing")
    urls = _urls(event, "repository", ("clone_url", "ssh_url", "git_url", "html_url"))
    if name in {"push", "create"}:
        return Pushed(urls)
    if name == "pull_request" and event.get("action") in _REVISED:
        author = event.author(("sender", "login"), ("pull_request", "user", "login"))
        project = event.project("repository", "full_name")
        number = event.number("pull_request", "number")
        return ReviewAsked(project, number, f"pull request {event.text('action')}", author)
    is_wanted = event.get("action") == "created" and event.get("issue", "pull_request") is not None
    if name == "issue_comment" and is_wanted and asks_to_recheck(event.text("comment", "body")):
        project, number = event.project("repository", "full_name"), event.number("issue", "number")
        return ReviewAsked(project, number, "recheck", event.author(("comment", "user", "login")))
    return Nothing(f"{name[:50]} asks for nothing")


def _gitlab(event: Payload, _message: Message, _now: datetime) -> Announced:
    name = event.text("object_kind")
    if name in {"push", "tag_push"}:
        return Pushed(_urls(event, "project", ("git_http_url", "git_ssh_url", "web_url")))
    author = event.author(("user", "username"), ("user", "name"))
    if name == "merge_request":
        action = event.text("object_attributes", "action")
        is_new = action == "update" and event.text("object_attributes", "oldrev")
        if action in {"open", "reopen"} or is_new:
            project = event.project("project", "path_with_namespace")
            number = event.number("object_attributes", "iid")
            return ReviewAsked(project, number, f"merge request {action}", author)
    is_comment = name == "note" and event.get("merge_request") is not None
    if is_comment and asks_to_recheck(event.text("object_attributes", "note")):
        project = event.project("project", "path_with_namespace")
        return ReviewAsked(project, event.number("merge_request", "iid"), "recheck", author)
    if not name:
        raise BadEventError("object_kind is missing")
    return Nothing(f"{name[:50]} asks for nothing")


def _gerrit(event: Payload, _message: Message, _now: datetime) -> Announced:
    name = event.text("type")
    if name == "ref-updated":
        if event.text("refUpdate", "refName").startswith("refs/changes/"):
            return Nothing("a patch set is not on a branch")
        return Pushed(project=event.project("refUpdate", "project"))
    if name in {"patchset-created", "change-restored"}:
        who = (("uploader", "username"), ("uploader", "email"), ("change", "owner", "username"))
        return _of_gerrit(event, name, event.author(*who))
    if name == "comment-added" and asks_to_recheck(event.text("comment")):
        author = event.author(("author", "username"), ("author", "email"))
        return _of_gerrit(event, "recheck", author)
    if not name:
        raise BadEventError("type is missing")
    return Nothing(f"{name[:50]} asks for nothing")


def _of_gerrit(event: Payload, because: str, author: str) -> ReviewAsked:
    project, number = event.project("change", "project"), event.number("change", "number")
    return ReviewAsked(project, number, because, author)


def _generic(event: Payload, _message: Message, now: datetime) -> Announced:
    """Read `{"url": …, "at": …}`; the time makes an old message invalid."""
    url, at = event.text("url"), event.get("at")
    if not url or isinstance(at, bool) or not isinstance(at, int | float):
        raise BadEventError('the body must be {"url": URL, "at": SECONDS SINCE 1970}')
    if not abs(now.timestamp() - at) <= MOST_AGE_SECONDS:
        raise BadEventError(f"at is not within {MOST_AGE_SECONDS} s of now")
    return Pushed((url,))


def _urls(event: Payload, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, (event.text(key, name) for name in names)))


_Reader: TypeAlias = Callable[[Payload, Message, datetime], Announced]
_READERS: dict[str, _Reader] = {
    "github": _github,
    "gitlab": _gitlab,
    "gerrit": _gerrit,
    "generic": _generic,
}
