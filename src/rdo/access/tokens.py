"""Tokens: 256 random bits as text; only the SHA-256 is stored."""

import hashlib
import re
import secrets

PREFIX = "rdo_"
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def new_token() -> str:
    """Return the text of a new token; secret scanners recognize its prefix."""
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def digest_of(token: str) -> str:
    """Return the hash of a token, as it is stored.

    A fast hash is enough: nobody can guess a token.
    """
    return hashlib.sha256(token.encode()).hexdigest()
