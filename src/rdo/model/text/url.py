"""URLs of remotes: git or PyPI, and their form for display."""

import re

_PYPI = "pypi:"


def is_on_pypi(url: str) -> bool:
    """Whether an upstream is a project's releases on PyPI (`pypi:NAME`) instead of a repository."""
    return url.startswith(_PYPI)


def pypi_name(url: str) -> str:
    """Return the name of the project on PyPI.

    >>> pypi_name("pypi:oslo.config")
    'oslo.config'
    """
    return url.removeprefix(_PYPI)


def without_secret(text: str) -> str:
    """Remove user and password from URLs; ssh users stay, because they are part of the address.

    >>> without_secret("fatal: https://token@example.test/x: not found")
    'fatal: https://example.test/x: not found'
    >>> without_secret("ssh://git:secret@example.test/x")
    'ssh://git@example.test/x'
    >>> without_secret("https://bot:p@ss@example.test/x@y")
    'https://example.test/x@y'
    """
    text = re.sub(r"((?<!\w)(?!ssh:|git\+ssh:)[\w+]+://)[^/?#\s]+@", r"\1", text)
    return re.sub(r"(\w://[^/@:\s]+):[^/?#\s]*@", r"\1@", text)
