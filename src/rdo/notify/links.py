"""URLs of the web pages of commits."""

import re

from rdo.model.text.url import is_on_pypi


def commit_url(remote: str, hash_: str) -> str:
    """Return the URL of a commit's page, if the host of its git remote is known; else "".

    >>> commit_url("https://opendev.org/openstack/nova.git", "1a2b")
    'https://opendev.org/openstack/nova/commit/1a2b'
    >>> commit_url("ssh://me:secret@github.com/org/x", "1a2b")
    'https://github.com/org/x/commit/1a2b'
    >>> commit_url("pypi:oslo.config", "1a2b")
    ''
    >>> commit_url("file:///srv/x.git", "1a2b")
    ''
    """
    found = re.fullmatch(
        r"(?:[a-z+]+://)?(?:[^@/\s]+@)?([\w.-]+)(?::\d+)?[:/]([\w./~+-]+?)/?", remote
    )
    if not found or is_on_pypi(remote) or remote.startswith(("file:", "/", ".")):
        return ""
    host, path = found[1], found[2].removesuffix(".git").lstrip("/")
    if host == "review.rdoproject.org":
        return f"https://{host}/cgit/{path.removeprefix('r/')}/commit/?id={hash_}"
    if host in {"src.fedoraproject.org", "pagure.io"}:
        return f"https://{host}/{path}/c/{hash_}"
    if host.startswith("gitlab."):
        return f"https://{host}/{path}/-/commit/{hash_}"
    if host in {"github.com", "opendev.org", "codeberg.org"}:
        return f"https://{host}/{path}/commit/{hash_}"
    if host.startswith(("cgit.", "git.")):
        return f"https://{host}/{path}/commit/?id={hash_}"
    return ""
