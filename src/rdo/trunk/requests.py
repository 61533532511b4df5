"""What builds ask of the bridge: one request at a time, with all needs that came in meanwhile."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from rdo.bridge.protocol import Bridge, Provision
from rdo.errors import OutsideError, UserError
from rdo.model.build import Failed, FailureReason
from rdo.store.builds import Build

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """The needs of one build that only the bridge can meet, and what it has to wait for too."""

    build: Build
    needs: tuple[str, ...]
    behind: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to; `failure` is set when some of its needs stay unmet."""

    request: Request
    failure: Failed | None = None


@dataclass(slots=True)
class Requests:
    """The requests of a round."""

    bridge: Bridge
    running: Future[Provision | Failed] | None = None
    _collected: list[Request] = field(default_factory=list)
    _sent: list[Request] = field(default_factory=list)
    _granted: dict[int, set[str]] = field(default_factory=dict)

    def add(self, request: Request) -> Answer | None:
        """Take a request; answered at once if the same build asks for the same thing again."""
        again = self._granted.get(request.build.id, set()) & set(request.needs)
        if again:
            shown = ", ".join(sorted(again))
            detail = f"{shown} (was brought in from outside, and does not meet it)"
            return Answer(request, Failed(FailureReason.MISSING_DEPENDENCY, detail))
        self._collected.append(request)
        return None

    def send(self, pool: Executor) -> None:
        """Begin a request with all that was collected, unless one is running."""
        if self.running is None and self._collected:
            self._sent, self._collected = self._collected, []
            needs = tuple(dict.fromkeys(need for one in self._sent for need in one.needs))
            self.running = pool.submit(_provide, self.bridge, needs)

    def receive(self) -> list[Answer]:
        """The answers to all that was sent; to be called when `running` is done."""
        assert self.running is not None
        result, self.running = self.running.result(), None
        return [self._answer(request, result) for request in self._sent]

    def _answer(self, request: Request, result: Provision | Failed) -> Answer:
        if isinstance(result, Failed):
            return Answer(request, result)
        missing = [need for need in request.needs if need not in result.provided]
        if missing:
            return Answer(request, Failed(FailureReason.MISSING_DEPENDENCY, ", ".join(missing)))
        self._granted.setdefault(request.build.id, set()).update(request.needs)
        return Answer(request)


def _provide(bridge: Bridge, needs: Sequence[str]) -> Provision | Failed:
    """Runs in a worker."""
    try:
        return bridge.provide(needs)
    except OutsideError as error:
        return Failed(FailureReason.NETWORK, str(error))
    except UserError as error:
        return Failed(FailureReason.MISSING_DEPENDENCY, f"{', '.join(needs)}: {error}")
    except Exception as error:
        log.exception("the bridge failed on %s", ", ".join(needs))
        return Failed(FailureReason.UNKNOWN, f"a bug in the bridge: {error}")
