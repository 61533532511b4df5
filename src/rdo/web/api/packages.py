"""The endpoints about one package, and about all commits: reading and steering."""

import contextlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from rdo.model.text.url import without_secret
from rdo.promotion.containing import RepositoryContaining, repositories_containing
from rdo.store.work.history import BuildFilter
from rdo.trunk.care import steering
from rdo.trunk.views.explanation import explain_anything
from rdo.trunk.views.package_page import without_domain
from rdo.trunk.views.state import PackageView
from rdo.web.answers import ApiError
from rdo.web.api.asked import ERRORS, LARGEST, Admin, Before, Limit, Name, Reader
from rdo.web.api.values import BuildAnswer, CommitAnswer, PageAnswer

_AT_ONCE = 20
"""How many repositories one request reads."""
Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{4,64}$")]


class MetadataAnswer(BaseModel):
    """A package as the metadata describes it for a target; `fault` is what is wrong with it."""

    name: str
    project: str
    upstreams: list[str]
    upstream_branch: str
    distgit: str
    distgit_branch: str
    component: str | None
    tags: list[str]
    maintainers: list[str]
    fault: str


class StandingAnswer(BaseModel):
    """The state of a package, in one word and in one sentence."""

    package: str
    state: str
    why: str
    since: datetime | None
    commit: str
    build: int | None
    waits_for: list[str]


class WhyAnswer(BaseModel):
    """Why a package is or is not built; `chain` leads to the package that is the cause."""

    standing: StandingAnswer
    chain: list[StandingAnswer]
    needed_by: list[str]
    notes: list[str]
    next: str


class ContainingAnswer(BaseModel):
    """A published repository that contains a build of a commit."""

    id: int
    path: str
    component: str | None
    created: datetime
    names: list[str]
    url: str
    build: int

    @classmethod
    def of(cls, one: RepositoryContaining) -> "ContainingAnswer":
        """Return the answer for a repository."""
        return cls(
            id=one.id,
            path=one.path,
            component=one.component,
            created=one.created,
            names=list(one.names),
            url=one.url,
            build=one.build_id,
        )


class HoldQuestion(BaseModel):
    """Why a package is held, and at which build; by default at the current one."""

    model_config = ConfigDict(extra="forbid")

    because: Annotated[str, Field(min_length=1, max_length=10_000)]
    build: Annotated[int | None, Field(ge=1, le=LARGEST)] = None


class HoldAnswer(BaseModel):
    """A package that is held, or was until now."""

    package: str
    build: int | None = None
    because: str = ""
    is_held: bool


def router() -> APIRouter:
    """Return the routes; rechecking or holding a package needs the role admin."""
    routes = APIRouter(prefix="/api/v1/targets/{target}", responses=ERRORS)
    _add_reading(routes)
    _add_repositories(routes)
    _add_steering(routes)
    return routes


def _add_reading(routes: APIRouter) -> None:
    @routes.get("/commits")
    def commits(
        asked: Reader,
        package: Annotated[str | None, Query(max_length=200)] = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> PageAnswer[CommitAnswer]:
        """List the commits that were planned, newest first."""
        with asked.server.store.read() as at:
            found = at.commits.listed(asked.target, package=package, before=before, limit=limit)
        more = found[-1][0] if len(found) == limit else None
        return PageAnswer(items=[CommitAnswer.of(one) for _, one in found], next=more)

    @routes.get("/packages/{package}/metadata")
    def metadata(asked: Reader, package: Name) -> MetadataAnswer:
        """Show what the metadata says about a package."""
        with asked.trunk() as trunk:
            found = trunk.package(package)
        return MetadataAnswer(
            name=found.name,
            project=found.project,
            upstreams=[without_secret(url) for url in found.upstreams],
            upstream_branch=found.upstream_branch,
            distgit=without_secret(found.distgit),
            distgit_branch=found.distgit_branch,
            component=found.component or None,
            tags=sorted(found.tags),
            maintainers=[without_domain(one) for one in found.maintainers],
            fault=found.fault,
        )

    @routes.get("/packages/{package}/why")
    def why(asked: Reader, package: Name) -> WhyAnswer:
        """Explain why a package is or is not built, as `rdo why` does."""
        with contextlib.closing(asked.server.app.for_request()) as app:
            found = explain_anything(app, asked.target, package)
        return WhyAnswer(
            standing=_standing(found.view),
            chain=list(map(_standing, found.chain)),
            needed_by=sorted(found.needed_by),
            notes=list(found.notes),
            next=found.next,
        )


def _add_repositories(routes: APIRouter) -> None:
    @routes.get("/commits/{upstream_hash}/repositories")
    def containing(
        asked: Reader,
        upstream_hash: Hash,
        distgit_hash: Annotated[str | None, Query(pattern=r"^[0-9a-f]{4,64}$")] = None,
        before: Before = None,
    ) -> PageAnswer[ContainingAnswer]:
        """List the published repositories that contain a commit, by its whole hash, newest first.

        A page looks into 20 repositories, so it may be empty although there is a next one.
        """
        with asked.server.store.read() as at:
            wanted = BuildFilter(
                upstream_hash=upstream_hash, distgit_hash=distgit_hash, outcome="built"
            )
            builds = at.history.listed(asked.target, wanted, limit=100)
        if not builds:
            raise ApiError(404, f"{asked.target} has no good build of commit {upstream_hash}")
        with asked.trunk() as trunk:
            found, more = repositories_containing(trunk, builds, before=before, most=_AT_ONCE)
        return PageAnswer(items=list(map(ContainingAnswer.of, found)), next=more)


def _add_steering(routes: APIRouter) -> None:
    @routes.post("/packages/{package}/recheck", status_code=202)
    def recheck(asked: Admin, package: Name) -> BuildAnswer:
        """Queue the newest commit of a package that fails to build once more."""
        with asked.trunk() as trunk:
            [done] = steering.recheck(trunk, [package])
        asked.record("recheck", done.build.package)
        return BuildAnswer.of(done.build)

    @routes.put("/packages/{package}/hold")
    def hold(asked: Admin, package: Name, wanted: HoldQuestion) -> HoldAnswer:
        """Keep a package at a build: nothing new of it is built, and nothing waits for it."""
        with asked.trunk() as trunk:
            by = asked.login.user
            done = steering.hold(trunk, package, wanted.build, by=by, why=wanted.because)
        held = done.hold
        asked.record("hold", f"{held.package}: {held.why}")
        return HoldAnswer(package=held.package, build=held.build_id, because=held.why, is_held=True)

    @routes.delete("/packages/{package}/hold")
    def release(asked: Admin, package: Name) -> HoldAnswer:
        """End a hold, so that the package's newest good build is used again."""
        with asked.trunk() as trunk:
            done = steering.release(trunk, package, by=asked.login.user)
        asked.record("release", done.package)
        return HoldAnswer(package=done.package, is_held=False)


def _standing(view: PackageView) -> StandingAnswer:
    return StandingAnswer(
        package=view.package,
        state=view.unstopped.value,
        why=view.sentence,
        since=view.since,
        commit=view.commit,
        build=view.build_id,
        waits_for=sorted(view.waits_for),
    )
