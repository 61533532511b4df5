"""`rdo promotion promote`, `rollback` and `history`: move promotion names."""

from dataclasses import replace
from datetime import timedelta

import click

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer
from rdo.cli import complete, output
from rdo.cli.promotion.check import again_option, answer_lines
from rdo.cli.promotion.explain import seconds_option
from rdo.cli.promotion.run import checker, criteria_of, promote_by_criteria, tell_webhooks
from rdo.cli.repo.options import opened, target_option
from rdo.errors import RefusedError
from rdo.model.text.dates import minute, parse_span
from rdo.promotion import checked, checking, promoting
from rdo.promotion.compositions import Composition, find
from rdo.promotion.deciding import promoter
from rdo.promotion.holding_back import HoldTerms, in_force, promote_part
from rdo.promotion.promoting import Promoted
from rdo.promotion.simulating import PromotionStart, promotion_start
from rdo.publish.names import check_promotion_name

_NAME = click.argument("name", shell_complete=complete.names)
_WHY = click.option(
    "--because", "why", metavar="WHY", required=True, help="Why, for the history of the name."
)
_MAYBE_WHY = click.option(
    "--because",
    "why",
    metavar="WHY",
    default="",
    help="Why, for the history of the name; needed with a REPOSITORY.",
)


def _span(ctx: click.Context, param: click.Parameter, value: str) -> timedelta:
    try:
        return parse_span(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


@click.command()
@_NAME
@click.argument(
    "repository", required=False, metavar="[REPOSITORY]", shell_complete=complete.repositories
)
@target_option
@_MAYBE_WHY
@click.option(
    "--unchecked",
    is_flag=True,
    help="Promote without running rdo promotion check, and ignore the criteria.",
)
@again_option
@click.option(
    "--hold-back",
    is_flag=True,
    help="If the checks find something, keep as few packages as possible at the build NAME has.",
)
@click.option(
    "--for",
    "keep",
    metavar="TIME",
    callback=_span,
    default="14d",
    show_default=True,
    help="Longest time to hold a package back, in days (d) or hours (h).",
)
@seconds_option
@output.json_option
@click.pass_context
def promote(
    ctx: click.Context,
    name: str,
    repository: str | None,
    target: str | None,
    why: str,
    unchecked: bool,
    again: bool,
    hold_back: bool,
    keep: timedelta,
    seconds: float,
    as_json: bool,
) -> None:  # one parameter per option
    """Point the promotion NAME at REPOSITORY, if the checks find nothing.

    If NAME has criteria in rdo.toml, REPOSITORY must meet them; without a REPOSITORY it is the
    newest candidate that does. Answers of checks that are still valid are used again. With
    components, NAME moves in all of them at once. previous-NAME then leads to where NAME led
    before. A package that NAME holds back stays at its build until REPOSITORY passes with the newer
    one, or until the hold expires. Exit code 5: a check found something, or the criteria are not
    met.

    \b
    rdo promotion promote tested consistent --because "the cloud of today works"
    rdo promotion promote tested consistent --hold-back --for 7d --because "all but nova"
    rdo promotion promote tested
    """
    app: App = ctx.obj
    if repository is None:
        if unchecked or hold_back:
            option = "--unchecked" if unchecked else "--hold-back"
            raise click.UsageError(f"{option} needs a REPOSITORY")
        ctx.exit(promote_by_criteria(app, (name,), target, again=again, as_json=as_json))
    if not why.strip():
        raise click.UsageError("pass --because WHY, for the history of the name")
    if unchecked and hold_back:
        raise click.UsageError("--hold-back needs the checks: leave --unchecked out")
    target_of = opened(app, target, reads_only=False)
    check_promotion_name(name)
    start = promotion_start(target_of, name, find(target_of, repository))
    criteria = criteria_of(app, target_of).get(name)
    ending = "promoted unchecked" if unchecked else "mended"
    holds = not unchecked and (hold_back or bool(in_force(target_of, name)))
    if criteria and unchecked:
        why = f"unchecked: {why}"
    elif criteria:
        asked = replace(criteria, checks=()) if holds else criteria
        checks = checker(app, target_of, again=again)
        why = f"{why}; {promoter.require(target_of, asked, start.candidate, checks)}"
    if unchecked or (criteria and not holds):
        done = promoting.promote(
            target_of,
            name,
            start.candidate,
            by=app.user,
            why=why,
            ending=ending,
            expected=start.promoted.repositories,
        )
    else:
        terms = HoldTerms(app.user, why, keep)
        done = _promote_what_passes(
            app,
            target_of,
            start,
            terms,
            also=(criteria.checks if criteria else None) or (),
            again=again,
            hold_back=hold_back,
            seconds=seconds,
        )
    tell_webhooks(app)
    _show(done, as_json)


def _promote_what_passes(
    app: App,
    target: OpenTarget,
    start: PromotionStart,
    terms: HoldTerms,
    *,
    also: tuple[str, ...],
    again: bool,
    hold_back: bool,
    seconds: float,
) -> Promoted:
    """Promote the candidate if it passes, or else without the packages that may be held back.

    `also` are the checks that the criteria require besides the default ones.
    """
    around = checking.surroundings(app, target)
    asked = checked.wanted(app.settings.target(target.name), also=also, again=again)

    def check(composition: Composition) -> tuple[CheckAnswer, ...]:
        subject = checking.Subject(target, composition, around, start.before)
        return checked.check(subject, asked, by=app.user)

    answers = check(start.candidate)
    may_be_held = None if hold_back else in_force(target, start.name)
    if any(one.findings for one in answers) and not hold_back and not may_be_held:
        output.say("\n".join(answer_lines(answers)), err=True)
        raise RefusedError(
            f"{start.name} is not moved: the checks of {start.candidate.label} failed",
            hint=f"fix it, or promote the rest with --hold-back; "
            f"rdo promotion explain {start.name} {start.candidate.label}",
        )
    return promote_part(
        target,
        start,
        around,
        check,
        terms,
        answers=answers,
        may_be_held=may_be_held,
        seconds=seconds,
    )


@click.command()
@_NAME
@target_option
@_WHY
@output.json_option
@click.pass_obj
def rollback(app: App, name: str, target: str | None, why: str, as_json: bool) -> None:
    """Point the promotion NAME back to where previous-NAME leads.

    previous-NAME then leads to where NAME led, so that a second rollback undoes the first.

    \b
    rdo promotion rollback tested --because "nova does not start"
    """
    target_of = opened(app, target, reads_only=False)
    done = promoting.rollback(target_of, name, by=app.user, why=why)
    tell_webhooks(app)
    _show(done, as_json)


@click.command()
@_NAME
@target_option
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Maximum number of moves.",
)
@output.json_option
@click.pass_obj
def history(app: App, name: str, target: str | None, limit: int, as_json: bool) -> None:
    """Show the moves of NAME, newest first: when, by whom, why, and where to.

    \b
    rdo promotion history tested
    """
    rows = promoting.history(opened(app, target), name, limit=limit)
    table = output.Table(
        ("when", "by", "to", "why"),
        [(minute(row.moved), row.by, row.after, row.why) for row in rows],
    )
    output.show(rows, as_json, table)


def _show(done: Promoted, as_json: bool) -> None:
    state = "now leads" if done.moved else "leads already"
    lines = [f"{done.name} {state} to {path}" for path in done.repositories]
    lines += [f"  {one.package} is {one}" for one in done.held]
    output.show(done, as_json, "\n".join(lines))
