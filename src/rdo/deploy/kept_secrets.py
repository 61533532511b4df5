"""The secrets of a cloud: generated once, and stored where only their owner can read them."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic, lock
from rdo.errors import RefusedError

_FILE = "secrets.json"
_BYTES = 16


def new_secret() -> str:
    """Return a secret of 128 bits."""
    return secrets.token_hex(_BYTES)


@dataclass(frozen=True, slots=True)
class KeptSecrets:
    """The secrets of one cloud, by key, in a file of its state folder."""

    folder: Path

    def read(self) -> dict[str, str]:
        """Return the secrets that were generated so far.

        Raises RefusedError for a file that others can read, or that is damaged.
        """
        place = self.folder / _FILE
        try:
            mode, content = place.stat().st_mode, place.read_text()
        except FileNotFoundError:
            return {}
        if mode & 0o077:
            raise RefusedError(f"others can read {place}", hint=f"chmod 600 {place}")
        try:
            found = json.loads(content)
        except ValueError as error:
            raise RefusedError(f"{place} is damaged: {error}") from error
        if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
            raise RefusedError(f"{place} is damaged: it is not a table of texts")
        return found

    def make(self, names: Iterable[str]) -> dict[str, str]:
        """Generate a secret for each name that has none yet; return all secrets.

        They are on disk before this returns. Raises RefusedError as `read` does.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.folder.stat().st_mode & 0o077:
            raise RefusedError(f"others can enter {self.folder}", hint=f"chmod 700 {self.folder}")
        with lock.hold(self.folder / "secrets.lock", purpose="making secrets", wait=True):
            found = self.read()
            if new := [name for name in names if name not in found]:
                found |= {name: new_secret() for name in new}
                content = json.dumps(found, indent=1)
                atomic.write_file(self.folder / _FILE, content, is_private=True, is_synced=True)
            return found
