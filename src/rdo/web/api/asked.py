"""The common beginning of every endpoint for one target: the target is served, the user is allowed.

An endpoint states the right that it needs by the type of its parameter. Errors are raised as
ApiError, which becomes the answer: 404 for a target that is not served, 401 and 403 as the guard
decides.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Path, Query, Request

from rdo.access.roles import Login, Role
from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.trunk.context import Trunk, open_trunk
from rdo.web.answers import ApiError
from rdo.web.api.values import ErrorAnswer
from rdo.web.auth.guard import Caller, Guard
from rdo.web.handling import caller_of
from rdo.web.service import WebServer

LARGEST = 2**53
"""The largest number that every JSON client reads exactly."""
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer} for status in (400, 401, 403, 404, 422, 429, 503)
}
Name = Annotated[str, Path(max_length=200)]
Number = Annotated[int, Path(ge=1, le=LARGEST)]
Before = Annotated[int | None, Query(ge=1, le=LARGEST, description="`next` of the last page.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Most items of the page.")]


@dataclass(frozen=True, slots=True)
class TargetRead:
    """A request about a target that its user may read."""

    target: str
    caller: Caller
    guard: Guard

    @property
    def server(self) -> WebServer:
        """The server that was asked."""
        return self.guard.service

    @contextlib.contextmanager
    def opened(self) -> Iterator[OpenTarget]:
        """Open the target with its current metadata.

        Raises NotFoundError if the requested thing is removed meanwhile.
        """
        with contextlib.closing(self.server.app.for_request()) as app:
            try:
                yield app.target(self.target)
            except FileNotFoundError:
                raise NotFoundError("the requested object was removed in the meantime") from None

    @contextlib.contextmanager
    def trunk(self) -> Iterator[Trunk]:
        """Open the target for work between rounds, with its current metadata."""
        with contextlib.closing(self.server.app.for_request()) as app:
            yield open_trunk(app, self.target)


@dataclass(frozen=True, slots=True)
class TargetAct(TargetRead):
    """A request to change a target, by a user who may do so."""

    login: Login

    def record(self, act: str, detail: str) -> None:
        """Add the act to the audit log."""
        self.guard.record(self.caller, self.login, act, self.target, detail)


def guard_of(request: Request) -> Guard:
    """Return the guard of the server that received a request."""
    guard = request.app.state.guard
    assert isinstance(guard, Guard)
    return guard


def _served(guard: Guard, target: str) -> None:
    if target not in guard.service.targets:
        raise ApiError(404, f"there is no target {target[:100]}")


def _reads(target: Name, request: Request) -> TargetRead:
    guard, caller = guard_of(request), caller_of(request)
    _served(guard, target)
    guard.allow_reading(caller, target)
    return TargetRead(target, caller, guard)


def _acts_as(role: Role) -> Callable[[str, Request], TargetAct]:
    def acts(target: Name, request: Request) -> TargetAct:
        guard, caller = guard_of(request), caller_of(request)
        _served(guard, target)
        return TargetAct(target, caller, guard, guard.allow(caller, role, target))

    return acts


Reader: TypeAlias = Annotated[TargetRead, Depends(_reads)]
Ci: TypeAlias = Annotated[TargetAct, Depends(_acts_as(Role.CI))]
Promoter: TypeAlias = Annotated[TargetAct, Depends(_acts_as(Role.PROMOTER))]
Admin: TypeAlias = Annotated[TargetAct, Depends(_acts_as(Role.ADMIN))]
