"""`rdo promotion run`, `status` and `import`: promotion by criteria."""

import signal
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import click

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer
from rdo.cli import complete, output
from rdo.cli.repo.options import opened, target_option
from rdo.model.text.dates import minute
from rdo.promotion import checked, checking
from rdo.promotion.compositions import Composition
from rdo.promotion.deciding import configured, promoter
from rdo.promotion.deciding.candidates import Judged
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.deciding.promoter import PromoterChecks, PromotionDecision
from rdo.promotion.deciding.promoter_file import as_toml, read_promoter_file
from rdo.promotion.deciding.promotion_status import PromotionState, promotion_states
from rdo.trunk.loop import repeat
from rdo.trunk.telling.ways import outbox

_FILE = click.Path(dir_okay=False, path_type=Path)
_CONFIG = click.option(
    "--config",
    "file",
    metavar="FILE.yaml",
    type=_FILE,
    help="Criteria in the format of RDO's promoter scripts. Default: those of rdo.toml.",
)
_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.names)


@click.command()
@_NAMES
@target_option
@_CONFIG
@click.option(
    "--loop", is_flag=True, help="Repeat until SIGTERM or Ctrl-C, instead of promoting once."
)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.IntRange(1),
    default=600,
    show_default=True,
    help="Seconds from one start to the next, with --loop.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be promoted; move no name.")
@output.json_option
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    target: str | None,
    file: Path | None,
    loop: bool,
    interval: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Move each promotion NAME to the newest candidate that meets its criteria.

    Without a NAME, moves every name that has criteria. Running it again moves nothing until there
    is a new vote or candidate, or enough time has passed. Exit code 0: done, even if nothing met
    its criteria.

    \b
    rdo promotion run
    rdo promotion run tested --dry-run
    rdo promotion run --loop --interval 600
    rdo promotion run --config CentOS-9/master.yaml
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not loop:
        ctx.exit(
            promote_by_criteria(ctx.obj, names, target, file, dry_run=dry_run, as_json=as_json)
        )

    def again() -> None:
        app = ctx.obj.anew()
        try:
            promote_by_criteria(app, names, target, file, dry_run=dry_run, as_json=as_json)
        finally:
            app.close()

    ctx.obj.settings.only_target(target)  # an error in the configuration ends the loop at once
    repeat(again, interval)


@click.command()
@_NAMES
@target_option
@_CONFIG
@output.json_option
@click.pass_obj
def status(
    app: App, names: tuple[str, ...], target: str | None, file: Path | None, as_json: bool
) -> None:
    """Show where each promotion NAME leads, and which criteria its candidates meet.

    \b
    rdo promotion status
    rdo promotion status tested
    """
    target_of = opened(app, target)
    criteria = criteria_of(app, target_of, file)
    found = promotion_states(target_of, criteria, names)
    lines = [line for one in found for line in _state_lines(one)]
    people = "\n".join(lines) or "no promotion name yet; rdo promotion promote NAME makes one"
    output.show(list(map(_state_row, found)), as_json, people)


@click.command("import")
@click.argument("file", metavar="FILE.yaml", type=_FILE)
@target_option
@click.pass_obj
def import_(app: App, file: Path, target: str | None) -> None:
    """Print the criteria of a file of RDO's promoter scripts as sections for rdo.toml.

    \b
    rdo promotion import CentOS-9/master.yaml >> rdo.toml
    """
    name = app.settings.only_target(target)
    output.show(None, as_json=False, people=as_toml(name, read_promoter_file(file)).rstrip())


def criteria_of(
    app: App, opened_target: OpenTarget, file: Path | None = None
) -> dict[str, Criteria]:
    """Return the criteria of a target, from rdo.toml or from a file of the promoter scripts."""
    section = app.settings.target(opened_target.name)
    if file is None:
        return configured.configured(opened_target, section)
    found = read_promoter_file(file)
    configured.require_sound(opened_target, found, str(file), configured.known_checks(section))
    return found


def checker(app: App, opened_target: OpenTarget, *, again: bool = False) -> PromoterChecks:
    """Return a function that checks candidates together with the other repositories of hosts."""
    section = app.settings.target(opened_target.name)
    around = cache(partial(checking.surroundings, app, opened_target))  # called for each candidate

    def check(
        found: Composition, before: Composition | None, names: tuple[str, ...] | None
    ) -> Sequence[CheckAnswer]:
        asked = checked.wanted(section, only=names or (), again=again)
        return checked.check(
            checking.Subject(opened_target, found, around(), before), asked, by=app.user
        )

    return PromoterChecks(check, around)


def promote_by_criteria(
    app: App,
    names: tuple[str, ...],
    target: str | None,
    file: Path | None = None,
    *,
    dry_run: bool = False,
    again: bool = False,
    as_json: bool,
) -> int:
    """Run one promotion round, show its decisions, and return the exit code."""
    target_of = opened(app, target, reads_only=dry_run)
    chosen = configured.chosen(criteria_of(app, target_of, file), names)
    check = checker(app, target_of, again=again)
    if dry_run:
        done = [one for criteria in chosen for one in promoter.decide(target_of, criteria, check)]
    else:
        done = list(promoter.run(target_of, chosen, check))
        tell_webhooks(app)
    lines = [line for one in done for line in _decision_lines(one, dry_run=dry_run)]
    people = "\n".join(lines) or "no promotion has criteria; see [targets.NAME.promotions.NAME]"
    output.show(list(map(_decision_row, done)), as_json, people)
    return max((one.error.exit_code for one in done if one.error), default=0)


def tell_webhooks(app: App) -> None:
    """Send the events of promotions; an unreachable server gets them after a later round."""
    if app.settings.webhooks:
        outbox(app).run()


def _decision_lines(one: PromotionDecision, *, dry_run: bool) -> Iterator[str]:
    name = one.name + (f" ({one.component})" if one.component else "")
    if one.error:
        yield f"{name}: {one.error}"
    elif one.chosen:
        would = "would move" if dry_run else "moved" if one.moved else "leads already"
        yield f"{name}: {would} to {one.label}"
        yield f"  {one.why}"
        yield from (f"  {held.package} is {held}" for held in (one.part.held if one.part else ()))
    elif not one.judged:
        yield f"{name}: {one.candidate} has not moved to a newer repository"
    else:
        yield f"{name}: none of {len(one.judged)} candidates meets its criteria"
        yield from _judged_lines(one.judged[0])


def _judged_lines(one: Judged) -> Iterator[str]:
    state = "meets the criteria" if not one.unmet else "lacks"
    yield f"  {one.candidate.label}, since {minute(one.candidate.place.since)}: {state}"
    yield from (f"    {condition}" for condition in one.unmet)


def _decision_row(one: PromotionDecision) -> dict[str, object]:
    """Return a decision as JSON data."""
    return {
        "name": one.name,
        "component": one.component,
        "candidate": one.candidate,
        "chosen": one.chosen.label if one.chosen else None,
        "repositories": [place.path for place in one.repositories],
        "held": one.part.held if one.part else (),
        "moved": one.moved,
        "why": one.why,
        "error": str(one.error) if one.error else None,
        "candidates": list(map(_judged_row, one.judged)),
    }


def _judged_row(one: Judged) -> dict[str, object]:
    return {
        "repositories": [place.path for place in one.candidate.place.repositories],
        "aggregate_hash": one.candidate.place.aggregate or None,
        "component": one.candidate.component,
        "since": one.candidate.place.since,
        "meets": not one.unmet,
        "conditions": [
            {
                "what": condition.what,
                "component": condition.component,
                "state": condition.state,
                "detail": condition.detail,
                "url": condition.vote.url if condition.vote else None,
            }
            for condition in one.conditions
        ],
    }


def _state_lines(one: PromotionState) -> Iterator[str]:
    where = ", ".join(one.leads) or "nowhere yet"
    moved = f", moved {minute(one.moved)} by {one.by}" if one.moved else ""
    yield f"{one.name} -> {where}{moved}"
    if one.candidate and not one.judged:
        yield f"  {one.candidate} has not moved to a newer repository"
    for judged in one.judged:
        yield from _judged_lines(judged)


def _state_row(one: PromotionState) -> dict[str, object]:
    return {
        "name": one.name,
        "leads": one.leads,
        "moved": one.moved,
        "by": one.by,
        "why": one.why,
        "candidate": one.candidate,
        "candidates": list(map(_judged_row, one.judged)),
    }
