"""Send verdicts to the servers of reviews, and repeat that until it succeeds."""

import logging
from datetime import datetime, timedelta

from rdo.app import App
from rdo.errors import OutsideError, UserError
from rdo.forges.reviews import ReviewReport
from rdo.logs.reader import clean
from rdo.model.review import Change, ReviewBuild, ReviewRun, ReviewState, ReviewVerdict
from rdo.notify.way import AwayError
from rdo.notify.webhook import Webhook
from rdo.trunk.reviews.places import ConfiguredForge

log = logging.getLogger(__name__)

MOST_TRIES = 12
_TITLES = {
    ReviewVerdict.SUCCESS: "Build succeeded",
    ReviewVerdict.FAILURE: "Build failed",
    ReviewVerdict.UNTRIED: "Not built to the end",
}


def is_due(review: ReviewRun, now: datetime) -> bool:
    """Whether a verdict must be sent now: at once, then after 1, 2, 4 … 60 minutes."""
    if review.state is not ReviewState.DONE or review.reported or review.finished is None:
        return False
    waits = sum(min(2**number, 60) for number in range(review.report_tries))
    return review.report_tries == 0 or now >= review.finished + timedelta(minutes=waits)


def send(app: App, place: ConfiguredForge | None, review: ReviewRun) -> None:
    """Send the verdict and record that; if the server is away, this is repeated for some hours."""
    error, is_last = "", True
    if place is None:
        error = f"[reviews.{review.change.place}] is no longer configured"
    elif review.revision:
        try:
            _send(app, place, _report(app, review))
        except (OutsideError, AwayError) as problem:
            error, is_last = str(problem), review.report_tries + 1 >= MOST_TRIES
        except UserError as problem:
            error = f"{problem}; {problem.hint}" if problem.hint else str(problem)
    if error:
        log.warning("review %d: %s was not told: %s", review.id, review.change, error)
    with app.store.write() as at:
        at.reviews.reported(review.id, now=app.now(), error=error, last=is_last)


def _send(app: App, place: ConfiguredForge, report: ReviewReport) -> None:
    name = place.section.report_to
    if not name:
        place.server.report(report)
        return
    section = app.settings.webhooks[name]
    key = f"review:{report.target}:{report.change.id}:{report.change.revision}"
    content = {
        "key": key,
        "kind": "review",
        "target": report.target,
        "place": report.change.id.place,
        "project": report.change.id.project,
        "number": report.change.id.number,
        "revision": report.change.revision,
        "verdict": report.verdict.value,
        "summary": report.summary,
        "link": report.link,
    }
    refused = Webhook(name, section.url, section.secret_file).post(content, "review", key)
    if refused:
        raise OutsideError(refused.reason)


def _report(app: App, review: ReviewRun) -> ReviewReport:
    with app.store.read() as at:
        builds = at.reviews.builds(review.id)
    link = f"{app.settings.base_url.rstrip('/')}/{review.target}/reviews/{review.id}.html"
    change = Change(
        id=review.change,
        revision=review.revision,
        ref="",
        branch=review.branch,
        subject=review.subject,
        message="",
        author=review.author,
        url=review.url,
        is_open=True,
    )
    title = f"{_TITLES[review.verdict]}: {clean(review.detail)}"
    return ReviewReport(
        change, review.target, review.verdict, title, message(review, builds, title, link), link
    )


def message(review: ReviewRun, builds: tuple[ReviewBuild, ...], title: str, link: str) -> str:
    """Return all lines of the report: the verdict, each package, and where the logs are."""
    lines = [f"{title} ({review.target})", ""]
    for one in builds:
        reason = f" ({one.reason})" if one.reason else ""
        lines.append(f"- {one.package}, {one.role}: {one.outcome}{reason} in {one.seconds} s")
    return "\n".join([*lines, "", f"Logs: {link}"])
