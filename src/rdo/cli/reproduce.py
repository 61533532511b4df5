"""`rdo reproduce`: make a build again as it was."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.model.build import Failed, Waiting

if TYPE_CHECKING:
    from rdo.builders.room import Room
    from rdo.trunk.care.reproduce import Reproduced


@click.command()
@click.argument("build")
@click.option("--target", metavar="T", help="A target of rdo.toml; all are searched if left out.")
@click.option(
    "--results",
    "-o",
    type=click.Path(path_type=Path),
    help="Where RPMs and logs go; else reproduced-NUMBER.",
)
@click.option("--shell", is_flag=True, help="Open a shell in the root at the step that failed.")
@output.json_option
@click.pass_context
def reproduce(
    ctx: click.Context,
    build: str,
    target: str | None,
    results: Path | None,
    shell: bool,
    as_json: bool,
) -> None:
    """Make BUILD again: the same root, the same sources, the same release date.

    BUILD is a number, a package (its newest build), or an upstream hash's first digits. Nothing
    is stored or published. Exit code 0: it went as it did then; 1: something is different.

    \b
    rdo reproduce 17
    rdo reproduce python-oslo-config --shell
    """
    from rdo.trunk.care import reproduce as reproducing
    from rdo.trunk.views.status import find_build

    app: App = ctx.obj
    targets = [target] if target else list(app.settings.targets)
    for name in targets:
        app.settings.target(name)
    found = find_build(app.store, targets, build)
    folder = results or Path(f"reproduced-{found.id}")
    made = reproducing.reproduce(app, found, folder, _open_shell if shell else None)
    row = {
        "build": found.id, "commit": str(found.commit), "outcome": made.outcome,
        "same": made.is_same, "same_verdict": made.has_same_verdict,
        "root": made.root_size, "root_changes": made.root_changes, "files": made.files,
        "log": folder / "rpmbuild.log",
    }  # fmt: skip
    output.show(row, as_json, "\n".join(_lines(made)))
    ctx.exit(0 if made.is_same else 1)


def _lines(made: "Reproduced") -> Iterator[str]:
    name = f"build {made.build.id} of {made.build.commit}"
    verdict = "with the same verdict" if made.has_same_verdict else "otherwise than then"
    match made.outcome:
        case Failed(reason, detail):
            yield f"{name} fails again, {verdict}"
            yield f"  {reason}: {detail}"
        case Waiting(needs):
            yield f"{name} waits again, {verdict}"
            yield f"  it asks for {', '.join(needs)}"
        case _:
            yield f"{name} is built again" if made.has_same_verdict else f"{name} builds now"
    for file in made.files:
        yield f"  {'the same bytes' if file.is_same else 'DIFFERENT'}: {file.name}"
    if made.root_changes:
        yield f"  its root is another: {', '.join(made.root_changes[:20])}"
    elif made.root_size:
        yield f"  the same root: {made.root_size} packages over the base"
    yield f"  log: {made.folder / 'rpmbuild.log'}"


def _open_shell(room: "Room") -> None:
    failed = re.findall(r"Bad exit status from (\S+) \((%\w+)\)", room.tail())
    click.echo("the build gave nothing; this shell is in its root (leave with exit)", err=True)
    if failed:
        script, section = failed[-1]
        click.echo(f"{section} failed; try it again with: sh -ex {script}", err=True)
    room.root.root.hand_over("bash", cwd="/builddir/BUILD")
