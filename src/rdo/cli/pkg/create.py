"""`rdo pkg create`: make a new package from a project on PyPI or in git."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.pkg.group import dry_run_option, platform_option
from rdo.cli.progress import live
from rdo.errors import OutsideError, UserError
from rdo.model.build import BUILD_LOG, Built, Failed

if TYPE_CHECKING:
    from rdo.bridge.protocol import Bridge
    from rdo.builders.rooms.workshop import Workshop
    from rdo.distgit.new_package.create import Created, TrialBench
    from rdo.metadata.editing.draft import Draft


log = logging.getLogger(__name__)


@click.command()
@click.argument("project")
@click.option(
    "--version",
    metavar="V",
    default="",
    help="Version or tag to package. Default: the newest release.",
)
@click.option(
    "--name", default="", help="Name of the package. Default: RDO's usual name for the project."
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder to create the package's folder in. Default: the current one.",
)
@click.option(
    "--maintainer",
    default="",
    metavar="'NAME <MAIL>'",
    help="Maintainer of the package. Default: git's user.name and user.email.",
)
@click.option(
    "--branch", default="rpm-master", show_default=True, help="Name of its distgit branch."
)
@click.option(
    "--distgit", default="", metavar="URL", help="URL where the distgit will be published."
)
@click.option(
    "--release",
    "releases",
    multiple=True,
    metavar="R",
    help="Release the package is for (repeatable). Default: the one in development.",
)
@click.option("--info", "source", default="", metavar="DIR", help="Metadata to add the package to.")
@click.option("--no-info", is_flag=True, help="Do not add the package to any metadata.")
@platform_option
@click.option(
    "--minutes", default=20, show_default=True, help="Time limit for each build, in minutes."
)
@click.option(
    "--limit",
    default=60.0,
    show_default=True,
    metavar="MINUTES",
    help="Time limit for the whole command; if it ends a build, the package is kept untested.",
)
@click.option(
    "--no-build",
    is_flag=True,
    help="Do not build the package; this turns its tests and documents off.",
)
@click.option(
    "--crates-index",
    metavar="URL",
    envvar="RDO_CRATES_INDEX",
    default="",
    help="Sparse index, such as https://index.crates.io/, to vendor the crates of a Rust project"
    " from. RDO_CRATES_INDEX sets it too. Default: such a project is refused.",
)
@dry_run_option
@output.json_option
@click.pass_context
def create(  # one parameter per option
    ctx: click.Context,
    project: str,
    version: str,
    name: str,
    into: Path,
    maintainer: str,
    branch: str,
    distgit: str,
    releases: tuple[str, ...],
    source: str,
    no_info: bool,
    platform: str,
    minutes: int,
    limit: float,
    no_build: bool,
    crates_index: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Create a package from PROJECT, a name on PyPI or a git URL, and build it.

    The new folder gets a spec, the source archive and a first commit; the metadata gets an entry
    tagged under-review. Tests that need a network are found by building, and left out.

    \b
    rdo pkg create tabulate
    rdo pkg create https://example.org/tabulate.git --name python-tabulate
    """
    from rdo.distgit.new_package import create as service

    app = ctx.obj if isinstance(ctx.obj, App) else App()
    draft = None if no_info else _draft(app, source)
    known: frozenset[str] = frozenset()
    if draft:
        service.wanted_releases(draft, releases)
        known = service.known_names(draft)
    request = service.NewPackageRequest(
        project,
        into,
        version,
        name,
        maintainer,
        branch,
        not no_build,
        dry_run,
        known,
        limit * 60,
        crates_index,
    )
    app.platforms.check(platform)
    with live("fetching the source"):
        made = service.create(request, _bench(app, platform, minutes))
    diff = ""
    if draft and made.is_good:
        service.add_entry(draft, made, distgit, releases)
        diff = draft.diff()
        if not dry_run:
            draft.write()
    _show(made, diff, as_json, dry_run=dry_run)
    if made.is_out_of_time:
        ctx.exit(1)
    if made.is_interrupted:
        raise KeyboardInterrupt
    if isinstance(made.outcome, Failed):
        ctx.exit(OutsideError.exit_code if made.outcome.reason.is_spurious else 1)


def _draft(app: App, source: str) -> "Draft | None":
    """Return the metadata to add the package to: the named one, or else one found here, if any."""
    try:
        return app.metadata_draft(source)
    except UserError:
        if source:
            raise
        return None


def _bench(app: App, platform: str, minutes: int) -> "TrialBench":
    from rdo.distgit.new_package.create import TrialBench
    from rdo.package_index import PackageIndex
    from rdo.tools.packaging.pip_config import index_settings

    def open_workshop() -> "tuple[Workshop, Bridge]":
        app.platforms.create(platform)
        dependencies = app.bridges.local(platform)
        return app.workplaces.workshop(dependencies, minutes=minutes, log_mb=200), dependencies

    return TrialBench(
        open_workshop,
        lambda: PackageIndex(index_settings()),
        app.now,
        log.info,
    )


def _show(made: "Created", diff: str, as_json: bool, *, dry_run: bool) -> None:
    from rdo.distgit.new_package.create import failure

    lines = [f"{'would make' if dry_run else 'made'} {made.folder}: {made.name} {made.version}"]
    lines.append(f"licence: {made.licence}")
    if made.lacks_licence:
        lines[-1] += " (the source does not name it clearly: read it and correct the spec)"
    lines += [f"tests: {made.tests}", f"documents: {made.docs}"]
    if made.crates:
        lines.append(f"crates: {made.crates} (Source1; add their licences to License)")
    if isinstance(made.outcome, Built):
        lines += [f"built {path}" for path in made.outcome.rpms]
    if made.is_interrupted:
        why = "its time limit ended the builds" if made.is_out_of_time else "interrupted"
        lines.append(f"{why}: the package is kept as it is, and has not been built")
    if failed := failure(made):
        lines.append(f"the package does not build yet: {failed}")
        lines.append(f"log: {made.folder / 'results' / BUILD_LOG}")
    if dry_run:
        lines += ["", made.spec]
    if diff:
        lines += ["", diff.rstrip("\n")]
    elif made.is_good:
        lines.append("not in any metadata; to add it: rdo info add-package")
    output.show(made, as_json, "\n".join(lines))
