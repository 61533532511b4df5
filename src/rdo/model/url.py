"""URLs of remotes, as people may see them."""

import re


def without_secret(text: str) -> str:
    """Leave out user and password of URLs; a user of ssh is part of the address and stays.

    >>> without_secret("fatal: https://token@example.test/x: not found")
    'fatal: https://example.test/x: not found'
    >>> without_secret("ssh://git:secret@example.test/x")
    'ssh://git@example.test/x'
    """
    text = re.sub(r"((?<!\w)(?!ssh:|git\+ssh:)[\w+]+://)[^/@\s]+@", r"\1", text)
    return re.sub(r"(\w://[^/@:\s]+):[^/@\s]*@", r"\1@", text)
