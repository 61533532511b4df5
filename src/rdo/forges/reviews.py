"""What every server of reviews can be asked and told."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from rdo.errors import OutsideError
from rdo.forges.announced import BadEventError, Payload, is_project
from rdo.model.review import Change, ReviewVerdict


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """What is told about a change: the verdict, one line, all lines, and where the logs are."""

    change: Change
    target: str
    verdict: ReviewVerdict
    summary: str
    message: str
    link: str


class ReviewServer(Protocol):
    """A server with reviews. Each call raises what `rdo.forges.rest` raises."""

    def change(self, project: str, number: int) -> Change:
        """Return a change as it is now; a Gerrit needs no project."""

    def number_in(self, url: str) -> tuple[str, int] | None:
        """Return project and number of the change at an address; None for one elsewhere."""

    def git_url(self, project: str) -> str:
        """Return where git fetches a project with its open changes from."""

    def report(self, report: ReviewReport) -> None:
        """Tell the server the verdict on a change."""


def below(root: str, url: str) -> str:
    """Return what an address has below that of a server; empty for one elsewhere.

    >>> below("https://git.example.org/", "https://git.example.org/a/b"), below("https://a", "b")
    ('a/b', '')
    """
    start = f"{root.rstrip('/')}/"
    return url.removeprefix(start) if url.startswith(start) else ""


def numbered(match: re.Match[str] | None) -> tuple[str, int] | None:
    """Return project and number of a change whose address has both as groups of these names."""
    if match is None or not is_project(match["project"]):
        return None
    return match["project"], int(match["number"])


def payload_of(name: str, answer: Any) -> Payload:
    """Return the object that a server answered with. Raises OutsideError if it is none."""
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
