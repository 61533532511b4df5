"""Process the queue of open reviews: builds, votes, verdicts.

One process does this for a factory. The state of each review is a row, so a kill at any line costs
only the running build: the next process starts it again.
"""

import contextlib
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from rdo import lock, log_context
from rdo.app import App
from rdo.bell import Bell
from rdo.cancellation import cancelled_by
from rdo.errors import CancelledError, OutsideError, UserError, in_short
from rdo.model.review import ReviewRun, ReviewState, ReviewVerdict, ReviewVote
from rdo.tools.walls.removal import remove_tree
from rdo.trunk.reviews.asking import bell_of
from rdo.trunk.reviews.gathering import UnusableChangeError, gather
from rdo.trunk.reviews.places import ConfiguredForge, review_places
from rdo.trunk.reviews.reporting import is_due, send
from rdo.trunk.reviews.trial import ReviewTrial, TrialEnd

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
_LOOK_SECONDS = 1.0
_IDLE_SECONDS = 15.0
_REST = timedelta(minutes=1)
_IN_PROGRESS = "in-progress"


@dataclass(slots=True)
class _Work:
    """A review that a thread builds; `stop` ends it, `deadline` is on the monotonic clock."""

    review: ReviewRun
    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() > self.deadline

    def is_cancelled(self) -> bool:
        """Whether its programs must end now."""
        return self.stop.is_set() or self.is_late


@dataclass(slots=True)
class ReviewRunner:
    """Builds what is queued; `run` returns when nothing more can be done now."""

    app: App
    _work: dict[int, tuple[_Work, "Future[None]"]] = field(default_factory=dict)
    _places: dict[str, ConfiguredForge] = field(default_factory=dict)

    def run(self, *, loops: bool = False) -> int:
        """Process the queue and return how many reviews were ended; with `loops`, never end.

        Raises RefusedError if another process does this already.
        """
        self._places = review_places(self.app.settings)
        data, most = (
            self.app.settings.data,
            sum(place.section.workers for place in self._places.values()),
        )
        with (
            lock.hold(data / "reviews.lock", purpose="rdo review run"),
            Bell([bell_of(self.app.settings)]) as bell,
            ThreadPoolExecutor(max(most, 1), thread_name_prefix="review") as pool,
        ):
            self._recover()
            try:
                return self._loop(bell, pool, loops=loops)
            finally:
                self._let_go()

    def _loop(self, bell: Bell, pool: ThreadPoolExecutor, *, loops: bool) -> int:
        ended = 0
        while True:
            ended += self._collect()
            with self.app.store.read() as at:
                open_ = {one.id: one for one in at.reviews.open()}
            self._stop_unwanted(open_)
            for review in open_.values():
                self._step(review, pool)
            is_left = any(
                one.state is ReviewState.QUEUED and self._is_due(one) for one in open_.values()
            )
            if not self._work and not loops and not is_left:
                return ended
            bell.wait(_LOOK_SECONDS if self._work or is_left else _IDLE_SECONDS)

    def _recover(self) -> None:
        """Queue again what a killed process was building, and remove old results."""
        with self.app.store.write() as at:
            for one in at.reviews.open():
                if one.state is ReviewState.RUNNING:
                    log.warning("review %d was interrupted", one.id)
                    at.reviews.queue_again(one.id)
        for target in self.app.settings.targets:
            self._remove_old(self.app.settings.target_folder(target) / "reviews")

    def _remove_old(self, folder: Path) -> None:
        for results in folder.glob("*") if folder.is_dir() else ():
            with self.app.store.read() as at:
                one = at.reviews.get(int(results.name)) if results.name.isdecimal() else None
            if one is None:
                continue
            place = self._places.get(one.change.place)
            keep = timedelta(days=place.section.keep_days if place else 0)
            if one.finished and self.app.now() - one.finished > keep:
                remove_tree(results)

    def _collect(self) -> int:
        over = [number for number, (_, future) in self._work.items() if future.done()]
        for number in over:
            self._work.pop(number)[1].result()
        return len(over)

    def _stop_unwanted(self, open_: dict[int, ReviewRun]) -> None:
        """End the builds of reviews that were superseded or cancelled meanwhile."""
        for number, (work, _) in self._work.items():
            if number not in open_ and not work.stop.is_set():
                log.info("review %d is no longer wanted", number)
                work.stop.set()

    def _step(self, review: ReviewRun, pool: ThreadPoolExecutor) -> None:
        """Do what can be done now for an unfinished review."""
        place = self._places.get(review.change.place)
        with log_context.about(f"review {review.id}"):
            match review.state:
                case ReviewState.QUEUED if place and self._is_due(review) and self._has_room(place):
                    self._start(review, place, pool)
                case ReviewState.AWAITING if place:
                    self._count_votes(review, place)
                case ReviewState.DONE if is_due(review, self.app.now()):
                    send(self.app, place, review)

    def _let_go(self) -> None:
        """End running builds; the next process starts them again, as if they had not been tried."""
        for number, (work, _) in self._work.items():
            work.stop.set()
            with self.app.store.write() as at:
                at.reviews.queue_again(number, counts=False)

    def _is_due(self, review: ReviewRun) -> bool:
        """Whether a queued review may start: some time after its server could not be reached."""
        pause = review.attempt * _REST
        is_rested = review.started is None or self.app.now() - review.started >= pause
        return is_rested and review.change.place in self._places

    def _has_room(self, place: ConfiguredForge) -> bool:
        used = sum(work.review.change.place == place.name for work, _ in self._work.values())
        return used < place.section.workers

    def _start(self, review: ReviewRun, place: ConfiguredForge, pool: ThreadPoolExecutor) -> None:
        if review.attempt >= MOST_ATTEMPTS:
            why = f"it was tried {review.attempt} times and interrupted each time"
            _settle(self.app, review, TrialEnd(ReviewVerdict.UNTRIED, why))
            return
        with self.app.store.write() as at:
            begun = at.reviews.begin(review.id, now=self.app.now())
        if begun is None:
            return
        log.info("building %s for %s", begun.change, begun.target)
        deadline = time.monotonic() + place.section.time_limit_minutes * 60
        work = _Work(begun, deadline)
        self._work[review.id] = work, pool.submit(self._build, work, place)

    def _build(self, work: _Work, place: ConfiguredForge) -> None:
        """Build a review in a thread of the pool, and store its verdict."""
        review = work.review
        with log_context.about(f"review {review.id}"), contextlib.closing(self.app.anew()) as app:
            end = self._end_of(app, work, place)
            if end is None:
                return
            log.info("%s: %s", end.verdict, end.detail)
            awaits = end.verdict is ReviewVerdict.SUCCESS and bool(place.section.jobs)
            _settle(app, review, end, ReviewState.AWAITING if awaits else ReviewState.DONE)

    def _end_of(self, app: App, work: _Work, place: ConfiguredForge) -> TrialEnd | None:
        """Return the verdict; None if nobody wants it any more."""
        try:
            with cancelled_by(work.is_cancelled):
                return self._tried(app, work.review, place)
        except CancelledError:
            if work.stop.is_set():
                return None
            minutes = place.section.time_limit_minutes
            return TrialEnd(ReviewVerdict.FAILURE, f"it exceeded the limit of {minutes} minutes")
        except UnusableChangeError as error:
            return TrialEnd(ReviewVerdict.FAILURE, str(error))
        except OutsideError as error:
            if work.review.attempt < MOST_ATTEMPTS:
                log.warning("%s; it is tried again", error)
                app.store.change(lambda at: at.reviews.queue_again(work.review.id, rests=True))
                return None
            return TrialEnd(ReviewVerdict.UNTRIED, str(error))
        except UserError as error:
            return TrialEnd(ReviewVerdict.UNTRIED, str(error))
        except Exception as error:
            log.exception("a bug in rdo")
            return TrialEnd(ReviewVerdict.UNTRIED, in_short(error))

    def _tried(self, app: App, review: ReviewRun, place: ConfiguredForge) -> TrialEnd:
        change = place.server.change(review.change.project, review.change.number)
        with app.store.write() as at:
            at.reviews.describe(review.id, change)
        if not change.is_open:
            with app.store.write() as at:
                at.reviews.cancel(review.id, "the change is closed", now=app.now())
            return TrialEnd(ReviewVerdict.UNTRIED, "the change is closed")
        results = results_of(app, review)
        remove_tree(results)
        results.mkdir(parents=True)

        trial = ReviewTrial(
            app,
            review.target,
            results,
            place.section.dependents,
            lambda build: app.store.change(lambda at: at.reviews.built(review.id, build)),
        )
        return trial.run(gather(self._places, change), self._places)

    def _count_votes(self, review: ReviewRun, place: ConfiguredForge) -> None:
        with self.app.store.read() as at:
            votes = at.reviews.votes(review.id)
        since = review.started or review.created
        is_late = self.app.now() - since > timedelta(hours=place.section.jobs_hours)
        end = verdict_of_jobs(place.section.jobs, list(votes), is_late=is_late)
        if end is not None:
            _settle(self.app, review, end)


def results_of(app: App, review: ReviewRun) -> Path:
    """Return the folder with the logs and RPMs of a review, one folder per package."""
    return app.settings.target_folder(review.target) / "reviews" / str(review.id)


def verdict_of_jobs(jobs: list[str], votes: list[ReviewVote], *, is_late: bool) -> TrialEnd | None:
    """Return the verdict once each job has voted, one has failed, or the time is over."""
    last = {one.job: one for one in votes if one.job in jobs}
    if failed := [name for name, one in last.items() if one.verdict == "failure"]:
        return TrialEnd(ReviewVerdict.FAILURE, f"it builds, and fails in {', '.join(failed)}")
    missing = [name for name in jobs if name not in last or last[name].verdict == _IN_PROGRESS]
    if not missing:
        return TrialEnd(ReviewVerdict.SUCCESS, f"it builds, and passes {', '.join(jobs)}")
    if is_late:
        why = f"it builds, but {', '.join(missing)} did not vote in time"
        return TrialEnd(ReviewVerdict.UNTRIED, why)
    return None


def _settle(
    app: App, review: ReviewRun, end: TrialEnd, state: ReviewState = ReviewState.DONE
) -> None:
    now = app.now()
    app.store.change(
        lambda at: at.reviews.settle(review.id, state, end.verdict, end.detail, now=now)
    )
