"""`rdo why`: why a package is or is not being built."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output

if TYPE_CHECKING:
    from rdo.trunk.views.why import Step, Why


@click.command()
@click.argument("package")
@click.option("--target", metavar="T", help="Target to ask. Default: all.")
@output.json_option
@click.pass_obj
def why(app: App, package: str, target: str | None, as_json: bool) -> None:
    """Explain why PACKAGE is or is not being built, what it waits for, and what requires it.

    PACKAGE may also be an RPM or a requirement, of the release or of what was bridged from PyPI.

    \b
    rdo why python-oslo-config
    rdo why 'python3dist(iniconfig)' --target master-deb12
    """
    from rdo.trunk.views.explanation import explain_in_targets

    found = explain_in_targets(app, target, package)
    if as_json:
        output.show(found, as_json)
        return
    for one in found:
        _show(one)


def _show(found: "Why") -> None:
    step = found.step
    name = f"{step.package}@{step.commit}" if step.commit else step.package
    since = f" since {_when(step.since)}" if step.since else ""
    build = f", build {step.build_id}" if step.build_id else ""
    lines = [f"{found.target}: {name}: {step.state}{since}{build}", f"  {step.why}"]
    lines += [f"  {note}" for note in found.notes]
    if found.needed_by:
        lines.append(f"  asked for by {', '.join(found.needed_by)}")
    if found.next:
        lines.append(f"  next: {found.next}")
    output.show(found, as_json=False, people="\n".join(lines))
    if found.chain:
        columns = ("what is behind it", "state", "since", "build", "why")
        rows = [_row(one) for one in found.chain]
        output.show(found, as_json=False, people=output.Table(columns, rows))


def _row(step: "Step") -> tuple[object, ...]:
    return step.package, step.state, _when(step.since), step.build_id, step.why


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
