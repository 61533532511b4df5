"""Tell addresses from folders."""

import re


def is_address(source: str) -> bool:
    """Whether a source is a URL or an scp-like address rather than a folder.

    >>> [is_address(x) for x in ("https://h/x.git", "git@h:x.git", "../info", "/srv/a:b")]
    [True, True, False, False]
    """
    return re.match(r"[a-z][a-z0-9+.-]*://|[^/:]+:(?!//)", source) is not None
