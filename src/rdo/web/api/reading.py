"""The endpoints that read. Each is a short transaction, or asks a service that commands ask.

What is wrong with a request is raised as an ApiError, which becomes the answer.
"""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.promotion import compositions, listing
from rdo.promotion.differences import differences
from rdo.store.history import BuildFilter
from rdo.store.votes import VoteFilter
from rdo.web.answers import ApiError
from rdo.web.api import logs
from rdo.web.api.values import (
    BuildAnswer,
    CheckAnswerOfRepository,
    DifferenceAnswer,
    ErrorAnswer,
    PackageAnswer,
    PageAnswer,
    PromotionAnswer,
    RepositoryAnswer,
    TargetAnswer,
    VoteAnswer,
)
from rdo.web.auth.guard import Guard
from rdo.web.handling import caller_of
from rdo.web.service import WebServer

_LARGEST = 2**53
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer} for status in (400, 401, 403, 404, 422, 429, 503)
}
Limit = Annotated[int, Query(ge=1, le=100, description="Most items of the page.")]
Offset = Annotated[int, Query(ge=0, le=_LARGEST, description="Items to skip.")]
Before = Annotated[int | None, Query(ge=1, le=_LARGEST, description="`next` of the last page.")]
Word = Annotated[str | None, Query(max_length=200)]
Number = Annotated[int, Path(ge=1, le=_LARGEST)]
Name = Annotated[str, Path(max_length=200)]
Place = Annotated[str, Query(max_length=300, description="A name, NAME@TIME, or a path.")]


def router(guard: Guard) -> APIRouter:
    """Return the routes that read the targets of a server."""
    server = guard.service

    def readable(target: Name, request: Request) -> str:
        """Check that a target is served, and that the user may read it."""
        if target not in server.targets:
            raise ApiError(404, f"there is no target {target[:100]}")
        guard.allow_reading(caller_of(request), target)
        return target

    routes = APIRouter(prefix="/api/v1", responses=_ERRORS)
    target = Annotated[str, Depends(readable)]
    _add_targets(routes, server, guard)
    _add_builds(routes, server, target)
    _add_repositories(routes, server, target)
    _add_verdicts(routes, server, target)
    return routes


def _add_targets(routes: APIRouter, server: WebServer, guard: Guard) -> None:
    @routes.get("/targets")
    def targets(request: Request) -> list[TargetAnswer]:
        """List the targets that are served and that you may read."""
        return [_target(server, name) for name in guard.readable(caller_of(request))]


def _add_builds(routes: APIRouter, server: WebServer, target_type: Any) -> None:
    @routes.get("/targets/{target}")
    def target(target: target_type) -> TargetAnswer:
        """Show a target."""
        return _target(server, target)

    @routes.get("/targets/{target}/packages")
    def packages(target: target_type) -> list[PackageAnswer]:
        """List the packages that have had an outcome, by name."""
        with server.store.read() as at:
            found = at.packages.pointers(target)
        return [
            PackageAnswer(
                name=one.package,
                newest=one.newest_id,
                good=one.good_id,
                broken_by=one.broken_id,
                broken_since=one.broken_since,
                reason=one.failure.value if one.failure else None,
            )
            for one in found.values()
        ]

    @routes.get("/targets/{target}/builds")
    def builds(
        target: target_type,
        package: Word = None,
        outcome: Word = None,
        upstream_hash: Word = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> PageAnswer[BuildAnswer]:
        """List builds, newest first."""
        wanted = BuildFilter(package=package, outcome=outcome, upstream_hash=upstream_hash)
        with server.store.read() as at:
            found = at.history.listed(target, wanted, before=before, limit=limit)
        more = found[-1].id if len(found) == limit else None
        return PageAnswer(items=[BuildAnswer.of(one) for one in found], next=more)

    @routes.get("/targets/{target}/queue")
    def queue(target: target_type) -> list[BuildAnswer]:
        """List the builds that run, then those that wait, in the order they were planned."""
        with server.store.read() as at:
            found = (*at.builds.running(target), *at.builds.queue(target))
        return [BuildAnswer.of(one) for one in found]

    @routes.get("/targets/{target}/builds/{build}")
    def build(target: target_type, build: Number) -> BuildAnswer:
        """Show a build."""
        with server.store.read() as at:
            found = at.history.get(target, build)
        if found is None:
            raise ApiError(404, f"{target} has no build {build}")
        return BuildAnswer.of(found)

    @routes.get(
        "/targets/{target}/builds/{build}/log",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def log(target: target_type, build: Number, offset: Offset = 0) -> Response:
        """Return the log of a build from a byte on, at most 1 MB.

        `X-Next-Offset` is where to go on; `X-Log-Complete` is whether the build has ended.
        """
        return logs.part(server, target, build, offset)


def _add_repositories(routes: APIRouter, server: WebServer, target_type: Any) -> None:
    @routes.get("/targets/{target}/repositories")
    def repositories(target: target_type, limit: Limit = 50) -> list[RepositoryAnswer]:
        """List the newest repositories of the tree, and all that a name leads to."""
        with _opened(server, target) as opened:
            return [
                RepositoryAnswer(
                    path=one.path,
                    component=one.component,
                    created=one.created,
                    of=one.of,
                    build=one.build_id,
                    names=one.names,
                    url=one.url,
                )
                for one in listing.in_tree(opened, limit)
            ]

    @routes.get("/targets/{target}/diff")
    def diff(target: target_type, before: Place, after: Place) -> list[DifferenceAnswer]:
        """List the packages that differ between two repositories."""
        with _opened(server, target) as opened:
            found = differences(
                opened,
                server.settings.data / "mirrors",
                compositions.find(opened, before),
                compositions.find(opened, after),
                most_commits=1,
            )
        return [
            DifferenceAnswer(
                package=one.package,
                kind=one.kind.value,
                before=one.before,
                after=one.after,
                upstream_commits=one.upstream.count,
                distgit_commits=one.distgit.count,
            )
            for one in found
        ]

    @routes.get("/targets/{target}/checks")
    def checks(target: target_type, repository: Place) -> list[CheckAnswerOfRepository]:
        """List how the checks of a repository went."""
        with _opened(server, target) as opened:
            found = compositions.find(opened, repository)
        with server.store.read() as at:
            results = at.check_results.of(target, [one.id for one in found.repositories])
        return [CheckAnswerOfRepository.of(one) for one in results]


def _add_verdicts(routes: APIRouter, server: WebServer, target_type: Any) -> None:
    @routes.get("/targets/{target}/votes")
    def votes(
        target: target_type,
        job: Word = None,
        reference: Word = None,
        build: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> PageAnswer[VoteAnswer]:
        """List votes, the last recorded first."""
        wanted = VoteFilter(job=job, ref_hash=reference, build_id=build)
        with server.store.read() as at:
            found = at.votes.listed(target, wanted, offset=offset, limit=limit)
        items = [VoteAnswer.of(one) for one in found]
        return PageAnswer(items=items, next=_next(offset, limit, len(items)))

    @routes.get("/targets/{target}/promotions")
    def promotions(
        target: target_type,
        name: Word = None,
        component: Word = None,
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> PageAnswer[PromotionAnswer]:
        """List the moves of promotion names, newest first."""
        with server.store.read() as at:
            found = at.names.promotions(
                target, name=name, component=component, offset=offset, limit=limit
            )
        items = [PromotionAnswer.of(one) for one in found]
        return PageAnswer(items=items, next=_next(offset, limit, len(items)))


@contextlib.contextmanager
def _opened(server: WebServer, target: str) -> Iterator[OpenTarget]:
    """Open a target with its metadata as it is now."""
    with contextlib.closing(server.app.for_request()) as app:
        try:
            yield app.target(target)
        except FileNotFoundError:
            raise NotFoundError("what was asked for was removed meanwhile") from None


def _target(server: WebServer, name: str) -> TargetAnswer:
    section = server.settings.target(name)
    with server.store.read() as at:
        names = {
            f"component/{one.component}/{key}" if one.component else key: one.path
            for key, one in at.names.all(name)
        }
        counts, pause = at.history.open_counts(name), at.holds.pause_of(name)
        failing = at.history.failing_count(name)
    return TargetAnswer(
        name=name,
        release=section.release,
        platform=section.platform,
        components=section.components,
        url=server.settings.tree_url(name),
        names=names,
        failing=failing,
        paused=str(pause) if pause else "",
        **counts,
    )


def _next(offset: int, limit: int, count: int) -> int | None:
    return offset + limit if count == limit else None
