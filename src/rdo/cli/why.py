"""`rdo why`: one package, why it is or is not being built."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import NotFoundError

if TYPE_CHECKING:
    from rdo.trunk.views.why import Step, Why


@click.command()
@click.argument("package")
@click.option("--target", metavar="T", help="A target of rdo.toml; all if left out.")
@output.json_option
@click.pass_obj
def why(app: App, package: str, target: str | None, as_json: bool) -> None:
    """Say why PACKAGE is or is not being built, what it waits for, and who asked for it.

    PACKAGE may also be an RPM or a requirement, of the release or of what came from PyPI.

    \b
    rdo why python-oslo-config
    rdo why 'python3dist(iniconfig)' --target master-deb12
    """
    if target:
        app.settings.target(target)
    elif not app.settings.targets:
        raise app.settings.no_target()
    found: list[Why] = []
    unknown: NotFoundError | None = None
    for name in [target] if target else app.settings.targets:
        try:
            found.append(_answer(app, name, package))
        except NotFoundError as error:
            unknown = error
    if unknown and not found:
        raise unknown
    if as_json:
        output.show(found, as_json)
        return
    for one in found:
        _show(one)


def _answer(app: App, target: str, package: str) -> "Why":
    from rdo.bridge.lock_file import LockFile
    from rdo.trunk.context import open_trunk
    from rdo.trunk.views.why import Known, explain, not_found
    from rdo.trunk.views.why_bridged import explain_bridged, with_beginning

    known = Known.of(open_trunk(app, target))
    if name := known.named(package):
        outside = LockFile.read(app.bridges.last_resort_lock_file(target)).entries
        return with_beginning(explain(known, name), known.trunk.packages[name], outside)
    entries = LockFile.read(app.bridges.lock_file(target)).entries
    return explain_bridged(known, package, entries) or not_found(
        known, package, _releases_with(app, package)
    )


def _releases_with(app: App, name: str) -> set[str]:
    """The releases of the metadata that have a package or project of this name."""
    releases = {release.name for release in app.distribution.releases}
    entries = app.distribution.entries()
    named = (entry for entry in entries if name in {entry["name"], entry.get("project")})
    return releases & {tag for entry in named for tag in entry.get("tags") or ()}


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
