"""Queue open reviews, within the limits of their server, and cancel them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from rdo.app import App
from rdo.bell import ring
from rdo.config import Settings
from rdo.errors import NotFoundError, RefusedError
from rdo.forges.announced import ReviewAsked
from rdo.model.review import ChangeId, ReviewRun, ReviewVote
from rdo.store import Transaction
from rdo.trunk.announced.pushes import built_from
from rdo.trunk.reviews.places import ConfiguredForge, place_at, review_places

_HOUR = timedelta(hours=1)
MOST_OPEN = 500
"""How many reviews of a target may wait; more are refused."""


def bell_of(settings: Settings) -> Path:
    """Return the FIFO on which `rdo review run --loop` waits."""
    return settings.data / "reviews.bell"


def targets_of(app: App, place: ConfiguredForge, project: str) -> list[str]:
    """Return the targets in which changes of a project are built; none if there are none."""
    if not place.has_project(project):
        return []
    places = place.remotes_of(project)
    chosen = place.section.targets or list(app.settings.targets)
    return [
        target
        for target in chosen
        if built_from(places, {one.name: one for one in app.packages(target).packages})
    ]


def ask(
    at: Transaction,
    place: ConfiguredForge,
    targets: Iterable[str],
    asked: ReviewAsked,
    now: datetime,
) -> list[ReviewRun]:
    """Queue a change for some targets; an author's requests above the limit are refused."""
    change = ChangeId(place.name, asked.project, asked.number)
    most = place.section.per_author_hourly
    queued = []
    for target in targets:
        before = at.reviews.count_of_author(target, place.name, asked.author, now - _HOUR)
        one = at.reviews.add(target, change, asked.because, asked.author, now=now)
        if before >= most:
            why = f"{asked.author} has had {before} reviews within an hour; the limit is {most}"
            one = at.reviews.refuse(one.id, why, now=now)
        elif len(at.reviews.open()) > MOST_OPEN:
            one = at.reviews.refuse(one.id, f"{MOST_OPEN} reviews are waiting", now=now)
        queued.append(one)
    return queued


def ask_by_hand(app: App, url: str, target: str | None, by: str) -> list[ReviewRun]:
    """Queue the change at a URL, without the limit of its author.

    Raises NotFoundError if its server is not configured, or nothing is built from its project.
    """
    place, project, number = place_at(review_places(app.settings).values(), url)
    change = place.server.change(project, number)
    project = change.id.project
    targets = targets_of(app, place, project)
    if target:
        app.settings.target(target)
        targets = [one for one in targets if one == target]
    if not targets:
        raise NotFoundError(f"nothing is built from {project} of {place.name}")
    with app.store.write() as at:
        queued = [
            at.reviews.add(one, change.id, f"asked for by {by}", change.author, now=app.now())
            for one in targets
        ]
    ring(bell_of(app.settings))
    return queued


def cancel(app: App, review_id: int, by: str, because: str = "") -> ReviewRun:
    """End a review. Raises NotFoundError if there is none, RefusedError if it has ended."""
    with app.store.write() as at:
        found = at.reviews.get(review_id)
        if found is None:
            raise NotFoundError(f"there is no review {review_id}")
        if not found.state.is_open:
            raise RefusedError(f"review {review_id} has ended: {found.state}")
        why = f"cancelled by {by}" + (f": {because}" if because else "")
        found = at.reviews.cancel(review_id, why, now=app.now())
    ring(bell_of(app.settings))
    return found


def vote(app: App, review_id: int, cast: ReviewVote) -> None:
    """Record the verdict of an outside job.

    Raises NotFoundError if there is no such review, RefusedError if it has ended.
    """
    with app.store.write() as at:
        found = at.reviews.get(review_id)
        if found is None:
            raise NotFoundError(f"there is no review {review_id}")
        if not found.state.is_open:
            raise RefusedError(f"review {review_id} has ended: {found.state}")
        at.reviews.vote(review_id, cast)
    ring(bell_of(app.settings))
