"""`/repo/TARGET@TIME/` and `/repo/TARGET+BUILD@NAME/`: repositories that dnf can read."""

import asyncio
import os
import re
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from rdo.app.targets import site as site_of
from rdo.model.repo_file import (
    MIRRORLIST,
    OWN,
    RepoSection,
    RepoTrust,
    mirrorlist,
    repo_file,
)
from rdo.promotion.compositions import find
from rdo.publish import pool
from rdo.publish.site import Site
from rdo.signing.signer import key_name
from rdo.web.answers import ApiError
from rdo.web.api.asked import TargetRead
from rdo.web.auth.guard import Guard
from rdo.web.handling import caller_of
from rdo.web.repositories.allowance import Allowance
from rdo.web.repositories.asked import AskedSet
from rdo.web.repositories.kept import LISTING, KeptRepodata
from rdo.web.sending import OpenFileResponse

HOLD_SECONDS = 60
"""How long the builds behind a URL are remembered; after that a name may have moved."""
_MOST_REMEMBERED = 1000
_MOST_WAITING = 32
_POOLED = re.compile(r"pool/(?P<sha256>[0-9a-f]{64})/(?P<name>[^/]{1,300})")
_REPODATA = re.compile(r"repodata/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,200})")
_MOVING = frozenset({LISTING, "repomd.xml"})
"""Files that have the same name in every repository; the others are named by their content."""
_FOR_EVER = {"Cache-Control": "private, max-age=86400, immutable"}
_ASK_AGAIN = {"Cache-Control": "private, no-cache"}


def add_routes(app: Starlette, guard: Guard) -> None:
    """Add the repositories of all targets that are served."""
    answer = _Repositories(guard).answer
    for path in ("/repo/{asked}", "/repo/{asked}/{rest:path}"):
        app.add_route(path, answer, methods=["GET"], include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """The repodata that a URL means until a moment, and the one before that."""

    key: str
    before: str
    until: float


class _Repositories:
    """Serves repositories; at most one is composed at a time, and other requests wait in line."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._kept = KeptRepodata(guard.service.settings.cache / "repodata")
        self._known: dict[AskedSet, _Known] = {}
        self._allowance = Allowance()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def answer(self, request: Request) -> Response:
        """Send the list of builds, a file of the repodata, or an RPM."""
        asked = AskedSet.parse(request.path_params["asked"])
        if asked.target not in self._guard.service.targets:
            raise ApiError(404, f"there is no target {asked.target}")
        read = TargetRead(asked.target, caller_of(request), self._guard)
        await run_in_threadpool(self._guard.allow_reading, read.caller, asked.target)
        rest = request.path_params.get("rest", "")
        if found := _POOLED.fullmatch(rest):
            return await run_in_threadpool(self._rpm, read, found["sha256"], found["name"])
        if found := _REPODATA.fullmatch(rest):
            return await self._file(asked, read, found["name"])
        if rest == MIRRORLIST:
            return await self._mirrorlist(asked, read, request)
        site = site_of(self._guard.service.settings, asked.target)
        if rest == f"{site.reponame}.repo":
            return await self._repo_file(asked, read, site, request)
        if rest:
            raise _not_found(rest)
        return await self._file(asked, read, LISTING)

    async def _repo_file(
        self, asked: AskedSet, read: TargetRead, site: Site, request: Request
    ) -> Response:
        """Send a .repo file for the repository, at the URL of the request."""
        known = await self._resolved(asked, read)
        signed_by = await run_in_threadpool(self._kept.signed_by, known.key)
        keys = (key_name(asked.target, one) for one in sorted(signed_by) if one)
        trust = RepoTrust(
            gpgcheck="" not in signed_by,
            gpgkey=tuple(site.url(PurePosixPath(one)) for one in keys),
        )
        words = request.path_params["asked"]
        url = f"{request.base_url}repo/{words}/"
        own = RepoSection(site.reponame, f"{site.reponame}-{words}", (url,), priority=OWN)
        text = repo_file([own.trusting(trust)])
        return Response(text, media_type="text/plain; charset=utf-8", headers=_ASK_AGAIN)

    async def _mirrorlist(self, asked: AskedSet, read: TargetRead, request: Request) -> Response:
        """Send the URLs of the repository: in the tree and at mirrors, if one there has its set.

        Any other set is only here, because mirrors only have what names point to.
        """
        await self._resolved(asked, read)  # counts towards the limits
        text = await run_in_threadpool(self._in_tree, asked, read)
        here = mirrorlist(f"{request.base_url}repo/{request.path_params['asked']}")
        return Response(text or here, media_type="text/plain; charset=utf-8", headers=_ASK_AGAIN)

    def _in_tree(self, asked: AskedSet, read: TargetRead) -> str:
        """Return the mirror list of the tree's repository with the same set; empty if none.

        A name must point to it, or have pointed to it. Only for targets without components, whose
        sets are in one repository.
        """
        with read.opened() as opened:
            repositories = () if asked.builds else find(opened, asked.where).repositories
            if len(repositories) != 1:
                return ""
            file = opened.tree.repos / repositories[0].path / MIRRORLIST
            return file.read_text() if file.is_file() else ""

    def _rpm(self, read: TargetRead, sha256: str, name: str) -> Response:
        """Send an RPM from the target's pool, by the path in the database."""
        with read.server.store.read() as at:
            builds = at.artifacts.builds_with(read.target, {sha256}).get(sha256, [])
            stored = [one.artifact for one in at.artifacts.of_builds(builds)]
        for artifact in stored:
            if (artifact.sha256, artifact.file_name) == (sha256, name):
                repos = read.server.settings.target_folder(read.target) / "repos"
                place = pool.place(repos / pool.NAME, artifact)
                if place.is_file():
                    return FileResponse(place, headers=_FOR_EVER, media_type="application/x-rpm")
        raise ApiError(404, f"{read.target} has no RPM {name}, or not any more")

    async def _file(self, asked: AskedSet, read: TargetRead, name: str) -> Response:
        for _ in range(2):
            known = await self._resolved(asked, read)
            before = "" if name in _MOVING else known.before
            for key in filter(None, (known.key, before)):
                if file := await run_in_threadpool(self._kept.open, key, name):
                    return _sent(file, name)
            if await run_in_threadpool(self._kept.has, known.key):
                break
            self._known.pop(asked, None)  # another process needed the space
        raise _not_found(name)

    async def _resolved(self, asked: AskedSet, read: TargetRead) -> _Known:
        """Return what a URL means; raises ApiError if too much was requested."""
        if found := self._remembered(asked):
            return found
        if self._waiting >= _MOST_WAITING:
            raise ApiError(503, "too many wait for repositories", {"Retry-After": "10"})
        self._waiting += 1
        try:
            async with self._turn:
                if found := self._remembered(asked):
                    return found
                self._allowance.take(self._guard.address(read.caller))
                key = await run_in_threadpool(self._compose, asked, read)
                return self._remember(asked, key)
        finally:
            self._waiting -= 1

    def _compose(self, asked: AskedSet, read: TargetRead) -> str:
        with read.opened() as opened:
            return self._kept.keep(opened.store, asked.choose(opened).builds.values())

    def _remembered(self, asked: AskedSet) -> _Known | None:
        found = self._known.get(asked)
        return found if found and found.until > time.monotonic() else None

    def _remember(self, asked: AskedSet, key: str) -> _Known:
        old = self._known.pop(asked, None)
        before = "" if old is None else old.before if old.key == key else old.key
        while len(self._known) >= _MOST_REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[asked] = _Known(key, before, time.monotonic() + HOLD_SECONDS)
        return self._known[asked]


def _not_found(name: str) -> ApiError:
    return ApiError(404, f"the repository has no {name[:200]}")


def _sent(file: IO[bytes], name: str) -> Response:
    """Send an open file, which stays readable while the cache changes."""
    kind = "text/plain; charset=utf-8" if name == LISTING else "application/octet-stream"
    headers = _ASK_AGAIN if name in _MOVING else _FOR_EVER
    size = os.fstat(file.fileno()).st_size
    return OpenFileResponse(file, kind, {**headers, "Content-Length": str(size)})
