"""The interface of all review servers."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from rdo.errors import OutsideError
from rdo.forges.announced import BadEventError, Payload, is_project
from rdo.model.review import Change, ReviewVerdict


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """A report about a change: the verdict, one line, all lines, and the URL of the logs."""

    change: Change
    target: str
    verdict: ReviewVerdict
    summary: str
    message: str
    link: str


class ReviewServer(Protocol):
    """A server with reviews. Each call raises the errors of `rdo.forges.rest`."""

    def change(self, project: str, number: int) -> Change:
        """Return the current state of a change; Gerrit needs no project."""

    def number_in(self, url: str) -> tuple[str, int] | None:
        """Return project and number of the change at a URL; None for another server."""

    def git_url(self, project: str) -> str:
        """Return the URL from which git fetches a project with its open changes."""

    def report(self, report: ReviewReport) -> None:
        """Send the verdict on a change to the server."""


def below(root: str, url: str) -> str:
    """Return the part of a URL below a server's URL; empty for another server.

    >>> below("https://git.example.org/", "https://git.example.org/a/b"), below("https://a", "b")
    ('a/b', '')
    """
    start = f"{root.rstrip('/')}/"
    return url.removeprefix(start) if url.startswith(start) else ""


def numbered(match: re.Match[str] | None) -> tuple[str, int] | None:
    """Return project and number of a change, given a match with groups of these names."""
    if match is None or not is_project(match["project"]):
        return None
    return match["project"], int(match["number"])


def payload_of(name: str, answer: Any) -> Payload:
    """Return the object in a server's answer. Raises OutsideError for any other answer."""
    if not isinstance(answer, dict):
        raise OutsideError(f"{name} does not answer with a change")
    return Payload(answer)


def revision_in(name: str, payload: Payload, *keys: str) -> str:
    """Return the hash of a git commit. Raises OutsideError if there is none."""
    found = payload.text(*keys)
    if len(found) not in {40, 64} or set(found) - set("0123456789abcdef"):
        raise OutsideError(f"{name} names no git commit of the change")
    return found


def number_of(name: str, payload: Payload, *keys: str) -> int:
    """Return the number of a change. Raises OutsideError if there is none."""
    try:
        return payload.number(*keys)
    except BadEventError as error:
        raise OutsideError(f"{name}: {error}") from error
