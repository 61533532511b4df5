"""`rdo pkg get-source` and `mockbuild`: download a distgit's sources, and build it here."""

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.pkg.everyday.lookaside import known_site, site_option
from rdo.cli.pkg.everyday.stages import (
    conditions,
    defines_of,
    macros_of,
    release_option,
    take_sources,
)
from rdo.cli.pkg.group import app_here, desk, desk_in_git, dry_run_option, effect_options

if TYPE_CHECKING:
    from rdo.distgit.verb.desk import Desk


@click.command()
@click.option("--all", "-a", "is_all", is_flag=True, help="Download every missing source.")
@effect_options
def get_source(is_all: bool, dry_run: bool) -> None:
    """Download the source archive; with --all, download every source and check its signature."""
    from rdo.distgit.update import sources
    from rdo.distgit.verb.actions import change

    def act(here: Any) -> None:
        for file in sources.take(here, only_first=not is_all):
            here.say(file.name)
        if is_all and not dry_run:
            for line in sources.verify(here):
                here.say(line)

    change(desk(), "get-source", act, is_dry=dry_run)


@click.command()
@click.option(
    "--platform",
    "-P",
    "--root",
    "-r",
    "--mock-config",
    "root",
    shell_complete=complete.platforms,
    default="deb12-x86_64",
    show_default=True,
    help="Platform to build on, or a configuration of mock's, such as fedora-42-x86_64.",
)
@click.option(
    "--results",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder for the RPMs and logs. Default: results_NAME/VERSION/RELEASE.",
)
@click.option("--with", "with_", multiple=True, metavar="NAME", help="Enable a %bcond.")
@click.option("--without", multiple=True, metavar="NAME", help="Disable a %bcond.")
@release_option
@site_option
@dry_run_option
@output.json_option
@click.pass_context
def mockbuild(
    ctx: click.Context,
    root: str,
    results: Path | None,
    with_: tuple[str, ...],
    without: tuple[str, ...],
    release: str,
    site: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Download the sources and build this distgit: in a fresh root of a platform, or in mock.

    \b
    rdo pkg mockbuild
    rdo pkg mockbuild -r fedora-42-x86_64
    """
    from rdo.distgit.everyday.farm_builds import ignore_results, results_folder
    from rdo.distgit.everyday.identity import verrel
    from rdo.distgit.update import sources

    here = desk_in_git(as_json=as_json)
    app = app_here()
    if not dry_run:
        take_sources(here, site)
    if sources.sources(here):
        sources.take(here if not dry_run else here.dry())
    found = verrel(here, known_site(here, site), release)
    place = results or results_folder(here, found)
    is_ours = root in app.platforms.names()
    if dry_run:
        program = ("rdo", "build", "--platform") if is_ours else ("mock", "--rebuild", "-r")
        command = (*program, root, "--results" if is_ours else "--resultdir", str(place))
        output.show({"command": command}, as_json, shlex.join(command))
        return
    ignore_results(here, found)
    if is_ours:
        words = conditions(with_, without)
        ctx.exit(_build_in_root(app, here, root, place, release, words, as_json=as_json))
    options = (*(f"--with={one}" for one in with_), *(f"--without={one}" for one in without))
    ctx.exit(_build_in_mock(app, here, root, place, release, options, as_json=as_json))


def _build_in_root(
    app: App,
    here: "Desk",
    platform: str,
    results: Path,
    release: str,
    words: tuple[str, ...],
    *,
    as_json: bool,
) -> int:
    from rdo.cli.build import BuildOptions, build_sources, exit_code, people, row_of

    options = BuildOptions(platform, results, defines_of(here, release, words))
    [one] = build_sources(app, [here.spec.file], options, lambda _: None)
    output.show(row_of(one) if as_json else None, as_json, people(one))
    return exit_code([one.outcome])


def _build_in_mock(
    app: App,
    here: "Desk",
    config: str,
    results: Path,
    release: str,
    options: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Build the SRPM of the sandbox with a configuration of mock's own."""
    from rdo.cli.pkg.everyday.farms import code_of, row_of_outcome, said_of
    from rdo.distgit.everyday.farm_builds import FarmBuildRun, mock_builder, package_name
    from rdo.distgit.everyday.identity import verrel
    from rdo.distgit.everyday.stages import make_srpm

    keys = {"mock_config": config, **({"mock_options": list(options)} if options else {})}
    with tempfile.TemporaryDirectory(prefix="rdo-srpm-") as scratch:
        srpm = make_srpm(here, Path(scratch), macros_of(here, release, ()))
        builder = mock_builder(app.settings)
        opened = app.workplaces.of_srpm(builder, srpm, keys, platform=builder)
        _, outcome = FarmBuildRun(here, opened, results, package_name(here, None)).run()
    nvr = verrel(here, None, release).nvr
    row = {"nvr": nvr, "mock_config": config, **row_of_outcome(outcome)}
    output.show(row, as_json, said_of(outcome, nvr, results))
    return code_of(outcome)
