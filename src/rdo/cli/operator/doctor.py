"""`rdo doctor`: check this machine and the configuration, and show how to fix them."""

from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.progress import live
from rdo.errors import CommandError, ConfigError, OutsideError, UserError
from rdo.tools import machine
from rdo.tools.machine_check import MachineCheck


@click.command()
@click.option("--offline", is_flag=True, help="Contact no git remote, mail server or web server.")
@output.json_option
@click.pass_context
def doctor(ctx: click.Context, offline: bool, as_json: bool) -> None:
    """Check this machine and the configuration, and show how to fix them.

    Checks programs, kernel and disk. With an rdo.toml, also checks the database, the metadata, the
    platforms, each git remote, the mail server, base-url, rdo serve and systemd units. It changes
    nothing and sends no mail. The exit code is 3 if the machine lacks something that rdo requires,
    2 if the configuration is wrong, 6 if only servers cannot be reached.

    \b
    Example: rdo -C demo doctor --offline
    """
    from rdo.trunk.care.check_up import check_up, worst
    from rdo.trunk.care.checked import CheckState

    app: App = ctx.obj
    data, platforms, fault = _folders(app)
    with live("checking this machine"):
        findings = machine.examine(data, platforms)
    command = machine.fix_command(findings, machine.family())
    with live("checking the configuration"):
        checks = check_up(app, offline=offline)
    answer = {"findings": findings, "command": command, "configuration": checks}
    rows = [(_state(finding), finding.name, finding.detail) for finding in findings]
    rows += [(one.state, one.name, _with_remedy(one.detail, one.remedy)) for one in checks]
    output.show(answer, as_json, output.Table(("state", "what", "detail"), rows))
    missing = [x.name for x in findings if x.is_needed and not x.is_good]
    if missing:
        hint = f"fix it with: {command}" if command else ""
        raise CommandError(f"this machine lacks {', '.join(missing)}", hint=hint)
    if fault:
        raise fault
    bad = worst(checks)
    names = ", ".join(one.name for one in checks if one.state is bad)
    if bad is CheckState.FAULT:
        raise ConfigError(f"wrong: {names}", hint="the table above shows what to do")
    if bad is CheckState.UNREACHABLE:
        raise OutsideError(f"cannot be reached: {names}", hint="the table above shows what to do")


def _with_remedy(detail: str, remedy: str) -> str:
    first = " ".join(remedy.split("\n")[:1])
    return f"{detail}; {first}" if remedy else detail


def _folders(app: App) -> tuple[Path, Path, UserError | None]:
    """Return the folders that rdo writes to; a faulty configuration must not hide other faults."""
    try:
        return app.settings.data, app.settings.platforms, None
    except UserError as error:
        return Path.cwd(), Path.cwd(), error


def _state(finding: MachineCheck) -> str:
    if finding.is_good:
        return "ok"
    return "missing" if finding.is_needed else "note"
