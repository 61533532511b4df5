"""URLs of remotes, as people may see them."""

import re


def without_secret(text: str) -> str:
    """Leave out user and password of URLs.

    >>> without_secret("fatal: https://me:secret@example.test/x: not found")
    'fatal: https://example.test/x: not found'
    """
    return re.sub(r"(\w://)[^/@\s]+@", r"\1", text)
