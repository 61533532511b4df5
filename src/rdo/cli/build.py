"""`rdo build`: build one spec or SRPM on a platform of this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.errors import OutsideError
from rdo.model.build import Built, Failed

if TYPE_CHECKING:
    from rdo.builders.room import Room


def _open_shell(room: "Room") -> None:
    output.say("the build failed; opening a shell in its root (leave it with exit)", err=True)
    room.root.hand_over("bash", cwd="/builddir/BUILD")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--platform",
    "-P",
    shell_complete=complete.platforms,
    default="deb12-x86_64",
    show_default=True,
    help="Platform to build on.",
)
@click.option(
    "--results",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder for RPMs and logs.",
)
@click.option(
    "--define",
    "-D",
    "defines",
    multiple=True,
    help="Define a macro, as rpmbuild -D does (repeatable).",
)
@click.option(
    "--target",
    shell_complete=complete.targets,
    help="Use the packages and dependencies of this target. Default: none.",
)
@click.option(
    "--repo",
    "repositories",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with repodata that provides BuildRequires (repeatable).",
)
@click.option("--minutes", default=60, show_default=True, help="Time limit in minutes.")
@click.option("--log-mb", default=200, show_default=True, help="Maximum log size in MB.")
@click.option(
    "--source-date",
    type=int,
    metavar="SECONDS",
    help="Set SOURCE_DATE_EPOCH, the latest time in the packages.",
)
@click.option("--shell", is_flag=True, help="Open a shell in the root if the build fails.")
@output.json_option
@click.pass_context
def build(  # one parameter per option
    ctx: click.Context,
    source: Path,
    platform: str,
    results: Path,
    defines: tuple[str, ...],
    target: str | None,
    repositories: tuple[Path, ...],
    minutes: int,
    log_mb: int,
    source_date: int | None,
    shell: bool,
    as_json: bool,
) -> None:
    """Build SOURCE in a fresh root: a .src.rpm, or a .spec with its sources beside it.

    BuildRequires come from the platform, from --repo folders, from --target, and from PyPI;
    the build itself runs without network and privileges.

    \b
    rdo build python-foo.spec
    rdo build python-foo-1.0-1.src.rpm --shell
    """
    from rdo.distgit.local_build import LocalBuild, build_local, check_source

    app: App = ctx.obj
    check_source(source)
    if target:
        app.settings.target(target)
    app.platforms.create(platform)
    dependencies = app.bridges.of_target(target) if target else app.bridges.local(platform)
    workshop = app.workplaces.workshop(dependencies, minutes=minutes, log_mb=log_mb)
    own = app.repositories(target, "current") if target else ()
    job = LocalBuild(source, results, defines, (*repositories, *own), source_date)
    outcome = build_local(
        job,
        workshop,
        dependencies,
        on_failure=_open_shell if shell else None,
    )
    log_file = results / "rpmbuild.log"
    match outcome:
        case Built(rpms):
            row = {"outcome": "built", "rpms": rpms, "log": log_file}
            people = "".join(f"built {path}\n" for path in rpms) + f"log: {log_file}"
            output.show(row, as_json, people)
        case Failed(reason, detail):
            row = {"outcome": "failed", "reason": reason, "detail": detail, "log": log_file}
            output.show(row, as_json, f"failed ({reason}): {detail}\nlog: {log_file}")
            ctx.exit(OutsideError.exit_code if reason.is_spurious else 1)
