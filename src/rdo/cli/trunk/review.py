"""`rdo review`: build open reviews of others, and send verdicts."""

import signal
from collections.abc import Iterator

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.model.review import ReviewRun
from rdo.model.text.dates import minute
from rdo.trunk.reviews import asking, listing

_target_option = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target that the change is built for. Default: all.",
)
_number = click.argument("number", metavar="REVIEW", type=click.IntRange(1))


@click.group()
def review() -> None:
    """Build open reviews and the packages that require them, and vote.

    Reviews arrive by the webhooks of `rdo serve`; `run` builds them, within limits of their own.
    """


@review.command("list")
@_target_option
@click.option("--open", "only_open", is_flag=True, help="Show only unfinished reviews.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@output.json_option
@click.pass_obj
def list_(app: App, target: str | None, only_open: bool, limit: int, as_json: bool) -> None:
    """List reviews, the newest first.

    \b
    rdo review list --open
    """
    app.reads_only = True
    targets = app.settings.chosen_targets(target)
    found = listing.listed(app, targets, only_open=only_open, limit=limit)
    columns = ("review", "target", "change", "author", "state", "verdict", "since", "why")
    people = output.Table(columns, list(map(_line, found))) if found else "no reviews"
    output.show(list(map(listing.as_row, found)), as_json, people)


def _line(one: ReviewRun) -> tuple[object, ...]:
    since = minute(one.finished or one.started or one.created)
    verdict = one.verdict.value
    change = str(one.change)
    return one.id, one.target, change, one.author, one.state.value, verdict, since, one.detail


@review.command()
@_number
@output.json_option
@click.pass_obj
def show(app: App, number: int, as_json: bool) -> None:
    """Show a review: what was built, the results, and the votes of jobs.

    \b
    rdo review show 42
    """
    app.reads_only = True
    found = listing.view(app, number)
    output.show(listing.view_row(found), as_json, "\n".join(_lines(found)))


def _lines(found: listing.ReviewView) -> Iterator[str]:
    one = found.review
    yield f"review {one.id} of {one.change} for {one.target}: {one.state.value}"
    yield f"  {one.subject or 'not looked up yet'}"
    yield f"  {one.url}" if one.url else f"  asked for because of: {one.because}"
    if one.verdict or one.detail:
        yield f"{one.verdict.value or one.state.value}: {one.detail}"
    for build in found.builds:
        reason = f" ({build.reason}): {build.detail}" if build.reason else ""
        yield f"  {build.package}, {build.role.value}: {build.outcome}{reason}, {build.seconds} s"
    for vote in found.votes:
        yield f"  {vote.job}: {vote.verdict} {vote.url}".rstrip()
    if one.report_error:
        yield f"the verdict could not be sent: {one.report_error}"


@review.command()
@click.argument("url")
@_target_option
@output.json_option
@click.pass_obj
def add(app: App, url: str, target: str | None, as_json: bool) -> None:
    """Queue the open change at URL; `rdo review run` builds it.

    \b
    rdo review add https://review.example.org/c/openstack/nova/+/4242
    """
    queued = asking.ask_by_hand(app, url, target, app.user)
    lines = [f"review {one.id} of {one.change} is queued for {one.target}" for one in queued]
    output.show(list(map(listing.as_row, queued)), as_json, "\n".join(lines))


@review.command()
@_number
@click.option("--because", metavar="TEXT", default="", help="Reason, shown with the review.")
@output.json_option
@click.pass_obj
def cancel(app: App, number: int, because: str, as_json: bool) -> None:
    """End a review that is queued, runs, or waits for votes, without answering its server.

    \b
    rdo review cancel 42 --because "the mirror is away"
    """
    ended = asking.cancel(app, number, app.user, because)
    output.show(listing.as_row(ended), as_json, f"review {ended.id} is cancelled")


@review.command()
@click.option("--loop", "loops", is_flag=True, help="Wait for reviews, until SIGTERM or Ctrl-C.")
@output.json_option
@click.pass_obj
def run(app: App, loops: bool, as_json: bool) -> None:
    """Build the reviews that are queued, vote, and end.

    One process does this for all targets, in parallel with their rounds. It ends a review when a
    newer patch set supersedes it or somebody cancels it.

    \b
    rdo review run --loop
    """
    from rdo.trunk.reviews.running import ReviewRunner

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ended = ReviewRunner(app).run(loops=loops)
    except KeyboardInterrupt:
        if not loops:
            raise
        return
    people = f"{ended} review{'s' if ended != 1 else ''} ended"
    output.show({"ended": ended}, as_json, people)
