"""The announcements of webhooks, whichever server they are from, and reading them from JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*")
_RECHECK = re.compile(r"^[ \t]*recheck\b", re.MULTILINE | re.IGNORECASE)
_LONGEST = 200


class BadEventError(Exception):
    """An error for a message that its server would not send; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push to a repository: its URLs, or only the name of its project."""

    urls: tuple[str, ...] = ()
    project: str = ""


@dataclass(frozen=True, slots=True)
class ReviewAsked:
    """A new or changed review, or a request to build it again."""

    project: str
    number: int
    because: str
    author: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """An event that rdo ignores."""

    why: str


Announced: TypeAlias = Pushed | ReviewAsked | Nothing


@dataclass(frozen=True, slots=True)
class Payload:
    """The JSON object of an event; missing parts raise BadEventError."""

    content: Mapping[str, Any]

    @classmethod
    def parse(cls, body: bytes) -> "Payload":
        """Read the body of a request."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadEventError("the body is not JSON") from error
        if not isinstance(content, dict):
            raise BadEventError("the body is not a JSON object")
        return cls(content)

    def get(self, *keys: str) -> Any:
        """Return the value under these nested keys; None if there is none."""
        found: Any = self.content
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def text(self, *keys: str) -> str:
        """Return a text, cut to the maximum length that a server sends; empty if there is none."""
        found = self.get(*keys)
        return found[:100_000] if isinstance(found, str) else ""

    def number(self, *keys: str) -> int:
        """Return the number of a change."""
        found = self.get(*keys)
        if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) < 16:
            found = int(found)
        if isinstance(found, bool) or not isinstance(found, int) or not 0 < found < 2**53:
            raise BadEventError(f"{'.'.join(keys)} is not a number")
        return found

    def project(self, *keys: str) -> str:
        """Return the name of a project."""
        found = self.text(*keys)
        if not is_project(found):
            raise BadEventError(f"{'.'.join(keys)} is not the name of a project")
        return found

    def author(self, *keys: tuple[str, ...]) -> str:
        """Return the first of these values that identifies the author."""
        found = next(filter(None, (self.text(*path) for path in keys)), "somebody")
        return found[:_LONGEST]


def is_project(name: str) -> bool:
    """Whether a text can be the name of a project, so that it is safe in a URL.

    >>> is_project("openstack/nova"), is_project("../etc"), is_project("a b")
    (True, False, False)
    """
    return len(name) <= _LONGEST and _PROJECT.fullmatch(name) is not None


def asks_to_recheck(comment: str) -> bool:
    """Whether a line of a comment begins with the word `recheck`.

    >>> asks_to_recheck("Patch Set 2:\\n\\nrecheck, the mirror was away"), asks_to_recheck("no")
    (True, False)
    """
    return _RECHECK.search(comment) is not None
