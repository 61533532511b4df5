"""The type of an option or argument that names a file which a command writes."""

from pathlib import Path

import click


class OutputFile(click.Path):
    """A file to write, in a folder that exists: a wrong one is refused before the command works."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the path; fails if its folder does not exist."""
        file = Path(str(super().convert(str(value), param, ctx)))
        if not file.parent.is_dir():
            self.fail(f"there is no folder {file.parent}", param, ctx)
        return file
