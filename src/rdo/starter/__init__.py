"""The files of a new project: rdo.toml and a small metadata folder, with comments."""

import importlib.resources
from pathlib import Path

from rdo.errors import RefusedError

FILES = ("rdo.toml", "info/rdo.yml", "info/tags/master.yml")


def write(folder: Path) -> list[Path]:
    """Write the files into `folder`, all or none; raise RefusedError rather than overwrite one."""
    existing = [folder / file for file in FILES if (folder / file).exists()]
    if existing:
        raise RefusedError(
            f"{existing[0]} already exists", hint="choose another folder, or move it away"
        )
    if folder.exists() and not folder.is_dir():
        raise RefusedError(f"{folder} is not a folder")
    root = importlib.resources.files(__name__)
    for file in FILES:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x") as out:
            out.write(root.joinpath(file).read_text())
    return [folder / file for file in FILES]
