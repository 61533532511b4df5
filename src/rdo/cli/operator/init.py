"""`rdo init`: make a folder to start from."""

from pathlib import Path

import click

from rdo import starter
from rdo.cli import output


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--example", is_flag=True, help="Write an example of two packages from PyPI that builds as is."
)
@output.json_option
@click.option(
    "--name",
    default="",
    help="Name of the distribution, for its repositories. Default: delorean, as DLRN's.",
)
def init(folder: Path, example: bool, name: str, as_json: bool) -> None:
    """Make FOLDER with a commented rdo.toml and a small metadata folder.

    Called in a clone of a distgit, it makes that package the first one. Existing files are never
    overwritten. docs/tutorial.md leads from the example to an installed package.

    \b
    rdo init mydistro --name mydistro
    rdo init demo --example
    """
    from rdo.app.example import make_example
    from rdo.app.first_package import package_here

    first = None if example else package_here(Path.cwd())
    if example:
        written = make_example(folder, name=name)
    else:
        written = starter.write(folder, name=name, first=first)
    lines = [f"wrote {file}" for file in written]
    lines += [f"its first package is {first.name}, whose distgit is here"] if first else []
    lines.append(f"next: rdo -C {folder} doctor")
    output.show({"written": written}, as_json, "\n".join(lines))
