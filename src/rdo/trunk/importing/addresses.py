"""URLs of other instances' repositories: which are allowed, and where their trees begin."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from rdo.errors import ConfigError, RefusedError
from rdo.model.text.url import without_secret

_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~+-]+)*/?")
_HASH_DIRECTORY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{40}[0-9a-f_]*")


def check_address(url: str, allowed: Sequence[str]) -> str:
    """Return the URL of a repository without its last slash.

    Raises ConfigError for an invalid URL, RefusedError for one that is not below an allowed URL.

    >>> check_address("https://a.example/x/y/", ["https://a.example/x"])
    'https://a.example/x/y'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    is_plain = _PLAIN_PATH.fullmatch(parts.path) and not {".", ".."} & set(parts.path.split("/"))
    if parts.scheme not in {"http", "https"} or not is_plain or parts.query or parts.fragment:
        raise ConfigError(
            f"{without_secret(url)[:300]!r} is not the address of a repository",
            hint="use http or https, and no query",
        )
    known = [(one.scheme, one.netloc, one.path.rstrip("/")) for one in map(urlsplit, allowed)]
    path = parts.path.rstrip("/")
    for scheme, server, top in known:
        if (scheme, server) == (parts.scheme, parts.netloc) and f"{path}/".startswith(f"{top}/"):
            return f"{scheme}://{server}{path}"
    raise RefusedError(
        f"nothing is imported from {without_secret(url)[:300]}",
        hint="import-from of the target in rdo.toml names the addresses that are allowed",
    )


def top_of(address: str) -> str:
    """Return the URL at which the tree of a repository, or its component's part of it, begins.

    >>> top_of("https://a.example/repos/consistent")
    'https://a.example/repos'
    >>> top_of("https://a.example/repos/component/x/ab/cd/" + 40 * "e" + "_12345678")
    'https://a.example/repos/component/x'
    """
    parts = address.split("/")  # scheme, nothing, server, path
    if len(parts) > 5 and _HASH_DIRECTORY.fullmatch("/".join(parts[-3:])):
        return "/".join(parts[:-3])
    if "composed" in parts[3:-1]:
        return "/".join(parts[: parts.index("composed", 3)])
    return "/".join(parts[:-1]) if len(parts) > 3 else address
