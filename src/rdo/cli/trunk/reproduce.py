"""`rdo reproduce`: repeat a build exactly and compare the result."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.model.build import Failed, Waiting

if TYPE_CHECKING:
    from rdo.builders.rooms.room import Room
    from rdo.trunk.care.reproduce import Reproduced


@click.command()
@click.argument("build", shell_complete=complete.builds)
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target of the build. Default: searches all.",
)
@click.option(
    "--results",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder for RPMs and logs. Default: reproduced-NUMBER.",
)
@click.option("--shell", is_flag=True, help="Open a shell in the root if the build fails.")
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
    """Build BUILD again with the same root, sources and release date, and compare.

    BUILD is a number, a package (its newest build), or the first digits of an upstream hash.
    Nothing is stored or published. Exit code 0: the result is the same; 1: something differs.

    \b
    rdo reproduce 17
    rdo reproduce python-oslo-config --shell
    """
    from rdo.trunk.care import reproduce as service
    from rdo.trunk.views.status import find_named_build

    app: App = ctx.obj
    found = find_named_build(app, target, build)
    folder = results or Path(f"reproduced-{found.id}")
    # A shell needs the terminal for itself.
    with contextlib.nullcontext() if shell else live(f"building {found.commit} again"):
        made = service.reproduce(app, found, folder, _open_shell if shell else None)
    output.show(service.as_row(made), as_json, "\n".join(_lines(made)))
    ctx.exit(0 if made.is_same else 1)


def _lines(made: "Reproduced") -> Iterator[str]:
    from rdo.logs.reader import one_line

    name = f"build {made.build.id} of {made.build.commit}"
    verdict = "with the same verdict" if made.has_same_verdict else "with another verdict"
    match made.outcome:
        case Failed(reason, detail):
            yield f"{name} fails again, {verdict}"
            yield f"  {reason}: {one_line(detail)}"
        case Waiting(needs):
            yield f"{name} waits again, {verdict}"
            yield f"  it asks for {', '.join(needs)}"
        case _:
            yield f"{name} builds again" if made.has_same_verdict else f"{name} builds now"
    for file in made.files:
        yield f"  {'the same bytes' if file.is_same else 'DIFFERENT'}: {file.name}"
    if made.root_changes:
        yield f"  its root differs: {', '.join(made.root_changes[:20])}"
    elif made.root_size:
        above = "" if made.in_mock else " over the base"
        yield f"  the same root: {made.root_size} packages{above}"
    yield f"  log: {made.log_file}"


def _open_shell(room: "Room") -> None:
    from rdo.trunk.care.reproduce import failed_script

    output.say("the build failed; this shell is in its root (leave with exit)", err=True)
    if failed := failed_script(room.tail()):
        script, section = failed
        output.say(f"{section} failed; run it again with: sh -ex {script}", err=True)
    room.root.hand_over("bash", cwd="/builddir/BUILD")
