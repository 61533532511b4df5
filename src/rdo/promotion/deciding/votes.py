"""Votes: the verdicts of jobs on repositories.

A vote belongs to what was tested: the repository of a build, a composed repository, or, in a target
with components, the aggregate of a name. It stays there, wherever names point later.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from rdo.app.targets import OpenTarget
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.vote import JobVerdict
from rdo.promotion.compositions import parse_moment, repositories_of
from rdo.publish.names import CURRENT
from rdo.store import Transaction
from rdo.store.given.repositories import Repository
from rdo.store.given.votes import CONSISTENT_JOB, Ballot, Vote, VoteFilter

_AGGREGATE = re.compile(r"[0-9a-f]{32}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_URL = re.compile(r"https?://[^\s/]\S*")
_LONGEST = {"job": 256, "URL": 1024}
_LONGEST_NOTES = 65_536
_LATEST = datetime.fromtimestamp(2**31 - 1, UTC)  # the latest time that every database can store


@dataclass(frozen=True, slots=True)
class Voted:
    """A vote, with the path or the hash of what it is about."""

    on: str
    vote: Vote


def ballot_of(repository: Repository) -> Ballot:
    """Return what votes on one repository are stored under."""
    if repository.build_id is None:
        return Ballot(ref_hash=repository.digest, component=repository.component)
    return Ballot(repository.build_id, component=repository.component)


def find_ballot(opened: OpenTarget, text: str, component: str | None = None) -> Ballot:
    """Return what a vote on a name, a path, a commit or an aggregate's hash is stored under.

    In a target with components a name means its aggregate, unless a `component` is given. Raises
    NotFoundError if there is no such repository.
    """
    with opened.store.read() as at:
        if component is None and _AGGREGATE.fullmatch(text):
            if at.names.of_aggregate(opened.name, text):
                return Ballot(ref_hash=text)
            raise NotFoundError(
                f"no name of {opened.name} has ever led to an aggregate {text}",
                hint="rdo promotion history NAME shows where a name led",
            )
        repositories = repositories_of(at, opened, text)
        if component is not None:
            repositories = tuple(one for one in repositories if one.component == component)
        elif aggregate := _aggregate(at, opened, text):
            return Ballot(ref_hash=aggregate)
    if len(repositories) != 1:
        parts = ", ".join(one.component or "" for one in repositories) or f"no {component}"
        raise NotFoundError(
            f"{text} of {opened.name} is not one repository: it has {parts}",
            hint="name one component with --component",
        )
    return ballot_of(repositories[0])


def vote(
    opened: OpenTarget,
    on: Ballot,
    job: str,
    verdict: JobVerdict,
    *,
    by: str,
    url: str = "",
    notes: str = "",
    timestamp: datetime | None = None,
) -> Vote:
    """Record the verdict of a job; `timestamp` is its time, by default now.

    Raises ConfigError for an invalid text or time, RefusedError for the name of rdo's own job.
    """
    now = opened.now()
    when = timestamp or now
    _check_text("job", job)
    if job == CONSISTENT_JOB:
        raise RefusedError(f"votes of the job {CONSISTENT_JOB} are cast by rdo itself")
    if url:
        _check_text("URL", url)
        if not _URL.fullmatch(url):
            raise ConfigError(f"{url!r} is not an http or https URL")
    if len(notes) > _LONGEST_NOTES:
        raise ConfigError(f"the notes have more than {_LONGEST_NOTES} characters")
    if not datetime.fromtimestamp(0, UTC) <= when <= _LATEST:
        raise ConfigError(f"{when.isoformat()} is not a time of a vote")
    return opened.store.change(
        lambda at: at.votes.add(
            opened.name, on, job, verdict, timestamp=when, now=now, url=url, notes=notes, user=by
        )
    )


def votes_on(opened: OpenTarget, on: Ballot) -> tuple[Voted, ...]:
    """Return the votes on one thing, newest first."""
    with opened.store.read() as at:
        found = at.votes.on(opened.name, on)
        return _described(at, sorted(found, key=lambda one: (one.timestamp, one.id), reverse=True))


def last_votes(opened: OpenTarget, *, job: str | None = None, limit: int = 50) -> tuple[Voted, ...]:
    """Return the votes that were recorded last, of one job or of all jobs."""
    with opened.store.read() as at:
        wanted = VoteFilter(job=job)
        return _described(at, at.votes.listed(opened.name, wanted, limit=limit))


def _aggregate(at: Transaction, opened: OpenTarget, text: str) -> str:
    name, sign, when = text.partition("@")
    moment = parse_moment(when) if sign else None
    return at.names.aggregate(opened.name, name or CURRENT, moment)


def _described(at: Transaction, votes: Iterable[Vote]) -> tuple[Voted, ...]:
    votes = tuple(votes)
    builds = {one.ballot.build_id for one in votes if one.ballot.build_id is not None}
    paths = at.repositories.paths_of(builds)
    return tuple(
        Voted(paths.get(one.ballot.build_id or 0, one.ballot.ref_hash), one) for one in votes
    )


def _check_text(what: str, text: str) -> None:
    if not text.strip() or _CONTROL.search(text):
        raise ConfigError(f"{text!r} is not a {what}: it is empty or has control characters")
    if len(text) > _LONGEST[what]:
        raise ConfigError(f"the {what} has more than {_LONGEST[what]} characters: {text[:50]}…")
