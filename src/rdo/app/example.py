"""The example of `rdo init --example`: a project with its distgits in git repositories."""

from pathlib import Path

from rdo import starter
from rdo.tools.git.new_repository import commit_new

_USER = ("Packager", "packager@example.org")


def make_example(folder: Path, *, name: str = "") -> list[Path]:
    """Write the example into a new folder, commit its distgits, and return the files.

    Raises RefusedError if this would overwrite a file.
    """
    written = starter.write_example(folder, name=name)
    for package in starter.DISTGITS:
        place = folder / "distgits" / package
        commit_new(place, starter.BRANCH, [f"{package}.spec"], _USER, "Package it\n")
    return written
