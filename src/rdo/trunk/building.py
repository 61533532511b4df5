"""The main part of a round: build what is queued, several at a time; publish each when it ends.

Only the main thread decides and writes, so nothing that happens after a build needs a lock. It
polls the builder for builds that have ended; workers wait for the bridge and read ahead.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rdo import cancellation, log_context
from rdo.app.workplaces import Workplace
from rdo.builders.failure import outcome_of
from rdo.builders.protocol import Ticket, wait_for
from rdo.disk_usage import is_full
from rdo.errors import CancelledError, UserError, is_of_the_machine
from rdo.logs.reader import one_line
from rdo.model.build import BUILD_LOG, BuildJob, Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.text.short_list import short_list
from rdo.publish.backwards import Backwards
from rdo.store import Transaction
from rdo.store.work.builds import Build, BuildState
from rdo.tools.walls.removal import remove_tree
from rdo.trunk.admitted import Admission, admission_of
from rdo.trunk.context import Trunk
from rdo.trunk.jobs import build_job
from rdo.trunk.looking_ahead import LookingAhead
from rdo.trunk.order import twins
from rdo.trunk.order.bridge_requests import BridgeAnswer, BridgeRequest, Requests
from rdo.trunk.order.cycles import Cycles, cycle_failure
from rdo.trunk.order.hints import can_bootstrap, spec_text
from rdo.trunk.order.queue import Queue
from rdo.trunk.order.standing import Standing
from rdo.trunk.plan import digest_of_inputs
from rdo.trunk.progress import RoundProgress, Watcher, nobody_watches
from rdo.trunk.settling import (
    INTERRUPTED,
    publish_build,
    settle_failure,
    settle_success,
    spoil,
)
from rdo.trunk.views.report import Ended, duration

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # how soon a person's cancel, hold or pause takes effect


@dataclass(frozen=True, slots=True)
class _Running:
    """A build that the builder has started; `started` is on the monotonic clock."""

    build: Build
    ticket: Ticket
    started: float


@dataclass(slots=True)
class Building:
    """Builds a queue to its end, with the builds that an earlier round left running.

    Call `adopt` for these first, then `run`, once. `names` are the packages of the round: builds of
    them that somebody queues meanwhile are built too. With `stop`, no build is started after the
    first failure, and the rest stays queued. `lacks_space` means that the disk was full at the last
    check, so that no build was started.
    """

    trunk: Trunk
    workplace: Workplace
    queue: Queue
    standing: Standing
    watch: Watcher = nobody_watches
    names: frozenset[str] = frozenset()
    stop: bool = False
    ended: list[Ended] = field(default_factory=list)
    dropped: list[Build] = field(default_factory=list)
    lacks_space: bool = False
    _is_paused: bool = False
    _requests: Requests = field(init=False)
    _outside: Requests = field(init=False)  # for bootstrap builds, sent at once
    _ahead: LookingAhead = field(init=False)
    _cycles: Cycles = field(init=False)
    _admission: Callable[[], Admission] = field(init=False)
    _is_stopped: threading.Event = field(default_factory=threading.Event)
    _news: threading.Event = field(default_factory=threading.Event)
    _running: dict[Ticket, _Running] = field(default_factory=dict)
    _seconds: dict[int, float] = field(default_factory=dict)
    _asked_for_users: set[str] = field(default_factory=set)
    _unpublished: dict[int, tuple[Build, Built]] = field(default_factory=dict)
    _known: frozenset[int] = frozenset()
    _granted: Counter[str] = field(default_factory=Counter)
    _allowed: Counter[str] = field(default_factory=Counter)
    _awaits_turn: bool = False
    _begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        last_resort = self.workplace.last_resort
        stopped, tell = self._is_stopped.is_set, self._news.set
        self._requests = Requests(self.workplace.bridge, None, stopped, tell)
        self._outside = Requests(self.workplace.bridge, last_resort, stopped, tell)
        asked = self.queue, self.standing, self._requests
        self._ahead = LookingAhead(self.trunk, self.workplace.foresight, *asked, stopped, tell)
        self.workplace.builder.notify(self._news)
        self._admission = cache(self._read_admission)
        self._cycles = Cycles(self._can_bootstrap, last_resort is not None)
        target = self.trunk.name
        self._known = self.trunk.store.ask(lambda at: at.builds.queued_ids(target))

    def adopt(self, builds: Iterable[Build]) -> None:
        """Wait for builds that an earlier round started and that have outlived it."""
        for build in builds:
            self.queue.adopt(build)
            started = build.started or self.trunk.now()
            ago = (self.trunk.now() - started).total_seconds()
            ticket = Ticket(build.ticket)
            self._running[ticket] = _Running(build, ticket, time.monotonic() - ago)

    def run(self) -> None:
        """Build until nothing is left that can be built now."""
        self.trunk.turns.join(self.trunk.name, self._news.set)
        with ThreadPoolExecutor(3, thread_name_prefix="ahead") as pool:
            try:
                self._work(pool)
            except BaseException:
                self._interrupt()
                raise
            finally:
                self.trunk.turns.leave(self.trunk.name)

    def _work(self, pool: Executor) -> None:
        self._ahead.begin(pool)
        while True:
            if cancellation.current.get()():
                raise CancelledError(f"the round of {self.trunk.name} was stopped")
            self._obey()
            self._look_at_the_disk()
            self._ahead.go_on(pool)
            self._drop_outdated()
            starts = not self._is_ending
            self._granted, self._awaits_turn = Counter(), False
            room = self._room() if starts else 0
            taken = self._take(room)
            for build in taken:
                self._start(build)
            self.trunk.turns.settle(self.trunk.name, self._uses(), self._granted)
            is_idle = len(taken) < room or not starts or not self._running
            in_advance = starts and not self._ahead.is_looking
            self._requests.send(pool, in_advance=in_advance, is_idle=is_idle)
            self._outside.send(pool)
            self._tell()
            is_asking = self._requests.running or self._outside.running
            is_at_work = self._running or is_asking or self._ahead.is_at_work or self._awaits_turn
            if not (is_at_work or taken) and not (starts and self._fail_cycle()):
                return
            if is_at_work:
                self._news.wait(_LOOK_SECONDS)
            self._news.clear()  # before checking, so that a later end is seen in the next pass
            before = len(self.ended)
            self._received(pool)
            self._settle_ended()
            if len(self.ended) > before:
                self._log_progress()

    @property
    def _is_ending(self) -> bool:
        """Whether no builds are started now: paused, disk full, or a failure with `stop`."""
        is_stopped = self.stop and any(one.is_final_failure for one in self.ended)
        return self._is_paused or self.lacks_space or is_stopped

    def _take(self, room: int) -> list[Build]:
        """Take builds to start; if a worker would be idle, help a cycle first."""
        taken = self.queue.take(room, probe=False, has_room=self._has_room)
        if len(taken) < room:
            self._judge_again()
        while len(taken) < room and self._help_cycle():
            taken += self.queue.take(room - len(taken), probe=False, has_room=self._has_room)
        if self._outside.are_bootstrapping:  # then builds that wait for the cycle are not stuck
            return taken
        return [*taken, *self.queue.take(room - len(taken), has_room=self._has_room)]

    def _room(self) -> int:
        """Return how many builds may be started, considering the rounds of other targets."""
        share, uses = self.workplace.share, self._uses()
        busy = [one.build.package for one in self._running.values()]
        free = share.free(busy, self.trunk.workers)
        wants: Counter[str] = Counter()
        for builder, number in free.items():
            wants[share.place(builder)] += number
        ready = Counter(share.place(share.of(one)) for one in self.queue.startable_packages())
        self._granted = self.trunk.turns.grant(self.trunk.name, uses, wants, ready & wants)
        self._awaits_turn = not ready & wants <= self._granted
        self._allowed = self._granted + uses
        return self._granted.total()

    def _has_room(self, build: Build, busy: Collection[str]) -> bool:
        share, package = self.workplace.share, build.package
        place = share.place(share.of(package))
        used = sum(share.place(share.of(one)) == place for one in busy)
        if used >= self._allowed[place]:
            return False
        if not share.has_room(package, busy, self.trunk.workers):
            return False
        return not self._is_awaited(build)

    def _is_awaited(self, build: Build) -> bool:
        """Whether another target is making RPMs that the build may take."""
        if not twins.may_share(self.trunk, build):
            return False
        is_awaited = self.trunk.store.ask(lambda at: twins.are_awaited(self.trunk, at, build))
        self._awaits_turn |= is_awaited
        return is_awaited

    def _uses(self) -> Counter[str]:
        share = self.workplace.share
        return Counter(share.place(share.of(x.build.package)) for x in self._running.values())

    def _obey(self) -> None:
        """Carry out what people have requested since the last check: pause, hold, cancel."""
        target = self.trunk.name
        paused, held, still_open, running_now = self.trunk.store.ask(
            lambda at: (
                at.holds.pause_of(target),
                at.holds.all(target),
                at.builds.queued_ids(target),
                at.builds.running(target),
            )
        )
        asked = {build.id: build.to_cancel for build in running_now}
        if paused and not self._is_paused:
            log.warning("%s is %s; builds that run are finished first", target, paused)
        self._is_paused = paused is not None
        for build in self.queue.idle():
            if build.package in held:
                self.queue.drop(build.id)
                self._requests.forget(build.id)
            elif build.id not in still_open:
                self._cancelled(build)
        self._take_in(still_open - self._known, held.keys())
        self._known |= still_open
        for running in self._running.values():
            if asked.get(running.build.id):
                self.workplace.builder.cancel(running.ticket)

    def _look_at_the_disk(self) -> None:
        """Start no build on a full disk, because it would fail without being to blame."""
        folder, lacked_space = self.trunk.folder, self.lacks_space
        self.lacks_space = is_full(folder)
        if self.lacks_space and not lacked_space:
            log.warning("%s: the disk of %s is full: no build is started", self.trunk.name, folder)

    def _take_in(self, new: Collection[int], held: Collection[str]) -> None:
        """Queue builds that were requested since the last check; retries are for the next round."""
        ours = {build.id for build in self.queue.idle()}
        for number in sorted(set(new) - ours):
            build = self._read(number)
            wanted = build.package in self.names and build.package not in held
            if wanted and build.attempt == 1 and not build.bootstrap:
                self.queue.add(build)
                with log_context.about(build.commit):
                    log.info("queued meanwhile")

    def _read(self, number: int) -> Build:
        return self.trunk.store.ask(lambda at: at.builds.get(number))

    def _cancelled(self, build: Build) -> None:
        build = self._read(build.id)
        self.dropped.append(build)
        self.queue.drop(build.id)
        self._requests.forget(build.id)
        with log_context.about(build.commit):
            log.info("cancelled: %s", build.dropped)

    def _is_cancelled(self, build: Build) -> bool:
        """Whether somebody requested to cancel a build that has just ended; if so, cancel it."""

        def cancel(at: Transaction) -> bool:
            why = at.builds.get(build.id).to_cancel
            if why:
                at.builds.cancel(build.id, why, now=self.trunk.now())
            return bool(why)

        is_cancelled = self.trunk.store.change(cancel)
        if is_cancelled:
            self._cancelled(build)
        return is_cancelled

    def _tell(self) -> None:
        running = {one.build.id: one.build.commit for one in self._running.values()}
        logs = {
            one.build.id: self.trunk.build_folder(one.build) / BUILD_LOG
            for one in self._running.values()
        }
        left = len(self.queue) - len(running)
        self.watch(RoundProgress(running, left, len(self.ended), logs))

    def _log_progress(self) -> None:
        done, elapsed = len(self.ended), duration(time.monotonic() - self._begun)
        log.info("%s: %d of %d done, %s", self.trunk.name, done, done + len(self.queue), elapsed)

    def _start(self, build: Build) -> None:
        """Start a build in three steps, so that a kill between them starts nothing twice."""
        builder = self.workplace.builder
        with log_context.about(build.commit):
            try:
                job = self._job(build)
                if not self._mark_starting(build):
                    self._not_started(build)
                    return
                ticket = builder.start(job)
            except Exception as error:
                if isinstance(error, UserError) and error.is_of_the_machine:
                    raise
                if not self._is_cancelled(build):
                    self._failed(build, outcome_of(error, self.trunk.build_folder(build)))
                return
            self._running[ticket] = _Running(build, ticket, time.monotonic())
            self.trunk.store.change(lambda at: at.builds.keep_ticket(build.id, ticket))
            self.standing.started(build)
            log.info("build %d started%s", build.id, " (bootstrap)" if build.bootstrap else "")

    def _mark_starting(self, build: Build) -> bool:
        def mark(at: Transaction) -> bool:
            is_queued = at.builds.get(build.id).state is BuildState.QUEUED
            may_start = is_queued and not twins.are_awaited(self.trunk, at, build)
            if may_start:
                at.builds.start(build.id, now=self.trunk.now())
            return may_start

        return self.trunk.store.change(mark)

    def _not_started(self, build: Build) -> None:
        """Leave out a build that was just cancelled, or started by another target."""
        if self._read(build.id).state is BuildState.QUEUED:
            self.queue.hold_back(build.id, frozenset())
            self._awaits_turn = True
        else:
            self._cancelled(build)

    def _job(self, build: Build) -> BuildJob:
        folder = self.trunk.build_folder(build)
        if folder.exists():  # from an earlier try of the same build, which had to wait
            remove_tree(folder)
        return build_job(self.trunk, build, self._last_resort(build))

    def _last_resort(self, build: Build) -> tuple[Path, ...]:
        """Return what only bootstrap builds may use: the release's own packages, from outside."""
        outside = self.workplace.last_resort if build.bootstrap else None
        folder = outside.repository() if outside else None
        return (folder,) if folder else ()

    def _settle_ended(self) -> None:
        outcomes = self.workplace.builder.poll(tuple(self._running))
        for ticket in tuple(self._running):
            if ticket in outcomes:
                self._settle(self._running.pop(ticket), outcomes[ticket])

    def _settle(self, running: _Running, outcome: Outcome) -> None:
        build = running.build
        seconds = time.monotonic() - running.started
        self._seconds[build.id] = self._seconds.get(build.id, 0.0) + seconds
        with log_context.about(build.commit), self._blaming(build):
            match outcome:
                case Built():
                    self._built(build, outcome)
                case _ if self._is_cancelled(build):
                    pass
                case Failed():
                    self._failed(build, outcome)
                case Waiting(needs):
                    self._waits(build, needs)

    @contextlib.contextmanager
    def _blaming(self, build: Build) -> Iterator[None]:
        """Turn any error inside the block into a failure of this build alone."""
        try:
            yield
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self._unpublished.pop(build.id, None)
            now = self._read(build.id)
            if now.state is not BuildState.DONE:
                self._failed(build, outcome_of(error, self.trunk.build_folder(build)))
            elif isinstance(now.outcome, Built) and now.published is None:
                failure = spoil(self.trunk, now, error)
                self.standing.failed(build)
                self._end(now, failure, published=False)
                log.warning("failed: %s", failure.detail)
            else:
                log.warning("it has ended, but its results could not be processed", exc_info=error)
                self.queue.ended(build.id, published=isinstance(now.outcome, Built))

    def _built(self, build: Build, outcome: Built) -> None:
        """Publish a build, after asking the bridge for what its packages require once installed."""
        looked_at = self._admitted(build, outcome)
        if isinstance(looked_at, Failed):
            self._failed(build, looked_at)
            return
        new = (need for need in looked_at.lacking if need not in self._asked_for_users)
        needs = tuple(need for need in new if not self.standing.providers.of(need))
        if needs and not build.bootstrap:
            self._asked_for_users.update(needs)
            log.info("asks the bridge for %s, to be installable", short_list(needs))
            self._unpublished[build.id] = build, looked_at
            self.queue.frees_its_worker(build.id)
            if answer := self._requests.add(
                BridgeRequest(build, needs, frozenset(), for_users=True)
            ):
                self._answered(answer)
        else:
            self._publish(build, looked_at)

    def _admitted(self, build: Build, outcome: Built) -> Built | Failed:
        """Return the outcome with the headers of its RPMs, or a failure if they are refused."""
        return self._admission().of(build.package, outcome)

    def _read_admission(self) -> Admission:
        return admission_of(self.trunk, self.workplace.provided(), self.workplace.tools)

    def _publish(self, build: Build, outcome: Built) -> None:
        rpms, digest = outcome.rpms, self.workplace.platform_digest
        settled, second = settle_success(self.trunk, build, outcome, digest)
        published = publish_build(self.trunk, settled, outcome.read)
        self.standing.published(settled, published.provides)
        self._admission().owners.learn(build.package, [one.artifact for one in outcome.read])
        is_shared = not self.trunk.packages[build.package].is_under_review
        for rpm in published.backwards:
            log.warning("%s", rpm)
        self._end(settled, Built(rpms), published=is_shared, backwards=published.backwards)
        if second:
            self.queue.add(second)
        seconds = self._seconds[build.id]
        moved = f"; {', '.join(published.moved)} moved" if published.moved else ""
        log.info("built in %.1f s, %d RPMs published%s", seconds, len(rpms), moved)

    def _exclude(self, build: Build, why: str) -> None:
        """End a build that its spec excludes here; nobody has to act, so it is not a failure."""
        number, now = build.id, self.trunk.now()
        self.dropped.append(
            self.trunk.store.change(lambda at: at.builds.exclude(number, why, now=now))
        )
        self.standing.failed(build)  # nothing can wait for what it provides any more
        self.queue.ended(number, published=False)
        log.info("not built: %s", one_line(why))

    def _failed(self, build: Build, failure: Failed) -> None:
        if failure.reason is FailureReason.ARCHITECTURE:
            self._exclude(build, failure.detail)
            return
        will_retry = settle_failure(self.trunk, build, failure)
        if will_retry:
            self.standing.will_be_retried(build)
        else:
            self.standing.failed(build)
        self._end(build, failure, published=False, will_retry=will_retry)
        log.log(
            logging.INFO if will_retry else logging.WARNING,
            "failed: %s: %s%s",
            failure.reason,
            one_line(failure.detail),
            "; will be retried" if will_retry else "",
        )

    def _end(
        self,
        build: Build,
        outcome: Outcome,
        *,
        published: bool,
        will_retry: bool = False,
        backwards: tuple[Backwards, ...] = (),
    ) -> None:
        seconds = self._seconds.get(build.id, 0.0)
        folder = self.trunk.build_folder(build)
        release = self.trunk.release_number(build.commit, build.release_date)
        self.ended.append(Ended(build, release, outcome, seconds, folder, will_retry, backwards))
        self.queue.ended(build.id, published=published)

    def _waits(self, build: Build, needs: tuple[str, ...]) -> None:
        number, now = build.id, self.trunk.now()
        build = self.trunk.store.change(
            lambda at: at.builds.settle(number, Waiting(needs), now=now)
        )
        self.queue.refresh(build)
        verdict = self.standing.judge(build, needs, self.queue.others(build))
        if verdict.hopeless or not needs:
            detail = (
                ", ".join(verdict.hopeless) or "the build waits without naming what it waits for"
            )
            self._failed(build, Failed(FailureReason.MISSING_DEPENDENCY, detail))
        elif verdict.bridge:
            log.info("asks the bridge for %s", short_list(verdict.bridge))
            self.queue.frees_its_worker(number)
            request = BridgeRequest(build, verdict.bridge, verdict.behind)
            if answer := self._requests.add(request):
                self._answered(answer)
        else:
            self._hold_back(build, verdict.behind)

    def _received(self, pool: Executor) -> None:
        lanes = [one for one in (self._requests, self._outside) if one.is_answered]
        answers = [answer for lane in lanes for answer in lane.receive()]
        in_advance = [answer.request.build for answer in answers if answer.request.is_foreseen]
        if failed := [one.failure for one in answers if one.request.is_foreseen and one.failure]:
            said = "%d packages ask by themselves for what could not be bridged in advance: %s"
            log.warning(said, len(failed), one_line(failed[0].detail))
        if in_advance:
            self._ahead.look_again(in_advance, pool)
        for answer in answers:
            if answer.request.is_foreseen:
                continue
            build = answer.request.build
            with log_context.about(build.commit), self._blaming(build):
                self._answered(answer)

    def _answered(self, answer: BridgeAnswer) -> None:
        build, failure = answer.request.build, answer.failure
        if answer.request.for_users:
            if failure:
                log.warning("cannot be installed without %s", failure.detail)
            self._publish(*self._unpublished.pop(build.id))
        elif answer.request.for_bootstrap:
            if failure is None:
                self._begin_bootstrap(build, answer.request.behind)
            elif failure.reason.is_spurious:
                self._failed(build, failure)
        elif failure:
            self._failed(build, failure)
        else:
            self._hold_back(build, answer.request.behind)

    def _hold_back(self, build: Build, behind: frozenset[str]) -> None:
        self.queue.hold_back(build.id, behind)
        if behind:
            log.info("waits for %s", short_list(sorted(behind)))

    def _judge_again(self) -> None:
        """Let builds stop waiting for packages whose builds have left the queue."""
        for build, names in self.queue.waiting().items():
            if names <= self.queue.open_packages or not isinstance(build.outcome, Waiting):
                continue
            others = self.queue.others(build)
            verdict = self.standing.judge(build, build.outcome.needs, others)
            if names - verdict.behind:
                self.queue.hold_back(build.id, names & verdict.behind)

    def _drop_outdated(self) -> None:
        """Drop a commit that waits for a package nobody builds, if a later commit waits too."""
        for build in self.queue.outdated():
            why = "the package waits for one that is not built now, so only its newest commit stays"
            with log_context.about(build.commit), self.trunk.store.write() as at:
                self.dropped.append(at.builds.drop(build.id, why, now=self.trunk.now()))
                log.info("dropped: %s", why)
            self.queue.drop(build.id)

    def _help_cycle(self) -> bool:
        """Help builds that wait for each other, or soon will; return False if that fails."""
        if self._outside.are_bootstrapping:
            return False
        waiting = self.queue.waiting()
        if members := self.queue.cycle():
            starter = self._cycles.starter(members, self.queue.expected())
            request = None
            if not starter:
                request = self._cycles.request(members, waiting, self.standing.providers)
        else:
            members = self.queue.foreseen_cycle()
            starter, request = self._cycles.starter(members, self.queue.expected()), None
        if starter or request:
            log.info("in a cycle: %s", short_list(build.package for build in members))
        if starter:
            self._begin_bootstrap(starter)
        elif request:
            with log_context.about(request.build.commit):
                log.info("asks outside for %s, to bootstrap", short_list(request.needs))
                if answer := self._outside.add(request):
                    self._answered(answer)
        return bool(starter or request)

    def _fail_cycle(self) -> bool:
        """Fail builds that wait for each other and cannot be helped; False if there are none."""
        members = self.queue.cycle()
        if members:
            log.info("in a cycle: %s", short_list(build.package for build in members))
        for build in members:
            with log_context.about(build.commit):
                self._failed(build, cycle_failure(members))
        return bool(members)

    def _begin_bootstrap(self, build: Build, behind: frozenset[str] = frozenset()) -> None:
        """Turn a build that waits in a cycle into a bootstrap build and queue it at once."""
        package, digest = self.trunk.packages[build.package], self.workplace.platform_digest
        inputs = digest_of_inputs(
            build.commit, digest, bootstrap=True, skip_tests=bool(package.skip_tests)
        )
        turned = self.trunk.store.change(lambda at: at.builds.bootstrap(build.id, inputs=inputs))
        self.queue.hint(build.package, self.queue.waiting().get(build, frozenset()))
        self.queue.add(turned)
        self._hold_back(build, behind)

    def _can_bootstrap(self, build: Build) -> bool:
        package = self.trunk.packages[build.package]
        distgit, spec_hash = self.trunk.remotes.distgit(package), package.spec_hash(build.commit)
        try:
            return can_bootstrap(spec_text(distgit, spec_hash, package.distgit_path))
        except Exception as error:
            if is_of_the_machine(error):
                raise
            log.debug("the spec of %s", build.commit, exc_info=error)
            return False

    def _interrupt(self) -> None:
        """End running builds and leave them queued for the next round; publish nothing more.

        A remote build is left running: the next round waits for it.
        """
        self._is_stopped.set()
        builder, digest = self.workplace.builder, self.workplace.platform_digest
        ending = []
        for ticket, running in self._running.items():
            if builder.leave(ticket):
                log.info("%s: its build goes on; the next round waits for it", running.build.commit)
            else:
                ending.append(ticket)
        for build, outcome in self._unpublished.values():
            settle_success(self.trunk, build, outcome, digest)
        for ticket, result in wait_for(builder, ending, self._news).items():
            build = self._running[ticket].build
            ended = self._admitted(build, result) if isinstance(result, Built) else INTERRUPTED
            if isinstance(ended, Built):  # it has just ended; the next round publishes it
                settle_success(self.trunk, build, ended, digest)
            else:
                settle_failure(self.trunk, build, ended)
