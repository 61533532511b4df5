"""DLRN's endpoints of votes: the verdicts of jobs on repositories, and which one to test next.

Errors of a request are raised as ApiError, which becomes the answer.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from rdo.access.roles import Login
from rdo.model.commit import Commit
from rdo.model.vote import JobVerdict
from rdo.store import Transaction
from rdo.store.given.votes import CONSISTENT_JOB, Ballot, Vote
from rdo.web.answers import ApiError, json_answer
from rdo.web.dlrn.commits import Hashes, component_of, extended_hash, needed_build
from rdo.web.dlrn.endpoint import Endpoint
from rdo.web.dlrn.inputs import MISSING, Inputs
from rdo.web.handling import HttpRequest

NO_VOTE = "No vote found"
_EPOCH = datetime.fromtimestamp(0, UTC)


def repo_status(endpoint: Endpoint, inputs: Inputs) -> Response:
    """Return the votes on the newest build of a commit."""
    hashes, success = Hashes.read(inputs), inputs.boolean("success")
    with endpoint.service.store.read() as at:
        build = needed_build(at, endpoint.target, hashes)
        votes = at.votes.on(endpoint.target, Ballot(build.id), success=success)
    return json_answer(
        [
            {
                "timestamp": _seconds(vote.timestamp),
                **_hashes(build.commit),
                **_verdict(vote),
                "url": vote.url,
                "notes": vote.notes,
                "user": vote.user or None,
                "component": vote.ballot.component,
            }
            for vote in votes
        ]
    )


def agg_status(endpoint: Endpoint, inputs: Inputs) -> Response:
    """Return the votes on an aggregate; none for an unknown one."""
    [aggregate] = inputs.needed("aggregate_hash")
    success = inputs.boolean("success")
    with endpoint.service.store.read() as at:
        votes = at.votes.on(endpoint.target, Ballot(ref_hash=aggregate), success=success)
    return json_answer(
        [
            {
                "timestamp": _seconds(vote.timestamp),
                "aggregate_hash": aggregate,
                **_verdict(vote),
                "url": vote.url,
                "notes": vote.notes,
                "user": vote.user or None,
            }
            for vote in votes
        ]
    )


def last_tested_repo(endpoint: Endpoint, inputs: Inputs) -> Response:
    """Return the newest vote that matches the request."""
    with endpoint.service.store.read() as at:
        vote, commit = _last_tested(at, endpoint, inputs)
    return json_answer(_tested(vote, commit))


def begin_test(endpoint: Endpoint, asked: HttpRequest, login: Login) -> Response:
    """Return the newest vote that matches the request, and record that its job begins."""
    inputs = Inputs.of_post(asked)
    if not inputs.has("max_age", "reporting_job_id"):
        _check_sequence(inputs)
        raise ApiError(400, MISSING)
    job = _job(inputs, "reporting_job_id")

    def begin(at: Transaction) -> tuple[Vote, Commit]:
        found, commit = _last_tested(at, endpoint, inputs)
        now = endpoint.service.app.now()
        vote = at.votes.add(
            endpoint.target,
            found.ballot,
            job,
            JobVerdict.IN_PROGRESS,
            timestamp=now,
            now=now,
            user=login.user,
        )
        return vote, commit

    vote, commit = endpoint.service.store.change(begin)
    endpoint.record(asked, login, "vote", f"{job} begins on {commit}")
    return json_answer(_tested(vote, commit), 201)


def report_result(endpoint: Endpoint, asked: HttpRequest, login: Login) -> Response:
    """Record the vote of a job on a commit or on an aggregate."""
    inputs = Inputs.of_post(asked)
    if not (inputs.has("timestamp", "job_id", "success") and inputs.mentions("url")):
        raise ApiError(400, MISSING)
    job, url = _job(inputs, "job_id"), inputs.text("url") or ""
    success, timestamp = inputs.boolean("success"), inputs.moment("timestamp") or _EPOCH
    notes = inputs.text("notes") or ""
    hashes, aggregate = _subject(inputs)

    def vote(at: Transaction) -> Vote:
        if hashes:
            build = needed_build(at, endpoint.target, hashes)
            ballot = Ballot(build.id, component=component_of(endpoint, build))
        elif at.names.of_aggregate(endpoint.target, aggregate):
            ballot = Ballot(ref_hash=aggregate)
        else:
            raise ApiError(400, "aggregate_hash not found")
        return at.votes.add(
            endpoint.target,
            ballot,
            job,
            JobVerdict.SUCCESS if success else JobVerdict.FAILURE,
            timestamp=timestamp,
            now=endpoint.service.app.now(),
            url=url,
            notes=notes,
            user=login.user,
        )

    added = endpoint.service.store.change(vote)
    subject = str(added.commit) if added.commit else aggregate
    endpoint.record(asked, login, "vote", f"{job}: {added.verdict} on {subject}")
    answer = {
        "commit_hash": inputs.text("commit_hash"),
        "distro_hash": inputs.text("distro_hash"),
        "extended_hash": added.commit.extended_hash if added.commit else None,
        "aggregate_hash": inputs.text("aggregate_hash"),
        "timestamp": _seconds(timestamp),
        **_verdict(added),
        "url": url,
        "notes": notes,
        "user": login.user,
        "component": added.ballot.component,
    }
    return json_answer(answer, 201)


def _subject(inputs: Inputs) -> tuple[Hashes | None, str]:
    """Return what a vote is about: a commit, or an aggregate.

    Raises ApiError for both or neither.
    """
    commit, distro = inputs.text("commit_hash") or "", inputs.text("distro_hash") or ""
    aggregate = inputs.text("aggregate_hash") or ""
    if not (commit or distro or aggregate):
        raise ApiError(400, MISSING)
    if commit and not distro:
        raise ApiError(400, "If commit_hash is provided, distro_hash must be provided too")
    if distro and not commit:
        raise ApiError(400, "If distro_hash is provided, commit_hash must be provided too")
    if aggregate and commit:
        raise ApiError(400, "aggregate_hash and commit/distro_hash cannot be combined")
    return (Hashes(commit, distro, extended_hash(inputs)) if commit else None), aggregate


def _last_tested(at: Transaction, endpoint: Endpoint, inputs: Inputs) -> tuple[Vote, Commit]:
    """Return the newest vote by the rules in DLRN's documentation, and the commit that it is about.

    The job's own votes come first, then those of any job, then the newest *consistent* one. In
    sequential mode only votes of the previous job are used. Component, age and success limit every
    step. Raises ApiError 400 if there is none.
    """
    _check_sequence(inputs)
    max_age = inputs.number("max_age")
    if max_age is None:
        raise ApiError(400, MISSING)
    if max_age < 0:
        raise ApiError(400, "Max age parameter must be greater than or equal to 0")
    jobs: list[str | None] = [inputs.text("job_id"), None, CONSISTENT_JOB]
    if inputs.boolean("sequential_mode"):
        jobs = [inputs.text("previous_job_id")]
    if inputs.text("component") == "":  # no vote has an empty component
        raise ApiError(400, NO_VOTE)
    for job in dict.fromkeys(jobs):
        vote = at.votes.newest(
            endpoint.target,
            since=_since(endpoint.service.app.now(), max_age),
            job=job,
            success=inputs.boolean("success"),
            component=inputs.text("component"),
        )
        if vote and vote.commit:
            return vote, vote.commit
    raise ApiError(400, NO_VOTE)


def _check_sequence(inputs: Inputs) -> None:
    if inputs.boolean("sequential_mode") and inputs.text("previous_job_id") is None:
        raise ApiError(400, "Missing parameter previous_job_id")


def _since(now: datetime, hours: int) -> datetime:
    try:
        return max(now - timedelta(hours=hours), _EPOCH) if hours else _EPOCH
    except OverflowError:
        return _EPOCH


def _job(inputs: Inputs, name: str) -> str:
    """Return the name of a job that votes. Raises ApiError for the job whose votes are ours."""
    [job] = inputs.needed(name)
    if job == CONSISTENT_JOB:
        raise ApiError(400, f"{CONSISTENT_JOB} is not the name of a job that can vote")
    return job


def _tested(vote: Vote, commit: Commit) -> dict[str, Any]:
    return {
        **_hashes(commit),
        "timestamp": _seconds(vote.timestamp),
        **_verdict(vote),
        "user": vote.user or None,
        "component": vote.ballot.component,
    }


def _hashes(commit: Commit) -> dict[str, Any]:
    return {
        "commit_hash": commit.upstream_hash,
        "distro_hash": commit.distgit_hash,
        "extended_hash": commit.extended_hash,
    }


def _verdict(vote: Vote) -> dict[str, Any]:
    return {"job_id": vote.job, "success": vote.success, "in_progress": vote.in_progress}


def _seconds(when: datetime) -> int:
    return int(when.timestamp())
