"""DLRN's GraphQL endpoint: its queries, answered from the store."""

import functools
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs

import strawberry
from graphql import ASTValidationRule, GraphQLError
from starlette.responses import Response
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from rdo.dlrn.formats import DlrnStatus
from rdo.errors import UserError
from rdo.store.given.votes import Vote, VoteFilter
from rdo.store.work.builds import Build
from rdo.store.work.history import BuildFilter
from rdo.store.work.packages import PackageBuilds
from rdo.web.answers import ApiError, json_answer
from rdo.web.dlrn import graphql_types as types
from rdo.web.dlrn.commits import component_of
from rdo.web.dlrn.endpoint import Endpoint
from rdo.web.dlrn.graphql_bounds import OneOperation, QueryBounds
from rdo.web.dlrn.graphql_types import CIVote, CIVoteAgg, DlrnCommit, Node, PackageStatus
from rdo.web.handling import HttpRequest

log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

_MOST_ROWS = 100
_KEPT_QUERIES = 100  # programs send the same few queries again and again
_NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - DLRN writes it without a zone
_FILTERS = {
    DlrnStatus.SUCCESS: BuildFilter(outcome="built"),
    DlrnStatus.FAILED: BuildFilter(outcome="failed", spurious=False),
    DlrnStatus.RETRY: BuildFilter(outcome="failed", spurious=True),
}


@dataclass(frozen=True, slots=True)
class DlrnQuestions:
    """The queries of the resolvers, each in a short transaction of its own.

    `operation` is the one that the request names, empty if it names none.
    """

    endpoint: Endpoint
    operation: str = ""

    def commits(self, wanted: BuildFilter, offset: int, limit: int) -> list[DlrnCommit]:
        """Return the builds that have ended, newest first."""
        with self.endpoint.service.store.read() as at:
            found = at.history.listed(self.endpoint.target, wanted, offset=offset, limit=limit)
            there = at.repositories.builds_in_tree(self.endpoint.target, [one.id for one in found])
        return self._commits(found, there)

    def commits_of(self, build_ids: Sequence[int]) -> dict[int, DlrnCommit]:
        """Return builds by their ids, with as many queries as for one."""
        target = self.endpoint.target
        with self.endpoint.service.store.read() as at:
            found = at.history.of_ids(target, build_ids)
            there = at.repositories.builds_in_tree(target, build_ids)
        answers = self._commits(found, there)
        return {one.id: answer for one, answer in zip(found, answers, strict=True)}

    def commit(self, build_id: int) -> DlrnCommit | None:
        """Return one build; None if the target has none with this number."""
        return self.commits_of([build_id]).get(build_id)

    def votes(self, wanted: VoteFilter, offset: int, limit: int) -> tuple[Vote, ...]:
        """Return votes, the last recorded first."""
        with self.endpoint.service.store.read() as at:
            return at.votes.listed(self.endpoint.target, wanted, offset=offset, limit=limit)

    def civotes(self, found: Sequence[Vote]) -> list[CIVote]:
        """Return votes on builds in DLRN's form; requested builds are all read at once."""
        numbered = [(vote, vote.ballot.build_id) for vote in found]
        on_builds = [(vote, number) for vote, number in numbered if number is not None]
        commits = _asked_once(lambda: self.commits_of([number for _, number in on_builds]))
        return [
            types.civote(vote, number, lambda number=number: commits().get(number))  # type: ignore[misc]
            for vote, number in on_builds
        ]

    def _votes_on(self, build_ids: Sequence[int]) -> dict[int, list[CIVote]]:
        with self.endpoint.service.store.read() as at:
            found = at.votes.on_builds(self.endpoint.target, build_ids)
        votes: dict[int, list[CIVote]] = {}
        for vote in self.civotes(found):
            votes.setdefault(vote.commit_id, []).append(vote)
        return votes

    def _commits(self, found: Sequence[Build], there: Collection[int]) -> list[DlrnCommit]:
        """Return builds as DLRN's commits; the votes on all of them are read at once."""
        votes = _asked_once(lambda: self._votes_on([build.id for build in found]))
        return [self._commit(build, votes, is_there=build.id in there) for build in found]

    def _commit(
        self, build: Build, votes: Callable[[], dict[int, list[CIVote]]], *, is_there: bool
    ) -> DlrnCommit:
        component = component_of(self.endpoint, build)
        purged = build.published is not None and not is_there
        return types.commit(build, component, lambda: votes().get(build.id, []), purged=purged)


def _asked_once(question: Callable[[], AnswerT]) -> Callable[[], AnswerT]:
    """Return the same query, which remembers its answer, because many rows share it."""
    return functools.cache(question)


Info = strawberry.Info[DlrnQuestions, None]


@strawberry.type
class Query:
    """DLRN's queries."""

    @strawberry.field
    def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Return anything by its id."""
        answers, found = info.context, types.parse_global_id(id)
        if found is None:
            return None
        kind, number = found
        if kind == "Commit":
            return answers.commit(number)
        wanted = VoteFilter(on_build=kind == "CIVote")
        if kind not in {"CIVote", "CIVoteAgg"}:
            return None
        with answers.endpoint.service.store.read() as at:
            vote = at.votes.get(answers.endpoint.target, number, wanted)
        if vote is None:
            return None
        build_id = vote.ballot.build_id
        return types.civote_agg(vote) if build_id is None else answers.civotes([vote])[0]

    @strawberry.field
    def commits(
        self,
        info: Info,
        project_name: str | None = None,
        component: str | None = None,
        status: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
        commit_hash: str | None = None,
        distro_hash: str | None = None,
        extended_hash: str | None = None,
    ) -> list[DlrnCommit | None] | None:
        """Return builds, newest first."""
        chosen = _FILTERS.get(DlrnStatus(status)) if status in set(DlrnStatus) else None
        if status and chosen is None:
            return []
        wanted = BuildFilter(
            package=project_name or None,
            component=component or None,
            outcome=chosen.outcome if chosen else None,
            spurious=chosen.spurious if chosen else None,
            upstream_hash=commit_hash or None,
            distgit_hash=distro_hash or None,
            extended_pattern=extended_hash or None,
            bootstrap=False,
            has_outcome=True,
        )
        return [*info.context.commits(wanted, *_page(offset, limit))]

    @strawberry.field
    def civote(
        self,
        info: Info,
        commit_id: int | None = None,
        ci_name: str | None = None,
        ci_vote: bool | None = None,
        ci_in_progress: bool | None = None,
        timestamp: int | None = None,
        user: str | None = None,
        component: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> list[CIVote | None] | None:
        """Return votes on commits, the last recorded first."""
        wanted = VoteFilter(
            on_build=True,
            build_id=commit_id or None,
            component=component or None,
            job=ci_name or None,
            success=ci_vote,
            in_progress=ci_in_progress,
            timestamp=_moment(timestamp),
            user=user or None,
        )
        found = info.context.votes(wanted, *_page(offset, limit))
        return [*info.context.civotes(found)]

    @strawberry.field
    def civote_agg(
        self,
        info: Info,
        ref_hash: str | None = None,
        ci_name: str | None = None,
        ci_vote: bool | None = None,
        ci_in_progress: bool | None = None,
        timestamp: int | None = None,
        user: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> list[CIVoteAgg | None] | None:
        """Return votes on aggregates, the last recorded first."""
        wanted = VoteFilter(
            on_build=False,
            ref_hash=ref_hash or None,
            job=ci_name or None,
            success=ci_vote,
            in_progress=ci_in_progress,
            timestamp=_moment(timestamp),
            user=user or None,
        )
        found = info.context.votes(wanted, *_page(offset, limit))
        return [types.civote_agg(vote) for vote in found]

    @strawberry.field
    def package_status(
        self, info: Info, project_name: str | None = None, status: str | None = None
    ) -> list[PackageStatus | None] | None:
        """Return the states of packages of the release."""
        endpoint = info.context.endpoint
        names = [project_name] if project_name else _packages(endpoint)
        found: list[PackageStatus | None] = []
        for number, standing in enumerate(_standings(endpoint, names, project_name or "")):
            row = standing.row(number)
            if not status or status == row.status:
                found.append(row)
        return found


@dataclass(frozen=True, slots=True)
class _Standing:
    """The state of a package: the builds that decide it, and the last one, which may not yet."""

    builds: PackageBuilds
    last: Build | None

    def row(self, number: int) -> PackageStatus:
        """Return it in DLRN's words; in DLRN, a failure that is tried again also counts."""
        newest = self.builds.newest
        if self.last and DlrnStatus.of(self.last.outcome) is DlrnStatus.RETRY:
            newest = self.last
        word = DlrnStatus.of(newest.outcome if newest else None)
        name = self.builds.package
        row = PackageStatus(id=strawberry.ID(str(number)), project_name=name, status=word.value)
        if newest and word in {DlrnStatus.FAILED, DlrnStatus.RETRY}:
            good, broken = self.builds.good, self.builds.broken_by or newest
            row.first_failure_commit = broken.commit.upstream_hash
            row.last_success = good.release_date.replace(tzinfo=None) if good else _NEVER
        return row


def _standings(endpoint: Endpoint, names: Sequence[str], only: str) -> list[_Standing]:
    """Read the states of packages; `only` is the requested package, if it is one."""
    target = endpoint.target
    with endpoint.service.store.read() as at:
        states = [at.packages.state(target, only)] if only else at.packages.states(target)
        last = at.history.last_tries(target, only)
    by_name = {one.package: one for one in states}
    return [
        _Standing(by_name.get(name) or PackageBuilds(name, newest=None, good=None), last.get(name))
        for name in names
    ]


class _Schema(strawberry.Schema):
    """A schema whose errors are the client's; `_formatted` logs errors of ours."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing, because what strangers write into a query does not belong in our log."""


# made once, because cached validations are found by their rules
_BOUNDS: list[type[ASTValidationRule]] = [QueryBounds]

schema = _Schema(
    query=Query,
    types=[DlrnCommit, CIVote, CIVoteAgg],
    config=StrawberryConfig(auto_camel_case=True),
    extensions=[
        lambda: AddValidationRules(_BOUNDS),
        lambda: MaxTokensLimiter(max_token_count=1000),
        OneOperation,
        lambda: ParserCache(maxsize=_KEPT_QUERIES),
        lambda: ValidationCache(maxsize=_KEPT_QUERIES),
    ],
)


def handler(endpoint: Endpoint, asked: HttpRequest) -> Response:
    """Answer a GraphQL request by GET or POST."""
    endpoint.guard.allow_reading(asked.caller, endpoint.target)
    try:
        question = _Question.read(asked)
    except GraphQLError as error:
        return _errors([error.message])
    done = schema.execute_sync(
        question.query,
        variable_values=question.variables,
        operation_name=question.operation or None,
        context_value=DlrnQuestions(endpoint, question.operation),
    )
    answer: dict[str, Any] = {}
    if done.errors:
        answer["errors"] = [_formatted(error) for error in done.errors]
    if done.data is not None:
        answer["data"] = done.data
    return json_answer(answer, 400 if done.data is None else 200)


@dataclass(frozen=True, slots=True)
class _Question:
    """The content of a request: query, values of its variables, and the operation to run."""

    query: str
    variables: dict[str, Any] | None
    operation: str

    @classmethod
    def read(cls, asked: HttpRequest) -> "_Question":
        """Read a request. Raises GraphQLError, with DLRN's words."""
        body = {name: value for name, value in _body(asked).items() if value}
        given = {**asked.query, **body}
        query, variables = given.get("query"), given.get("variables") or None
        if isinstance(variables, str):
            variables = _parsed(variables, "Variables are invalid JSON.") or None
        if not query:
            raise GraphQLError("Must provide query string.")
        if not isinstance(query, str):
            raise GraphQLError("The query must be a string")
        if not isinstance(variables, dict | None):
            raise GraphQLError("Variables must be a JSON object.")
        return cls(query, variables, str(given.get("operationName") or ""))


def _body(asked: HttpRequest) -> Mapping[str, Any]:
    """Return the parameters in the body, even of a GET; they come before those of the URL."""
    kind = asked.content_type.partition(";")[0].strip().lower()
    text = asked.body.decode(errors="replace")
    if kind == "application/graphql":
        return {"query": text}
    if kind == "application/x-www-form-urlencoded":
        found = parse_qs(text, max_num_fields=20)
        return {name: values[0] for name, values in found.items()}
    if kind != "application/json":
        return {}
    body = _parsed(text, "POST body sent invalid JSON.")
    if isinstance(body, list):
        raise GraphQLError("Batch GraphQL requests are not enabled.")
    if not isinstance(body, dict):
        raise GraphQLError(f"GraphQL params should be a dict. Received {body!r}.")
    return body


def _parsed(text: str, fault: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise GraphQLError(fault) from None


def _errors(messages: list[str]) -> Response:
    return json_answer({"errors": [{"message": message} for message in messages]}, 400)


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """Return an error for the client; unexpected errors are logged, and not shown."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError | UserError | ApiError):
        return dict(error.formatted)
    log.error("a bug in rdo", exc_info=cause)
    return {"message": "internal error"}


def _page(offset: int | None, limit: int | None) -> tuple[int, int]:
    """Return where a page begins and its length: at most 100 rows."""
    begin, length = offset or 0, _MOST_ROWS if limit is None else limit
    if begin < 0 or length < 0:
        raise GraphQLError("offset and limit must not be negative")
    return begin, min(length, _MOST_ROWS)


def _moment(timestamp: int | None) -> datetime | None:
    return datetime.fromtimestamp(timestamp, UTC) if timestamp else None


def _packages(endpoint: Endpoint) -> list[str]:
    """Return the packages of the release in the current metadata."""
    app = endpoint.service.app.for_request()
    return [package.name for package in app.packages(endpoint.target).packages]
