"""`rdo config`: show the configuration and the origin of each value, or import DLRN's."""

import json
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.lazy import LazyGroup


@click.group(cls=LazyGroup)
def config() -> None:
    """Show the configuration, or import DLRN's."""


@config.command()
@click.option("--all", "with_defaults", is_flag=True, help="Show the defaults too.")
@output.json_option
@click.pass_obj
def show(app: App, with_defaults: bool, as_json: bool) -> None:
    """Show each value that was set and where it came from; with --json all values.

    \b
    Example: rdo -C demo config show --all
    """
    values = app.configuration.effective()
    shown = [value for value in values if with_defaults or value.origin.kind != "default"]
    rows = [(value.key, _text(value.value), value.origin) for value in shown]
    output.show(values, as_json, output.Table(("key", "value", "origin"), rows))
    if not as_json and len(shown) < len(values):
        output.say(f"{len(values) - len(shown)} more have their default: rdo config show --all")


def _text(value: object) -> str:
    """Return a value as it is written in rdo.toml, but a text without its quotes."""
    if value is None or value == {}:
        return ""
    if isinstance(value, bool | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


@config.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="Write rdo.toml into this folder. Default: print it.",
)
@click.option(
    "--target",
    default="",
    metavar="NAME",
    help="Name of the target. Default: release and platform.",
)
@output.json_option
def import_file(file: Path, into: Path | None, target: str, as_json: bool) -> None:
    """Convert DLRN's projects.ini to rdo.toml, and list what cannot be converted.

    \b
    Example: rdo config import projects.ini --into /srv/rdo
    """
    from rdo.config.projects_ini import import_projects_ini, write

    found = import_projects_ini(file, target)
    path = write(found, into) if into else None
    if as_json:
        output.show({"rdo.toml": found.text, "notes": found.notes, "wrote": path}, True)
        return
    output.say(f"wrote {path}" if path else found.text, nl=bool(path))
    for note in found.notes:
        output.say(f"note: {note}", err=True)
