"""Changes that a reader sees either not at all or whole."""

import os
from pathlib import Path


def point_link(link: Path, target: Path) -> None:
    """Make `link` lead to `target`, relative; no reader ever meets a missing link."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(target, link.parent))
    new.replace(link)


def write_file(path: Path, content: bytes | str) -> None:
    """Replace the whole file `path`; a reader sees the old content or the new."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content.encode() if isinstance(content, str) else content)
    new.replace(path)
