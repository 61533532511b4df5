"""The public ssh key that the answers name: a file on this machine, beside its private key."""

import re
from pathlib import Path

from rdo.errors import RefusedError

_MAX_BYTES = 16_384
_LINE = re.compile(r"(?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,2}(?: .*)?")
_REMEDY = "name a file such as ~/.ssh/id_ed25519.pub in CONFIG_SSH_KEY, or leave it empty"


def read_public_key(path: str) -> str:
    """Return the only line of a file with a public key.

    Raises RefusedError for a file that does not exist, or that contains anything else.
    """
    file = Path(path).expanduser()
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_MAX_BYTES + 1).strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise RefusedError(f"CONFIG_SSH_KEY={path} cannot be read: {why}", hint=_REMEDY) from error
    if "PRIVATE KEY" in text:
        raise RefusedError(f"CONFIG_SSH_KEY={path} is a private key", hint=_REMEDY)
    if len(text) > _MAX_BYTES or not _LINE.fullmatch(text):
        raise RefusedError(f"CONFIG_SSH_KEY={path} is not one public key", hint=_REMEDY)
    return text


def beside(path: str) -> Path | None:
    """Return the private key `NAME` beside the public key `NAME.pub`; None if it does not exist."""
    file = Path(path).expanduser()
    private = file.with_suffix("")
    return private if file.suffix == ".pub" and private.is_file() else None
