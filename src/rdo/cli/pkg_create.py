"""`rdo pkg create`: a new package out of a project on PyPI or of a git repository."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.pkg import dry_run_option
from rdo.errors import OutsideError, UserError
from rdo.model.build import Built, Failed

if TYPE_CHECKING:
    from rdo.bridge.protocol import Bridge
    from rdo.builders.workshop import Workshop
    from rdo.distgit.new_package.create import Created, TrialBench
    from rdo.metadata.draft import Draft


@click.command()
@click.argument("project")
@click.option("--version", metavar="V", default="", help="A version or tag; else the newest.")
@click.option("--name", default="", help="The package's name, instead of RDO's for the project.")
@click.option(
    "--into", type=click.Path(path_type=Path), default=Path(), help="Where its folder is made."
)
@click.option("--maintainer", default="", metavar="'NAME <MAIL>'", help="Else git's user.")
@click.option("--branch", default="rpm-master", show_default=True, help="Its distgit branch.")
@click.option("--distgit", default="", metavar="URL", help="Where the distgit is going to be.")
@click.option("--release", "releases", multiple=True, metavar="R", help="Else the one developed.")
@click.option("--info", "source", default="", metavar="DIR", help="The metadata to enter it into.")
@click.option("--no-info", is_flag=True, help="Enter it nowhere.")
@click.option("--platform", "-P", default="deb12-x86_64", show_default=True)
@click.option("--minutes", default=20, show_default=True, help="The bound on each build.")
@click.option("--no-build", is_flag=True, help="Do not build it; its tests are off then.")
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
    no_build: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a package of PROJECT, a name on PyPI or a git URL, and build it.

    Its folder gets a spec, the source archive and a first commit; the metadata an entry under
    review. Tests that want a network are found out by building.

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
        project, into, version, name, maintainer, branch, not no_build, dry_run, known
    )
    made = service.create(request, _bench(app, platform, minutes))
    diff = ""
    if draft and made.is_good:
        service.add_entry(draft, made, distgit, releases)
        diff = draft.diff()
        if not dry_run:
            draft.write()
    _show(made, diff, as_json, dry_run=dry_run)
    if isinstance(made.outcome, Failed):
        ctx.exit(OutsideError.exit_code if made.outcome.reason.is_spurious else 1)


def _draft(app: App, source: str) -> "Draft | None":
    """The metadata to enter the package into: what was named, else what is at hand, if any."""
    try:
        return app.metadata_draft(source)
    except UserError:
        if source:
            raise
        return None


def _bench(app: App, platform: str, minutes: int) -> "TrialBench":
    from rdo.distgit.new_package.create import TrialBench
    from rdo.package_index import PackageIndex
    from rdo.tools.pip_config import index_settings

    def open_workshop() -> "tuple[Workshop, Bridge]":
        app.platforms.create(platform)
        dependencies = app.bridges.local(platform)
        return app.workplaces.workshop(dependencies, minutes=minutes, log_mb=200), dependencies

    return TrialBench(
        open_workshop,
        lambda: PackageIndex(index_settings()),
        app.now,
        lambda text: click.echo(text, err=True),
    )


def _show(made: "Created", diff: str, as_json: bool, *, dry_run: bool) -> None:
    from rdo.distgit.new_package.create import failure

    lines = [f"{'would make' if dry_run else 'made'} {made.folder}: {made.name} {made.version}"]
    lines.append(f"licence: {made.licence}")
    if made.lacks_licence:
        lines[-1] += " (nothing names it clearly: read it and correct the spec)"
    lines += [f"tests: {made.tests}", f"documents: {made.docs}"]
    if isinstance(made.outcome, Built):
        lines += [f"built {path}" for path in made.outcome.rpms]
    if failed := failure(made):
        lines.append(f"it does not build yet: {failed}")
        lines.append(f"log: {made.folder / 'results/rpmbuild.log'}")
    if dry_run:
        lines += ["", made.spec]
    if diff:
        lines += ["", diff.rstrip("\n")]
    elif made.is_good:
        lines.append("in no metadata: rdo info add-package enters it")
    output.show(made, as_json, "\n".join(lines))
