"""Verbs of `rdo pkg` that only look."""

import click

from rdo.cli import output
from rdo.cli.pkg import desk


@click.command()
@output.json_option
def pkgenv(as_json: bool) -> None:
    """Show what is known of this distgit: version, branches, patches, numbering."""
    from rdo.distgit import environment

    here = desk()
    report = environment.report(here, environment.package_env(here))
    output.show(report, as_json, environment.as_text(report))


@click.command()
@output.json_option
def status(as_json: bool) -> None:
    """Show the action in progress, its arguments and how far it has come."""
    from rdo.distgit import state

    found = state.load(desk().folder)
    output.show(found, as_json, state.as_text(found))
