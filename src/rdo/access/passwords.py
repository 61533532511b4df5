"""Password hashes: argon2 for our own, sha512_crypt for those taken over from DLRN.

A verification takes time and 64 MB of memory, so at most two run at the same time.
"""

import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST = 1024
"""Maximum number of characters in a password; longer ones are refused before they are hashed."""
_SHA512_CRYPT = "$6$"
_at_work = threading.BoundedSemaphore(2)


def hash_of(password: str) -> str:
    """Return the hash of a password, as it is stored."""
    with _at_work:
        return _argon2().hash(password)


def is_right(password: str, stored: str) -> bool:
    """Whether the password matches a stored hash.

    An empty or unknown hash never matches, and takes as long to check as a wrong password.
    """
    if len(password) > LONGEST:
        return False
    if stored.startswith(_SHA512_CRYPT):
        with _at_work:
            return _is_right_for_dlrn(password, stored)
    return _is_right_for_argon2(password, stored)


def is_outdated(stored: str) -> bool:
    """Whether a hash should be replaced at the next login, when its password is known."""
    return not stored.startswith("$argon2") or _argon2().check_needs_rehash(stored)


def is_hash(text: str) -> bool:
    """Whether a text is a hash in a format that can be verified."""
    return text.startswith(("$argon2id$", _SHA512_CRYPT))


def _is_right_for_argon2(password: str, stored: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    is_known = stored.startswith("$argon2")
    with _at_work:
        try:
            right = _argon2().verify(stored if is_known else _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return right and is_known


def _is_right_for_dlrn(password: str, stored: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library looks for the crypt module of older Pythons
        from passlib.hash import sha512_crypt
    try:
        return bool(sha512_crypt.verify(password, stored))
    except (ValueError, TypeError):
        return False


@cache
def _nobody() -> str:
    """Return a hash that no password matches, to spend the same time when there is no such user."""
    return _argon2().hash("nobody has this password \N{SNOWMAN}")


@cache
def _argon2() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()
