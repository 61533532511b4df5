"""Run rounds of several targets at the same time; a failing target does not stop the others.

The round of each target has a thread, and only that thread decides and writes for its target. The
main thread handles Ctrl-C, which cancels the rounds, and sends the notifications of all of them.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field, replace

from rdo import log_context
from rdo.app import App
from rdo.builders.by_package import THIS_MACHINE
from rdo.cancellation import cancelled_by
from rdo.errors import UserError, in_short
from rdo.trunk.context import open_trunk, open_trunks
from rdo.trunk.order.turns import Turns
from rdo.trunk.plan import PlanRules
from rdo.trunk.progress import RoundProgress, Watcher, nobody_watches
from rdo.trunk.round import RoundOptions, run_round
from rdo.trunk.telling.ways import outbox
from rdo.trunk.views import report
from rdo.trunk.views.pages import write_targets_page
from rdo.trunk.views.report import ALL_WELL, FTBFS, Report

log = logging.getLogger(__name__)

WAIT_FOR_OTHERS_SECONDS = 900.0
"""How long a round's notifications wait for the rounds of the other targets."""
_LOOK_SECONDS = 0.25  # a signal is noticed only between two waits


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """The caller's options for every target; `workers` of 0 means the configured number.

    Without `polls`, no remote is asked and only what is already queued is built.
    """

    packages: frozenset[str] = frozenset()
    head_only: bool = False
    dry_run: bool = False
    workers: int = 0
    stop: bool = False
    polls: bool = True


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A target whose round could not run, and the reason."""

    target: str
    error: UserError


def run_target(
    app: App,
    target: str,
    asked: RoundRequest,
    watch: Watcher = nobody_watches,
    turns: Turns | None = None,
) -> Report:
    """Run one round of one target; `turns` are shared with the rounds beside it."""
    trunk = open_trunk(app, target)
    for name in asked.packages:
        trunk.package(name)
    if not asked.dry_run:
        app.workplaces.check(target)  # else each package would be tried, and blamed
        if trunk.tree.signer:
            trunk.tree.signer.check()
    trunk = replace(trunk, workers=asked.workers or trunk.workers, turns=turns or trunk.turns)
    rules = PlanRules(app.settings.target(target).initial_commits, asked.head_only)
    options = RoundOptions(rules, asked.packages, asked.dry_run, asked.stop, asked.polls)
    return run_round(trunk, options, watch=watch)


def run_targets(
    app: App,
    targets: Sequence[str],
    asked: RoundRequest,
    watch: Watcher = nobody_watches,
    *,
    every_seconds: float = 0.0,
) -> list[Report | Unfinished]:
    """Run a round of each target. If there is only one target, its error is raised.

    Results are in the order of `targets`, whichever ends first. With `every_seconds`, a target has
    another round after that time if a round of another target is still running.
    """
    app.metadata_max_age_seconds = 0.0  # a round sees the metadata as it is now
    app.store  # noqa: B018 - one error for all targets if it cannot be opened
    try:
        if len(targets) == 1:
            done: list[Report | Unfinished] = [run_target(app, targets[0], asked, watch)]
            _notify(app, asked)
            return done
        return _at_once(app, targets, asked, watch, every_seconds)
    finally:
        if not asked.dry_run:
            _show_targets(app)


def _show_targets(app: App) -> None:
    """Write the page of all targets beside their trees; a failure does not affect the rounds."""
    try:
        trunks = open_trunks(app, None)
        write_targets_page(trunks, app.settings.data / "index.html")
    except (UserError, OSError) as error:
        log.warning("the page of all targets is not up to date: %s", error)


def _notify(app: App, asked: RoundRequest) -> None:
    if not asked.dry_run:
        outbox(app).run()  # a recipient who cannot be reached now is notified after the next round


def _at_once(
    app: App,
    targets: Sequence[str],
    asked: RoundRequest,
    watch: Watcher,
    every_seconds: float,
) -> list[Report | Unfinished]:
    """Run each round in a thread, until all have ended or somebody stops them."""
    is_stopped, together = threading.Event(), Together(watch)
    turns = Turns(limits_of(app, targets, asked.workers))
    firsts = _FirstRounds(set(targets))

    def run(app: App, target: str) -> Report | Unfinished:
        try:
            return run_target(app, target, asked, together.of(target), turns)
        except UserError as error:
            if not is_stopped.is_set():
                log.error("%s: %s", target, error)  # noqa: TRY400 - for a person, not a bug
            return Unfinished(target, error)
        except Exception as error:
            log.exception("%s: its round has ended", target)
            return Unfinished(target, UserError(f"a bug, or a broken file: {in_short(error)}"))

    def repeat(target: str) -> list[Report | Unfinished]:
        with cancelled_by(is_stopped.is_set), log_context.of_target(target):
            due = time.monotonic() + every_seconds
            done = [run(app, target)]
            firsts.end(target)
            while every_seconds and not firsts.have_ended(due):
                due = time.monotonic() + every_seconds
                renewed = app.for_request()
                renewed.metadata_max_age_seconds = 0.0
                with contextlib.closing(renewed):
                    done.append(run(renewed, target))
            return done

    with ThreadPoolExecutor(len(targets), thread_name_prefix="round") as pool:
        try:
            begun = [pool.submit(copy_context().run, repeat, target) for target in targets]
            for _ in _news_of(begun):
                _notify(app, asked)
        except BaseException:
            is_stopped.set()
            firsts.end(*targets)
            raise
    return [one for future in begun for one in future.result()]


class _FirstRounds:
    """The targets whose first round in a run has not ended; thread-safe."""

    def __init__(self, targets: set[str]) -> None:
        self._left = targets
        self._changed = threading.Condition()

    def end(self, *targets: str) -> None:
        with self._changed:
            self._left.difference_update(targets)
            self._changed.notify_all()

    def have_ended(self, due: float) -> bool:
        """Wait until all have ended, or until the time `due`; return whether they have."""
        with self._changed:
            seconds = max(due - time.monotonic(), 0.0)
            return self._changed.wait_for(lambda: not self._left, seconds)


def _news_of(rounds: Iterable[Future[list[Report | Unfinished]]]) -> Iterator[None]:
    """Yield when all rounds have ended, or earlier if one has waited long for the others.

    A failure on several targets is reported in one message if their rounds end soon enough.
    """
    running, first_end = set(rounds), 0.0
    while running:
        ended, running = wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
        now = time.monotonic()
        first_end = first_end or (now if ended else 0.0)
        if not running or (first_end and now - first_end > WAIT_FOR_OTHERS_SECONDS):
            first_end = 0.0
            yield


def limits_of(app: App, targets: Sequence[str], workers: int) -> Mapping[str, int]:
    """Return how many builds the rounds of targets may run at the same time, by place.

    `workers` is the number that the caller wants on this machine, 0 means the configured number.
    """
    settings = app.settings
    sections = [settings.target(target) for target in targets]
    here = workers or settings.workers or max(section.workers for section in sections)
    names = {name for target in targets for name in settings.builders_of(target)}
    own = {name: settings.builder(name).section.workers for name in names}
    elsewhere = {name: number for name, number in own.items() if number}
    return {THIS_MACHINE: here, **elsewhere}


@dataclass(slots=True)
class Together:
    """The progress of several rounds, shown as if they were one."""

    watch: Watcher
    _newest: dict[str, RoundProgress] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, target: str) -> Watcher:
        """Return a function that receives the progress of the round of one target."""

        def watch(progress: RoundProgress) -> None:
            with self._lock:
                self._newest[target] = progress
                self.watch(self._sum())

        return watch

    def _sum(self) -> RoundProgress:
        rounds = self._newest.values()
        return RoundProgress(
            {number: commit for one in rounds for number, commit in one.running.items()},
            sum(one.queued for one in rounds),
            sum(one.ended for one in rounds),
            {number: file for one in rounds for number, file in one.logs.items()},
        )


def as_row(done: Report | Unfinished) -> dict[str, object]:
    """Return a target's round, or why it could not run, as JSON data."""
    if isinstance(done, Unfinished):
        error = done.error
        return {"target": done.target, "error": str(error), "exit_code": error.exit_code}
    return report.as_row(done)


def summary(done: Report | Unfinished) -> str:
    """Return the same as lines for people."""
    if isinstance(done, Unfinished):
        return f"{done.target}: {done.error}"
    return report.summary(done)


def exit_code(done: Iterable[Report | Unfinished]) -> int:
    """Return the worst exit code: FTBFS, then the error of a round, then external problems."""
    codes = {one.error.exit_code if isinstance(one, Unfinished) else one.exit_code for one in done}
    if FTBFS in codes:
        return FTBFS
    return min(codes - {ALL_WELL}, default=ALL_WELL)
