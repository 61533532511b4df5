"""`rdo init`: make a folder to start from."""

from pathlib import Path

import click

from rdo import starter
from rdo.cli import output


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make FOLDER with a commented rdo.toml and a small metadata folder.

    Existing files are never overwritten.

    \b
    Example: rdo init demo && rdo -C demo config show
    """
    written = starter.write(folder)
    lines = [f"wrote {file}" for file in written]
    output.show(None, False, "\n".join([*lines, f"next: rdo -C {folder} doctor"]))
