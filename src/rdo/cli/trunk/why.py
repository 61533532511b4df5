"""`rdo why`: explain why a package is or is not being built."""

from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.model.text.dates import minute, minute_utc

if TYPE_CHECKING:
    from rdo.trunk.views.state import PackageView
    from rdo.trunk.views.why import Why


@click.command()
@click.argument("package", shell_complete=complete.packages)
@click.option(
    "--target", metavar="T", shell_complete=complete.targets, help="Target to ask. Default: all."
)
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

    app.reads_only = True
    found = explain_in_targets(app, target, package)
    if as_json:
        from rdo.trunk.views.why import why_row

        output.show([why_row(one) for one in found], as_json)
        return
    for one in found:
        _show(one)


def _show(found: "Why") -> None:
    from rdo.trunk.views.state import PackageState

    view = found.view
    name = f"{view.package}@{view.commit}" if view.commit else view.package
    since = f" since {minute_utc(view.since)}" if view.since else ""
    build = f", build {view.build_id}" if view.build_id else ""
    lines = [f"{found.target}: {name}: {view.state}{since}{build}", f"  {view.sentence}"]
    lines += [f"  {note}" for note in found.notes]
    if found.needed_by:
        lines.append(f"  required by {', '.join(found.needed_by)}")
    if found.next:
        lines.append(f"  next: {found.next}")
    output.show(found, as_json=False, people="\n".join(lines))
    if found.chain:
        first = "required by" if view.state is PackageState.BRIDGED else "waits for"
        rows = [_row(one) for one in found.chain]
        table = output.Table((first, "state", "since", "build", "why"), rows)
        output.show(found, as_json=False, people=table)


def _row(view: "PackageView") -> tuple[object, ...]:
    since = minute(view.since) if view.since else ""
    return view.package, view.state, since, view.build_id, view.sentence
