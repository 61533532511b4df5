"""The types of DLRN's GraphQL schema, and how they are made from our values.

A build of ours is a commit of DLRN's; its number is the id. Names and nullability are those of DLRN
0.26.1, even where better ones exist.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from rdo.dlrn.formats import DlrnStatus
from rdo.dlrn.layout import hash_directory
from rdo.model.build import Built, Failed
from rdo.store.given.votes import Vote
from rdo.store.work.builds import Build

_OF_ARRAY = "arrayconnection"


def global_id(kind: str, number: object) -> strawberry.ID:
    """Return an id in relay's form, as DLRN does.

    >>> global_id("Commit", 7)
    'Q29tbWl0Ojc='
    """
    return strawberry.ID(base64.b64encode(f"{kind}:{number}".encode()).decode())


def parse_global_id(text: str) -> tuple[str, int] | None:
    """Return the kind and the number of an id; None if it has another form.

    >>> parse_global_id("Q29tbWl0Ojc=")
    ('Commit', 7)
    """
    try:
        kind, _, number = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    return (kind, int(number)) if is_number else None


@strawberry.interface
class Node:
    """An object with an id of its own."""

    id: strawberry.ID


@strawberry.type
class PageInfo:
    """The position of a page of votes."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(name="CIVote")
class CIVote(Node):
    """A vote on a commit."""

    commit_id: int
    ci_name: str | None
    ci_url: str | None
    ci_vote: bool | None
    ci_in_progress: bool | None
    timestamp: int | None
    notes: str | None
    user: str | None
    component: str | None
    build: strawberry.Private["Callable[[], DlrnCommit | None]"]

    @strawberry.field
    def commit(
        self,
    ) -> Annotated["DlrnCommit", strawberry.lazy("rdo.web.dlrn.graphql_types")] | None:
        """The commit that it is about."""
        return self.build()


@strawberry.type(name="CIVoteAgg")
class CIVoteAgg(Node):
    """A vote on an aggregate."""

    ref_hash: str
    ci_name: str | None
    ci_url: str | None
    ci_vote: bool | None
    ci_in_progress: bool | None
    timestamp: int | None
    notes: str | None
    user: str | None


@strawberry.type(name="CIVoteEdge")
class CIVoteEdge:
    """A vote in a page."""

    node: CIVote | None
    cursor: str


@strawberry.type(name="CIVoteConnection")
class CIVoteConnection:
    """A page of votes."""

    page_info: PageInfo
    edges: list[CIVoteEdge | None]


@strawberry.type(name="Commit")
class DlrnCommit(Node):
    """A build, in DLRN's words."""

    type: str | None
    dt_commit: int | None
    dt_distro: int | None
    dt_extended: int | None
    dt_build: int | None
    project_name: str | None
    repo_dir: str | None
    distgit_dir: str | None
    commit_hash: str | None
    distro_hash: str | None
    extended_hash: str | None
    commit_branch: str | None
    status: str | None
    component: str | None
    artifacts: str | None
    notes: str | None
    flags: int | None
    versions_csv: str | None
    votes: strawberry.Private[Callable[[], Sequence[CIVote]]]

    @strawberry.field
    def civotes(
        self,
        before: str | None = None,
        after: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> CIVoteConnection | None:
        """The votes on it."""
        return connection(self.votes(), before, after, first, last)


@strawberry.type
class PackageStatus:
    """The state of a package."""

    id: strawberry.ID
    project_name: str
    status: str
    last_success: datetime | None = None
    first_failure_commit: str | None = None


def connection(
    votes: Sequence[CIVote],
    before: str | None,
    after: str | None,
    first: int | None,
    last: int | None,
) -> CIVoteConnection:
    """Return a page of votes; cursors are positions in the whole list, as in relay."""
    begin = _place(after, -1) + 1
    end = min(_place(before, len(votes)), len(votes))
    begin, end = min(begin, len(votes)), max(end, 0)
    if first is not None:
        end = min(end, begin + max(first, 0))
    if last is not None:
        begin = max(begin, end - max(last, 0))
    edges: list[CIVoteEdge | None] = [
        CIVoteEdge(node=votes[place], cursor=global_id(_OF_ARRAY, place))
        for place in range(begin, end)
    ]
    return CIVoteConnection(
        page_info=PageInfo(
            has_next_page=first is not None and end < len(votes),
            has_previous_page=last is not None and begin > 0,
            start_cursor=global_id(_OF_ARRAY, begin) if edges else None,
            end_cursor=global_id(_OF_ARRAY, end - 1) if edges else None,
        ),
        edges=edges,
    )


def commit(
    build: Build, component: str | None, votes: Callable[[], Sequence[CIVote]], *, purged: bool
) -> DlrnCommit:
    """Return a build as DLRN's commit; `component` is None in a target without components."""
    what = build.commit
    place = hash_directory(what, component)
    rpms = build.outcome.rpms if isinstance(build.outcome, Built) else ()
    return DlrnCommit(
        id=global_id("Commit", build.id),
        type="rpm",
        dt_commit=_seconds(what.upstream_time),
        dt_distro=_seconds(what.distgit_time),
        dt_extended=_seconds(what.extended_time) if what.extended_time else 0,
        dt_build=_seconds(build.release_date),
        project_name=what.package,
        repo_dir=None,
        distgit_dir=None,
        commit_hash=what.upstream_hash,
        distro_hash=what.distgit_hash,
        extended_hash=what.extended_hash,
        commit_branch=what.upstream_branch,
        status=DlrnStatus.of(build.outcome).value,
        component=component,
        artifacts=",".join(f"repos/{place}/{rpm.name}" for rpm in rpms) or None,
        notes=build.outcome.detail if isinstance(build.outcome, Failed) else "OK",
        flags=2 if purged else 0,
        versions_csv=None,
        votes=votes,
    )


def civote(vote: Vote, build_id: int, build: Callable[[], DlrnCommit | None]) -> CIVote:
    """Return a vote on a build."""
    return CIVote(
        id=global_id("CIVote", vote.id),
        commit_id=build_id,
        ci_name=vote.job,
        ci_url=vote.url,
        ci_vote=vote.success,
        ci_in_progress=vote.in_progress,
        timestamp=_seconds(vote.timestamp),
        notes=vote.notes,
        user=vote.user or None,
        component=vote.ballot.component,
        build=build,
    )


def civote_agg(vote: Vote) -> CIVoteAgg:
    """Return a vote on an aggregate."""
    return CIVoteAgg(
        id=global_id("CIVoteAgg", vote.id),
        ref_hash=vote.ballot.ref_hash,
        ci_name=vote.job,
        ci_url=vote.url,
        ci_vote=vote.success,
        ci_in_progress=vote.in_progress,
        timestamp=_seconds(vote.timestamp),
        notes=vote.notes,
        user=vote.user or None,
    )


def _place(cursor: str | None, default: int) -> int:
    found = parse_global_id(cursor) if cursor else None
    return found[1] if found and found[0] == _OF_ARRAY else default


def _seconds(when: datetime) -> int:
    return int(when.timestamp())
