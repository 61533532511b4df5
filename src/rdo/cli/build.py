"""`rdo build`: one spec or SRPM on a platform of this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import OutsideError
from rdo.model.build import Built, Failed

if TYPE_CHECKING:
    from rdo.builders.room import Room


def _open_shell(room: "Room") -> None:
    click.echo("the build failed; this shell is in its root (leave with exit)", err=True)
    room.root.root.hand_over("bash", cwd="/builddir/BUILD")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--platform", "-P", default="deb12-x86_64", show_default=True)
@click.option(
    "--results",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where RPMs and logs go.",
)
@click.option("--define", "-D", "defines", multiple=True, help="A macro, as for rpmbuild -D.")
@click.option("--target", help="Build as this target would: with its packages and dependencies.")
@click.option(
    "--repo",
    "repositories",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with repodata to take BuildRequires from.",
)
@click.option("--minutes", default=60, show_default=True, help="The bound on its time.")
@click.option("--log-mb", default=200, show_default=True, help="The bound on its log.")
@click.option(
    "--source-date",
    type=int,
    metavar="SECONDS",
    help="SOURCE_DATE_EPOCH: no time in the packages is later than this.",
)
@click.option("--shell", is_flag=True, help="Open a shell in the root when the build fails.")
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
    """Build SOURCE, a .spec with its sources beside it or a .src.rpm, in a fresh root.

    BuildRequires come from the platform, from --repo folders, from --target, and from PyPI;
    the build itself has no network and no privileges.

    \b
    rdo build python-foo.spec
    rdo build python-foo-1.0-1.src.rpm --shell
    """
    from rdo.distgit.local_build import LocalBuild, build_local

    app: App = ctx.obj
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
