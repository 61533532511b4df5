"""Poll pushed repositories at once, both between the rounds of a loop and during a round.

A thread of the loop waits for the servers that receive webhooks. It polls the packages and queues
their commits. A running round takes them from the queue; otherwise a round begins.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Self

from rdo.app import App
from rdo.bell import Bell, ring
from rdo.errors import UserError
from rdo.trunk.announced.pushes import bell_of
from rdo.trunk.context import Trunk, open_trunk
from rdo.trunk.plan import PlanRules
from rdo.trunk.planning import poll_and_plan

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
"""How often the store is checked without a signal, because a server may be on another machine."""


@dataclass(slots=True)
class Intake:
    """Takes in pushes during its block; `wait` is the pause between two rounds.

    `build` does a round of targets without a poll, `packages` are those of the loop (empty: all).
    """

    open_app: Callable[[], App]
    targets: Sequence[str]
    build: Callable[[Sequence[str]], object]
    packages: Collection[str] = ()
    head_only: bool = False
    _queued: set[str] = field(default_factory=set)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        app = self.open_app()
        bells = {bell_of(app.settings.target_folder(name)): name for name in self.targets}
        app.close()
        bell = self._stack.enter_context(Bell(list(bells)))
        worker = threading.Thread(target=self._work, args=(bell,), name="pushes", daemon=True)
        worker.start()
        self._stack.callback(worker.join, 5.0)
        self._stack.callback(ring, next(iter(bells)))
        self._stack.callback(self._is_over.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def wait(self, seconds: float) -> None:
        """Wait this long, and build meanwhile what was pushed."""
        until = time.monotonic() + seconds
        while True:
            with self._news:
                left = until - time.monotonic()
                self._news.wait_for(lambda: bool(self._queued), max(left, 0.0))
                queued, self._queued = sorted(self._queued), set()
            if not queued:
                return
            self.build(queued)

    def _work(self, bell: Bell) -> None:
        while not self._is_over.is_set():
            try:
                self._look()
            except UserError as error:
                log.warning("a push is not polled: %s", error)
            except Exception:
                log.exception("a bug in rdo")
            bell.wait(LOOK_SECONDS)

    def _look(self) -> None:
        with contextlib.closing(self.open_app()) as app:
            with app.store.read() as at:
                waiting = [name for name in self.targets if at.polls.asked(name)]
            for target in waiting:
                if take_in(open_trunk(app, target), self._rules(app, target), self.packages):
                    with self._news:
                        self._queued.add(target)
                        self._news.notify()

    def _rules(self, app: App, target: str) -> PlanRules:
        return PlanRules(app.settings.target(target).initial_commits, self.head_only)


def take_in(trunk: Trunk, rules: PlanRules, only: Collection[str] = ()) -> int:
    """Poll the packages for which a poll was requested; return how many builds were queued."""
    with trunk.store.read() as at:
        asked, held = at.polls.asked(trunk.name), at.holds.all(trunk.name)
        is_paused = at.holds.pause_of(trunk.name) is not None
    names = {one.package for one in asked} - held.keys()
    packages = [
        one
        for name, one in trunk.packages.items()
        if name in names and not one.fault and (not only or name in only)
    ]
    if is_paused or not packages:
        with trunk.store.write() as at:  # the next round polls them with all others
            at.polls.done([one.id for one in asked])
        return 0
    plan = poll_and_plan(trunk, packages, rules)
    with trunk.store.write() as at:
        at.polls.done([one.id for one in asked])
    log.info("%s: %d build(s) planned after a push", trunk.name, len(plan.commits))
    return len(plan.commits)
