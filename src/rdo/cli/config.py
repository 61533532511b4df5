"""`rdo config`: what is configured, and from where."""

from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output


@click.group()
def config() -> None:
    """Show what is configured, and from where."""


@config.command()
@output.json_option
@click.pass_obj
def show(app: App, as_json: bool) -> None:
    """Show every value that counts and where it came from.

    \b
    Example: rdo -C demo config show
    """
    values = app.configuration.effective()
    rows = [(value.key, _text(value.value), value.origin) for value in values]
    output.show(values, as_json, output.Table(("key", "value", "origin"), rows))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


@config.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--into", type=click.Path(path_type=Path), help="The folder for the rdo.toml; else it is shown."
)
@click.option("--target", default="", metavar="NAME", help="The name of the target.")
@output.json_option
def import_file(file: Path, into: Path | None, target: str, as_json: bool) -> None:
    """Turn DLRN's projects.ini into an rdo.toml; what cannot be carried over is named.

    \b
    Example: rdo config import projects.ini --into /srv/rdo
    """
    from rdo.config.projects_ini import import_projects_ini, write

    found = import_projects_ini(file, target)
    path = write(found, into) if into else None
    if as_json:
        output.show({"rdo.toml": found.text, "notes": found.notes, "wrote": path}, True)
        return
    click.echo(f"wrote {path}" if path else found.text, nl=bool(path))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
