"""`rdo pkg get-source` and `mockbuild`: download a distgit's sources, and build it here."""

import shlex
from pathlib import Path
from typing import Any

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.pkg.group import desk, dry_run_option, effect_options, platform_option


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
@platform_option
@output.results_option("Folder for the RPMs and logs.")
@dry_run_option
@output.json_option
@click.pass_context
def mockbuild(
    ctx: click.Context, platform: str, results: Path, dry_run: bool, as_json: bool
) -> None:
    """Download the sources and build this distgit in a fresh root, as `rdo build` does."""
    from rdo.cli.build import build
    from rdo.distgit.update import sources

    here = desk(as_json=as_json)
    if sources.sources(here):
        sources.take(here if not dry_run else here.dry())
    if dry_run:
        place = ("--platform", platform, "--results", str(results))
        command = ("rdo", "build", here.spec.path.name, *place)
        output.show({"command": command}, as_json, shlex.join(command))
        return
    ctx.obj = ctx.find_object(App) or App()
    ctx.invoke(
        build, sources=(here.spec.path,), platform=platform, results=results, as_json=as_json
    )
