"""fedpkg and rhpkg, for distgits whose sources are in a lookaside cache."""

from collections.abc import Sequence
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import hand_over
from rdo.tools.machine import has_program


def upload_command(files: Sequence[str], *, is_red_hat: bool) -> list[str]:
    return ["rhpkg" if is_red_hat else "fedpkg", "new-sources", *files]


def upload(files: Sequence[str], *, is_red_hat: bool, folder: Path) -> None:
    """`fedpkg new-sources FILES`, at the maintainer's terminal."""
    command = upload_command(files, is_red_hat=is_red_hat)
    if not has_program(command[0]):
        raise CommandError(
            f"Command not found: {command[0]}",
            hint="install it and go on with -c; or --abort, and -n leaves the sources alone",
        )
    if hand_over(*command, cwd=folder):
        raise CommandError(f"command failed: {' '.join(command)}")
