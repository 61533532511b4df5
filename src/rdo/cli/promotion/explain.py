"""`rdo promotion explain` and `held`: why a name does not move, and what it holds back."""

import os
from collections.abc import Iterator

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.cli.promotion.run import criteria_of
from rdo.cli.repo.options import opened, target_option
from rdo.model.text.dates import minute, minute_utc
from rdo.model.text.short_list import short_list
from rdo.promotion import explaining, holding_back
from rdo.promotion.explaining import Explanation, PromotionBlocker
from rdo.promotion.simulating import SECONDS, LeftBehind, Simulation

name_argument = click.argument("name", shell_complete=complete.names)
seconds_option = click.option(
    "--seconds",
    metavar="N",
    type=click.FloatRange(1),
    default=SECONDS,
    show_default=True,
    help="Time limit of the search for packages to hold back.",
)


@click.command()
@name_argument
@click.argument(
    "candidate", metavar="[REPOSITORY]", required=False, shell_complete=complete.repositories
)
@target_option
@click.option(
    "--simulate",
    "simulated",
    is_flag=True,
    help="Also search for the largest set of newer builds that passes the checks.",
)
@seconds_option
@output.json_option
@click.pass_obj
def explain(
    app: App,
    name: str,
    candidate: str | None,
    target: str | None,
    simulated: bool,
    seconds: float,
    as_json: bool,
) -> None:
    """Show why the promotion NAME is not newer: what blocks it, and what lifts each blocker.

    REPOSITORY is the repository that NAME could move to. Default: the candidate of its criteria, or
    consistent. No name moves.

    \b
    rdo promotion explain tested
    rdo promotion explain tested current --simulate
    """
    target_of = opened(app, target, reads_only=not os.access(app.settings.data, os.W_OK))
    with live(f"checking what {name} could lead to"):
        found = explaining.why_not_newer_checked(
            app,
            target_of,
            name,
            criteria_of(app, target_of).get(name),
            candidate or "",
            simulates=simulated,
            seconds=seconds,
        )
    lines = [
        *_explanation(found.explanation),
        *(_simulation(found.simulation) if found.simulation else ()),
    ]
    output.show(found, as_json, "\n".join(lines))


@click.command()
@name_argument
@target_option
@output.json_option
@click.pass_obj
def held(app: App, name: str, target: str | None, as_json: bool) -> None:
    """Show the packages that the promotion NAME holds back, and those that it held back before.

    \b
    rdo promotion held tested
    """
    target_of = opened(app, target)
    rows = holding_back.past(target_of, name)
    now = target_of.now()
    state = ["in force" if one.is_in_force(now) else one.ending or "expired" for one in rows]
    table = output.Table(
        ("package", "state", "since", "until", "by", "why"),
        [
            (one.package, word, minute(one.since), minute(one.until), one.by, one.why)
            for one, word in zip(rows, state, strict=True)
        ],
    )
    output.show(rows, as_json, table)


def _explanation(found: Explanation) -> Iterator[str]:
    where = ", ".join(found.leads)
    if where:
        since = f" since {minute_utc(found.since)}" if found.since else ""
        yield f"{found.name} leads to {where}{since}"
    else:
        yield f"{found.name} leads nowhere yet"
    if found.newer:
        count = len(found.newer)
        yield f"{found.candidate} differs in {count} packages: {short_list(found.newer)}"
    else:
        yield f"{found.candidate} has the same builds"
    for one in found.held:
        yield f"held back: {one.package}, {str(one).removeprefix('held back ')}"
    for blocker in found.blockers:
        yield from _blocker(blocker)
    if not found.blockers:
        yield f"nothing blocks it: {found.command}" if found.command else "nothing blocks it"


def _blocker(one: PromotionBlocker) -> Iterator[str]:
    owners = f" ({', '.join(one.owners)})" if one.owners else ""
    since = f", since {minute_utc(one.since)}" if one.since else ""
    yield f"blocked by {one.package or 'the target'}{owners}{since}: {one.what}"
    yield from (f"  {sentence}" for sentence in one.chain)
    if one.others:
        yield f"  and {one.others} more findings with this cause"
    if one.held:
        yield f"  {one.held}"
    yield f"  lifted by: {one.command}"


def _simulation(found: Simulation) -> Iterator[str]:
    changed = len(found.taken) + len(found.held)
    if not found.passes:
        yield f"no set passes the checks, whatever is held back ({changed} packages differ)"
        yield from (f"  {one.package}: {one.what}" for one in found.defects)
        return
    yield f"the largest set that passes has {len(found.taken)} of {changed} newer builds"
    proof = "no smaller choice passes" if found.is_minimal else "not proven to be the fewest"
    if found.held:
        yield f"held back: {len(found.held)} ({proof})"
    for one in found.held:
        yield from _left_behind(one)


def _left_behind(one: LeftBehind) -> Iterator[str]:
    stays = f"stays at {one.stays_at}" if one.stays_at else "is left out"
    instead = f" instead of {one.instead_of}" if one.instead_of else ""
    yield f"  {one.package} {stays}{instead}"
    yield from (f"    taken, it breaks: {defect.what}" for defect in one.breaks)
