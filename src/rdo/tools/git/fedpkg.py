"""Run fedpkg and rhpkg, for distgits with sources in a lookaside cache."""

from collections.abc import Sequence
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import hand_over
from rdo.tools.machine import has_program


def upload_command(files: Sequence[str], *, is_red_hat: bool) -> list[str]:
    """Return the command that uploads the files, whose names come from the spec."""
    names = [f"./{name}" if name.startswith("-") else name for name in files]
    return ["rhpkg" if is_red_hat else "fedpkg", "new-sources", *names]


def upload(files: Sequence[str], *, is_red_hat: bool, folder: Path) -> None:
    """Run `fedpkg new-sources FILES` in the maintainer's terminal.

    Raises CommandError if it fails.
    """
    command = upload_command(files, is_red_hat=is_red_hat)
    if not has_program(command[0]):
        raise CommandError(
            f"Command not found: {command[0]}",
            hint="install it and continue with -c; or --abort, then -n to leave the sources alone",
        )
    if hand_over(*command, cwd=folder):
        raise CommandError(f"command failed: {' '.join(command)}")
