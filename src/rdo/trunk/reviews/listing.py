"""Reviews as shown to people and programs."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from rdo.app import App
from rdo.errors import NotFoundError
from rdo.model.review import ReviewBuild, ReviewRun, ReviewVote

_LOGS = ("rpmbuild.log", "source.log")
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review with its builds and votes."""

    review: ReviewRun
    builds: Sequence[ReviewBuild]
    votes: Sequence[ReviewVote]


def listed(
    app: App, targets: Sequence[str], *, only_open: bool = False, limit: int = 50
) -> list[ReviewRun]:
    """Return the reviews of targets, newest first."""
    with app.store.read() as at:
        found = [
            one
            for target in targets
            for one in at.reviews.listed(target, limit=limit, only_open=only_open)
        ]
    return sorted(found, key=lambda one: one.id, reverse=True)[:limit]


def view(app: App, review_id: int) -> ReviewView:
    """Return a review. Raises NotFoundError if there is none."""
    with app.store.read() as at:
        found = at.reviews.get(review_id)
        if found is None:
            raise NotFoundError(f"there is no review {review_id}")
        return ReviewView(found, at.reviews.builds(review_id), at.reviews.votes(review_id))


def log_of(folder: Path, shown: ReviewView, package: str) -> bytes:
    """Return the end of the log of a package that was built; `folder` is the target's.

    Raises NotFoundError if there is no log, or no longer one.
    """
    if any(one.package == package for one in shown.builds):  # so it is a package's name
        results = folder / "reviews" / str(shown.review.id) / package
        for name in _LOGS:
            with contextlib.suppress(OSError), _opened(results / name) as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(size - MOST_BYTES, 0))
                return file.read(MOST_BYTES)
    raise NotFoundError(f"review {shown.review.id} has no log of {package[:100]}, or none any more")


def _opened(file: Path) -> BinaryIO:
    """Open a log, but never through a link."""
    return os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def as_row(review: ReviewRun) -> dict[str, object]:
    """Return a review as a JSON object."""
    return {
        "id": review.id,
        "target": review.target,
        "place": review.change.place,
        "project": review.change.project,
        "number": review.change.number,
        "revision": review.revision,
        "branch": review.branch,
        "author": review.author,
        "subject": review.subject,
        "url": review.url,
        "because": review.because,
        "state": review.state.value,
        "verdict": review.verdict.value,
        "detail": review.detail,
        "attempt": review.attempt,
        "created": _when(review.created),
        "started": _when(review.started),
        "finished": _when(review.finished),
        "reported": _when(review.reported),
        "report_error": review.report_error,
    }


def view_row(shown: ReviewView) -> dict[str, object]:
    """Return a review with its builds and votes as a JSON object."""
    return {**as_row(shown.review), "builds": shown.builds, "votes": shown.votes}


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
