"""`rdo promotion promote`, `rollback` and `history`: where promotion names lead."""

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.promotion.check import again_option, answer_lines
from rdo.cli.promotion.run import checker, criteria_of, promote_by_criteria
from rdo.cli.repo.options import opened, target_option
from rdo.errors import RefusedError
from rdo.model.dates import minute
from rdo.promotion import checked, checking, promoter, promoting
from rdo.promotion.compositions import find
from rdo.promotion.promoting import Promoted

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
    help="Promote without the checks of rdo promotion check, and whatever the criteria say.",
)
@again_option
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
    as_json: bool,
) -> None:
    """Point the promotion NAME at REPOSITORY, if the checks find nothing.

    If NAME has criteria in rdo.toml, REPOSITORY must meet them; without a REPOSITORY it is the
    newest candidate that does. Answers of checks that still hold are used again. With components
    NAME moves in all of them at once. previous-NAME then leads to where NAME led before. Exit
    code 5: a check found something, or the criteria are not met.

    \b
    rdo promotion promote tested consistent --because "the cloud of today works"
    rdo promotion promote tested
    """
    app: App = ctx.obj
    if repository is None:
        if unchecked:
            raise click.UsageError("--unchecked needs a REPOSITORY")
        ctx.exit(promote_by_criteria(app, (name,), target, again=again, as_json=as_json))
    if not why.strip():
        raise click.UsageError("pass --because WHY, for the history of the name")
    target_of = opened(app, target, reads_only=False)
    found = find(target_of, repository)
    criteria = criteria_of(app, target_of).get(name)
    if criteria and unchecked:
        why = f"unchecked: {why}"
    elif criteria:
        met = promoter.require(target_of, criteria, found, checker(app, target_of, again=again))
        why = f"{why}; {met}"
    elif not unchecked:
        before = find(target_of, name) if target_of.tree.leads(name) else None
        around = checking.surroundings(app, target_of)
        subject = checking.Subject(target_of, found, around, before)
        asked = checked.wanted(app.settings.target(target_of.name), again=again)
        answers = checked.check(subject, asked, by=app.user)
        if any(one.findings for one in answers):
            output.say("\n".join(answer_lines(answers)), err=True)
            raise RefusedError(
                f"{name} is not moved: the checks of {repository} failed",
                hint="fix it, or promote with --unchecked",
            )
    done = promoting.promote(target_of, name, found, by=app.user, why=why)
    _show(done, as_json)


@click.command()
@_NAME
@target_option
@_WHY
@output.json_option
@click.pass_obj
def rollback(app: App, name: str, target: str | None, why: str, as_json: bool) -> None:
    """Point the promotion NAME back to where previous-NAME leads.

    previous-NAME then leads to what was left, so that a second rollback undoes the first.

    \b
    rdo promotion rollback tested --because "nova does not start"
    """
    target_of = opened(app, target, reads_only=False)
    _show(promoting.rollback(target_of, name, by=app.user, why=why), as_json)


@click.command()
@_NAME
@target_option
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Most moves.",
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
    output.show(done, as_json, "\n".join(lines))
