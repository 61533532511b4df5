"""The pages of votes, at the URLs that DLRN gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from rdo.pages.layout import page
from rdo.pages.live_values import ShownVote
from rdo.pages.values import PageHead


@dataclass(frozen=True, slots=True)
class VotedOn:
    """What jobs vote on: a commit of a package, or an aggregate, which has neither.

    `query` is the query of the page with its votes, `build` is the build of the commit.
    """

    label: str
    query: str
    package: str = ""
    component: str = ""
    build: int | None = None


@dataclass(frozen=True, slots=True)
class CountedVotes:
    """The number of votes by verdict on one thing, and the time of the last one."""

    subject: VotedOn
    good: int
    bad: int
    last: datetime


@dataclass(frozen=True, slots=True)
class VotesPage:
    """A page of votes. `others` links to the votes on aggregates, or on commits.

    `older` is the query of the next page, empty on the last one; `asked` says which votes are
    shown.
    """

    others: str
    older: str = ""
    asked: str = ""


def counted(head: PageHead, it: VotesPage, rows: Sequence[CountedVotes]) -> str:
    """Make the page of everything that was voted on, newest vote first."""
    return page(head, "votes.html", "Votes", up="../", it=it, counted=rows)


def single(head: PageHead, it: VotesPage, rows: Sequence[tuple[VotedOn, ShownVote]]) -> str:
    """Make the page of single votes, newest first."""
    return page(head, "votes.html", "Votes", up="../", it=it, votes=rows)


def query(**values: str | int | None) -> str:
    """Return a URL query with the given values.

    >>> query(ci_name="a&b", offset=0, success=None)
    '?ci_name=a%26b&offset=0'
    """
    given = {name: str(value) for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
