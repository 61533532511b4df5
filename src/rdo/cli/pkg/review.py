"""`rdo pkg review`: check a new package the way a reviewer does."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.app.metadata import user_cache
from rdo.cli import complete, output
from rdo.cli.pkg.group import app_here, platform_option
from rdo.errors import NotFoundError, UserError

if TYPE_CHECKING:
    from rdo.distgit.new_package.review import ReviewBench
    from rdo.metadata import Distribution
    from rdo.metadata.checking.review import AcceptanceStep


@click.command()
@click.argument("distgit", type=click.Path(path_type=Path), default=Path())
@platform_option
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Build the package as this target would.",
)
@click.option(
    "--minutes", default=60, show_default=True, help="Time limit for the build, in minutes."
)
@click.option("--no-build", is_flag=True, help="Check only the distgit's files.")
@click.option(
    "--info",
    "source",
    default="",
    metavar="DIR",
    help="Metadata that has, or will have, the package.",
)
@click.option(
    "--offline", is_flag=True, help="Do not contact the upstream or the published distgit."
)
@output.json_option
@click.pass_context
def review(  # one parameter per option
    ctx: click.Context,
    distgit: Path,
    platform: str,
    target: str | None,
    minutes: int,
    no_build: bool,
    source: str,
    offline: bool,
    as_json: bool,
) -> None:
    """List what the package in the folder DISTGIT still needs to be accepted.

    The package is built, and installed with what it requires, in fresh roots. If the metadata has
    the package, the steps of `rdo info review` follow. Exit code 1: something is left to do.

    \b
    rdo pkg review python-tabulate
    rdo pkg review python-tabulate --no-build --json
    """
    from rdo.distgit.new_package import review as service

    if not distgit.is_dir():
        raise NotFoundError(f"Not a directory: {distgit}")
    app = app_here()
    bench = None if no_build else _bench(app, platform, target, minutes)
    steps = service.review(distgit, bench)
    steps += _metadata_steps(app, distgit.absolute().name, source, offline=offline)
    rows = [("done" if x.is_done else "to do", x.name, x.detail) for x in steps]
    output.show(steps, as_json, output.Table(("state", "step", "detail"), rows))
    if not all(step.is_done for step in steps):
        ctx.exit(1)


def _bench(app: App, platform: str, target: str | None, minutes: int) -> "ReviewBench":
    from rdo.distgit.new_package.review import ReviewBench

    if target:
        platform = app.settings.target(target).platform
    app.platforms.create(platform)
    dependencies = app.bridges.of_target(target) if target else app.bridges.local(platform)
    workshop = app.workplaces.workshop(dependencies, minutes=minutes, log_mb=200)
    own = app.repositories(target, "current") if target else ()
    return ReviewBench(workshop, dependencies, tuple(own))


def _metadata_steps(
    app: App, name: str, source: str, *, offline: bool
) -> "Sequence[AcceptanceStep]":
    """Return the steps of `rdo info review`, if metadata is at hand and has the package."""
    from rdo.metadata.checking.review import review as review_entry

    distribution = _metadata(app, source)
    if distribution is None:
        return []
    try:
        project = str(distribution.raw(name)["project"])
    except NotFoundError:
        if source:
            raise
        return []
    app.reads_only = True
    mirrors = None if offline else user_cache() / "review"
    return review_entry(distribution, name, built=app.good_builds(project), mirrors=mirrors)


def _metadata(app: App, source: str) -> "Distribution | None":
    """Return the metadata that was named, or a folder found here; never fetch RDO's own."""
    if source:
        return app.metadata(source)
    try:
        draft = app.metadata_draft()
        return app.metadata(str(draft.folder), draft.file)
    except UserError:
        return None
