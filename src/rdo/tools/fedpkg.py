"""fedpkg and rhpkg, for distgits whose sources are in a lookaside cache."""

from collections.abc import Sequence
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import hand_over
from rdo.tools.machine import has_program


def upload(files: Sequence[str], *, is_red_hat: bool, folder: Path) -> None:
    """`fedpkg new-sources FILES`, at the maintainer's terminal."""
    program = "rhpkg" if is_red_hat else "fedpkg"
    if not has_program(program):
        raise CommandError(
            f"Command not found: {program}", hint="say -n to leave the sources to somebody else"
        )
    if hand_over(program, "new-sources", *files, cwd=folder):
        raise CommandError(f"command failed: {program} new-sources {' '.join(files)}")
