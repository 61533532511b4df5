"""Webhooks of other servers: a push is polled at once, and an open review is built.

Senders who do not know the secret learn nothing: neither whether a hook exists, nor what is built.
"""

import contextlib
import logging
import secrets
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rdo.access.limits import LoginLimit, RateLimit
from rdo.app import App
from rdo.bell import ring
from rdo.config.forges import HookSection
from rdo.forges.announced import BadEventError, Nothing, Pushed, ReviewAsked
from rdo.forges.hooks import Message, is_proven, read
from rdo.trunk.announced import pushes
from rdo.trunk.reviews import asking
from rdo.trunk.reviews.places import review_place
from rdo.web.answers import ApiError, json_answer
from rdo.web.auth.guard import Caller, Guard
from rdo.web.handling import caller_of

log = logging.getLogger(__name__)

_UNPROVEN = "there is no such hook, or the secret is wrong"
_AGAIN = "this message was received before"
_UNKNOWN = "nothing is built from this project"


def add_routes(app: Starlette, guard: Guard) -> None:
    """Add `/hooks/NAME`."""
    hooks = Hooks(guard)

    async def endpoint(request: Request) -> Response:
        message = Message(request.headers, dict(request.query_params), await request.body())
        name = request.path_params["name"]
        return await run_in_threadpool(hooks.receive, name, message, caller_of(request))

    app.add_route("/hooks/{name}", endpoint, methods=["POST"])


@dataclass(frozen=True, slots=True)
class Hooks:
    """Receives the messages of all hooks, within their limits."""

    guard: Guard
    _failures: LoginLimit = field(default_factory=LoginLimit)
    _rate: RateLimit = field(default_factory=RateLimit)

    def receive(self, name: str, message: Message, caller: Caller) -> Response:
        """Do what a message asks for, and return a description of that.

        Raises ApiError: 403 without proof, 429 if there are too many, 422 for a message that cannot
        be read, 404 if nothing is built from the repository.
        """
        hook = self._proven(name, message, caller)
        if wait := self._rate.seconds_to_wait(name, hook.per_minute):
            retry = {"Retry-After": str(wait)}
            raise ApiError(429, f"more than {hook.per_minute} messages within a minute", retry)
        server = self.guard.service
        now = server.app.now()
        try:
            announced = read(hook.kind, message, now)
        except BadEventError as error:
            raise ApiError(422, str(error)) from None
        if isinstance(announced, Nothing):
            return json_answer({"message": announced.why})
        if isinstance(announced, ReviewAsked):
            return self._review(name, hook, message, announced)
        with contextlib.closing(server.app.for_request()) as app:
            wanted = self._wanted(app, hook, announced)
            with app.store.write() as at:
                if not at.polls.receive(name, message.digest, now=now):
                    return json_answer({"message": _AGAIN})
                pushes.ask(at, wanted, f"hook {name}", now=now)
            pushes.tell(app.settings, wanted)
        log.info("hook %s: a push to %s", name, wanted)
        return json_answer({"polled": wanted}, 202)

    def _review(
        self, name: str, hook: HookSection, message: Message, asked: ReviewAsked
    ) -> Response:
        """Queue a review in the targets that build packages from its project."""
        server = self.guard.service
        place = review_place(server.settings, name)
        if place is None:
            return json_answer({"message": "reviews are not built"})
        now = server.app.now()
        with contextlib.closing(server.app.for_request()) as app:
            targets = asking.targets_of(app, place, asked.project)
            targets = [one for one in targets if one in (hook.targets or server.targets)]
            if not targets:
                raise ApiError(404, _UNKNOWN)
            with app.store.write() as at:
                if not at.polls.receive(name, message.digest, now=now):
                    return json_answer({"message": _AGAIN})
                queued = asking.ask(at, place, targets, asked, now)
        ring(asking.bell_of(server.settings))
        log.info("hook %s: %s of %s/%d", name, asked.because, asked.project, asked.number)
        reviews = [{"id": one.id, "target": one.target, "state": one.state} for one in queued]
        return json_answer({"reviews": reviews}, 202)

    def _proven(self, name: str, message: Message, caller: Caller) -> HookSection:
        """Return the hook if the sender knows its secret; an unknown hook takes the same time."""
        hook = self.guard.service.settings.hooks.get(name)
        secret = _secret(name, hook) if hook else secrets.token_bytes(32)
        is_right = is_proven(hook.kind if hook else "gitlab", message, secret)
        if hook and is_right:
            return hook
        address = self.guard.address(caller)
        if wait := self._failures.seconds_to_wait(address, ""):
            raise ApiError(429, "too many messages without proof", {"Retry-After": str(wait)})
        self._failures.failed(address, address)
        log.warning("a message to the hook %r was refused", name[:100])
        raise ApiError(403, _UNPROVEN)

    def _wanted(self, app: App, hook: HookSection, pushed: Pushed) -> dict[str, list[str]]:
        """Return the packages built from the pushed repository, by target."""
        targets = hook.targets or self.guard.service.targets
        wanted = pushes.packages_of(app, targets, pushed, hook.repositories)
        if not wanted:
            raise ApiError(404, _UNKNOWN)
        return wanted


def _secret(name: str, hook: HookSection) -> bytes:
    """Return the current secret of a hook; without one it is empty, which nobody can prove."""
    try:
        secret = hook.secret_file.read_bytes().strip()
        problem = "" if secret else "is empty"
    except OSError as error:
        secret, problem = b"", str(error.strerror)
    if problem:
        log.error("[hooks.%s] secret-file %s: %s", name, hook.secret_file, problem)
    return secret
