"""`rdo doctor`: check this machine and show how to fix what is missing."""

from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import CommandError, UserError
from rdo.tools import machine
from rdo.tools.machine_check import MachineCheck


@click.command()
@output.json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this machine and show how to fix what is missing.

    The exit code is 3 if something is missing that rdo requires.

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
        hint = f"fix it with: {command}" if command else ""
        raise CommandError(f"this machine lacks {', '.join(missing)}", hint=hint)
    if fault:
        raise fault


def _folders(app: App) -> tuple[Path, Path, UserError | None]:
    """Return the folders of the work; a faulty configuration must not hide other faults."""
    try:
        return app.settings.data, app.settings.platforms, None
    except UserError as error:
        return Path.cwd(), Path.cwd(), error


def _state(finding: MachineCheck) -> str:
    if finding.is_good:
        return "ok"
    return "missing" if finding.is_needed else "note"
