"""The texts of tokens: 256 random bits, of which only the SHA-256 is stored."""

import hashlib
import re
import secrets

PREFIX = "rdo_"
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def new_token() -> str:
    """Return the text of a new token; secret scanners know it by its first letters."""
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def digest_of(token: str) -> str:
    """Return what is stored of a token. It needs no slow hash, because nobody can guess it."""
    return hashlib.sha256(token.encode()).hexdigest()
