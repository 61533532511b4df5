"""The user that runs builds inside a root."""

from pathlib import Path

from rdo.tools.walls.root import BUILD_UID


def add_build_user(tree: Path) -> None:
    """Add the user `rdobuild`, whose home is /builddir; build logs show this name."""
    with (tree / "etc/passwd").open("a") as passwd:
        passwd.write(f"rdobuild:x:{BUILD_UID}:{BUILD_UID}::/builddir:/bin/bash\n")
    with (tree / "etc/group").open("a") as group:
        group.write(f"rdobuild:x:{BUILD_UID}:\n")
    (tree / "builddir").mkdir(exist_ok=True)
