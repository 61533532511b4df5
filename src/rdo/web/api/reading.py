"""The endpoints that only read.

Each is a short transaction, or calls a service that commands also use.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rdo.promotion import compositions, listing
from rdo.promotion.differences import differences
from rdo.store.given.votes import VoteFilter
from rdo.store.work.history import BuildFilter
from rdo.web.answers import ApiError
from rdo.web.api import logs
from rdo.web.api.asked import ERRORS, LARGEST, Before, Limit, Number, Reader, guard_of
from rdo.web.api.logs import LogQuestion
from rdo.web.api.values import (
    AckAnswer,
    BuildAnswer,
    CheckAnswerOfRepository,
    DifferenceAnswer,
    PackageAnswer,
    PageAnswer,
    PromotionAnswer,
    RepositoryAnswer,
    TargetAnswer,
    VoteAnswer,
)
from rdo.web.handling import caller_of
from rdo.web.service import WebServer

Offset = Annotated[int, Query(ge=0, le=LARGEST, description="Items to skip.")]
Follow = Annotated[bool, Query(description="Go on until the build has ended.")]
Word = Annotated[str | None, Query(max_length=200)]
Place = Annotated[str, Query(max_length=300, description="A name, NAME@TIME, or a path.")]


def router() -> APIRouter:
    """Return the routes that read the targets of a server."""
    routes = APIRouter(prefix="/api/v1", responses=ERRORS)
    _add_targets(routes)
    _add_builds(routes)
    _add_repositories(routes)
    _add_verdicts(routes)
    return routes


def _add_targets(routes: APIRouter) -> None:
    @routes.get("/targets")
    def targets(request: Request) -> list[TargetAnswer]:
        """List the targets that are served and that you may read."""
        guard = guard_of(request)
        return [_target(guard.service, name) for name in guard.readable(caller_of(request))]


def _add_builds(routes: APIRouter) -> None:
    @routes.get("/targets/{target}")
    def target(asked: Reader) -> TargetAnswer:
        """Show a target."""
        return _target(asked.server, asked.target)

    @routes.get("/targets/{target}/packages")
    def packages(asked: Reader) -> list[PackageAnswer]:
        """List the packages that have had an outcome, by name."""
        with asked.server.store.read() as at:
            found, on_it = at.packages.pointers(asked.target), at.acks.all(asked.target)
        return [
            PackageAnswer(
                name=one.package,
                newest=one.newest_id,
                good=one.good_id,
                broken_by=one.broken_id,
                broken_since=one.broken_since,
                reason=one.failure.value if one.failure else None,
                ack=AckAnswer.of(on_it[one.package]) if one.package in on_it else None,
            )
            for one in found.values()
        ]

    @routes.get("/targets/{target}/builds")
    def builds(
        asked: Reader,
        package: Word = None,
        outcome: Word = None,
        upstream_hash: Word = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> PageAnswer[BuildAnswer]:
        """List builds, newest first."""
        wanted = BuildFilter(package=package, outcome=outcome, upstream_hash=upstream_hash)
        with asked.server.store.read() as at:
            found = at.history.listed(asked.target, wanted, before=before, limit=limit)
        more = found[-1].id if len(found) == limit else None
        return PageAnswer(items=[BuildAnswer.of(one) for one in found], next=more)

    @routes.get("/targets/{target}/queue")
    def queue(asked: Reader) -> list[BuildAnswer]:
        """List the builds that run, then those that wait, in the order they were planned."""
        with asked.server.store.read() as at:
            found = (*at.builds.running(asked.target), *at.builds.queue(asked.target))
        return [BuildAnswer.of(one) for one in found]

    @routes.get("/targets/{target}/builds/{build}")
    def build(asked: Reader, build: Number) -> BuildAnswer:
        """Show a build."""
        with asked.server.store.read() as at:
            found = at.history.get(asked.target, build)
        if found is None:
            raise ApiError(404, f"{asked.target} has no build {build}")
        return BuildAnswer.of(found)

    @routes.get(
        "/targets/{target}/builds/{build}/log",
        response_class=Response,
        responses=logs.RESPONSES,
    )
    def log(
        asked: Reader,
        request: Request,
        build: Number,
        offset: Offset = 0,
        follow: Follow = False,
    ) -> Response:
        """Return the log of a build from a byte on, at most 1 MB, or all of it as it grows.

        `X-Next-Offset` is where to go on; `X-Log-Complete` is whether the build has ended. Instead
        of `offset` there may be a `Range` of bytes. With `follow` the answer goes on until the
        build has ended; with `Accept: text/event-stream` it consists of the events `lines`, each
        with a list of pairs (the line, whether it tells of an error), and one `end`.
        """
        return logs.answer(
            asked.server, asked.target, build, LogQuestion.of(request, offset, follow=follow)
        )


def _add_repositories(routes: APIRouter) -> None:
    @routes.get("/targets/{target}/repositories")
    def repositories(asked: Reader, limit: Limit = 50) -> list[RepositoryAnswer]:
        """List the newest repositories of the tree, and all that a name leads to."""
        with asked.opened() as opened:
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
    def diff(asked: Reader, before: Place, after: Place) -> list[DifferenceAnswer]:
        """List the packages that differ between two repositories."""
        with asked.opened() as opened:
            found = differences(
                opened,
                asked.server.settings.data / "mirrors",
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
    def checks(asked: Reader, repository: Place) -> list[CheckAnswerOfRepository]:
        """List how the checks of a repository went."""
        with asked.opened() as opened:
            found = compositions.find(opened, repository)
        with asked.server.store.read() as at:
            results = at.check_results.of(asked.target, [one.id for one in found.repositories])
        return [CheckAnswerOfRepository.of(one) for one in results]


def _add_verdicts(routes: APIRouter) -> None:
    @routes.get("/targets/{target}/votes")
    def votes(
        asked: Reader,
        job: Word = None,
        reference: Word = None,
        build: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> PageAnswer[VoteAnswer]:
        """List votes, the last recorded first."""
        wanted = VoteFilter(job=job, ref_hash=reference, build_id=build)
        with asked.server.store.read() as at:
            found = at.votes.listed(asked.target, wanted, offset=offset, limit=limit)
        items = [VoteAnswer.of(one) for one in found]
        return PageAnswer(items=items, next=_next(offset, limit, len(items)))

    @routes.get("/targets/{target}/promotions")
    def promotions(
        asked: Reader,
        name: Word = None,
        component: Word = None,
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> PageAnswer[PromotionAnswer]:
        """List the moves of promotion names, newest first."""
        with asked.server.store.read() as at:
            found = at.names.promotions(
                asked.target, name=name, component=component, offset=offset, limit=limit
            )
        items = [PromotionAnswer.of(one) for one in found]
        return PageAnswer(items=items, next=_next(offset, limit, len(items)))


def _target(server: WebServer, name: str) -> TargetAnswer:
    section = server.settings.target(name)
    with server.store.read() as at:
        names = {
            f"component/{one.component}/{key}" if one.component else key: one.path
            for key, one in at.names.all(name)
        }
        queue, pause = at.gauges.queue(name), at.holds.pause_of(name)
        failing = at.history.failing_count(name)
    return TargetAnswer(
        name=name,
        release=section.release,
        platform=section.platform,
        components=section.components,
        url=server.settings.tree_url(name),
        names=names,
        queued=queue.queued,
        running=queue.running,
        failing=failing,
        paused=str(pause) if pause else "",
    )


def _next(offset: int, limit: int, count: int) -> int | None:
    return offset + limit if count == limit else None
