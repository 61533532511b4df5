"""The hashes that identify source files, and their lengths."""

import hashlib
from enum import StrEnum
from io import BufferedReader
from pathlib import Path


class HashType(StrEnum):
    """A kind of hash, under its name in rpkg's protocol."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    def of(self, file: Path) -> str:
        """Return this hash of a file, in hexadecimal digits."""
        with file.open("rb") as content:
            return self.digest_of(content)

    def digest_of(self, content: BufferedReader) -> str:
        """Return this hash of a file's content, in hexadecimal digits."""
        return hashlib.file_digest(content, str(self)).hexdigest()

    @property
    def digits(self) -> int:
        """The number of its hexadecimal digits."""
        return _DIGITS[self]


_DIGITS = {
    HashType.MD5: 32,
    HashType.SHA1: 40,
    HashType.SHA224: 56,
    HashType.SHA256: 64,
    HashType.SHA384: 96,
    HashType.SHA512: 128,
}
_BY_DIGITS = {digits: kind for kind, digits in _DIGITS.items()}


def hash_type_of(digest: str) -> HashType | None:
    """Return the kind of hash that hexadecimal digits are; None if they are not a hash.

    >>> hash_type_of("d41d8cd98f00b204e9800998ecf8427e"), hash_type_of("xyz")
    (<HashType.MD5: 'md5'>, None)
    """
    is_hex = digest.isascii() and all(digit in "0123456789abcdef" for digit in digest.lower())
    return _BY_DIGITS.get(len(digest)) if is_hex else None
