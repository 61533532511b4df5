"""`rdo doctor`: what this machine lacks, and what mends it."""

from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import CommandError, UserError
from rdo.tools import machine


@click.command()
@output.json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what this machine lacks, and the command that mends it.

    Ends with 3 when something is missing that rdo cannot do without.

    \b
    Example: rdo doctor
    """
    app: App = ctx.obj
    data, platforms, fault = _folders(app)
    findings = machine.examine(data, platforms)
    command = machine.fix_command(findings, machine.family())
    answer = {"findings": findings, "command": command}
    rows = [(_state(finding), finding.name, finding.detail) for finding in findings]
    output.show(answer, as_json, output.Table(("state", "what", "detail"), rows))
    missing = [x.name for x in findings if x.is_needed and not x.is_good]
    if missing:
        hint = f"this mends it: {command}" if command else ""
        raise CommandError(f"this machine lacks {', '.join(missing)}", hint=hint)
    if fault:
        raise fault


def _folders(app: App) -> tuple[Path, Path, UserError | None]:
    """Where the work will be; a fault in the configuration must not hide what else is wrong."""
    try:
        return app.settings.data, app.settings.platforms, None
    except UserError as error:
        return Path.cwd(), Path.cwd(), error


def _state(finding: machine.MachineCheck) -> str:
    if finding.is_good:
        return "ok"
    return "missing" if finding.is_needed else "note"
