"""`rdo config`: what is configured, and from where."""

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
