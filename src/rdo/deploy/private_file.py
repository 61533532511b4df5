"""Files with secrets: only their owner reads them, at any moment."""

import os
from pathlib import Path


def write_private(place: Path, text: str) -> None:
    """Write a file of secrets in place of an older one."""
    new = place.with_name(f".{place.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(place)
