"""Find out whether two URLs mean the same repository, as its pages, git and ssh write them."""

import re
from urllib.parse import urlsplit

_SCP = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)")


def place_of(url: str) -> str:
    """Return host and path of a repository, the same for all ways to write its URL.

    >>> place_of("git@GitHub.com:openstack/nova.git"), place_of("https://github.com/openstack/nova/")
    ('github.com/openstack/nova', 'github.com/openstack/nova')
    >>> place_of("ssh://git@example.test:29418/a/b"), place_of("file:///srv/git/b.git")
    ('example.test/a/b', '/srv/git/b')
    """
    if "://" not in url and (found := _SCP.fullmatch(url)):
        host, path = found.groups()
    else:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return url
    path = path.strip("/").removesuffix(".git").rstrip("/")
    return f"{host.lower()}/{path}"
