"""The submodules of a source, each at the commit that the source records for it.

Strangers wrote their URLs. A URL must not lead anywhere that the upstream's own URL could not: to a
file or server that only this machine can reach, with its own rights.
"""

import logging
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rdo.errors import NotFoundError, OutsideError, RefusedError, UserError
from rdo.lock import hold
from rdo.mirrors import Mirrors, Reached, reason_of
from rdo.model.text.url import without_secret
from rdo.tools.git.mirror import Mirror, check_url

log = logging.getLogger(__name__)

MOST = 50
_DEEPEST = 5
_SERVER = re.compile(r"\w+://[^/]*/|[^/:]+:")


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule: its folder in the source, its commit, and the mirror that has the commit."""

    path: str
    commit: str
    mirror: Path


def fetch_submodules(mirror: Mirror, commit: str) -> list[Submodule]:
    """Return the submodules of a commit, nested ones too, outer ones first; fetch what is missing.

    Raises RefusedError for a URL that may not be used, NotFoundError for a commit that the
    submodule's repository does not have, and OutsideError if it cannot be reached.
    """
    mirrors = Mirrors(mirror.path.parent)
    found: list[Submodule] = []
    waiting = [("", mirror, mirror.origin, commit, 0)]
    while waiting:
        folder, source, base, at, depth = waiting.pop(0)
        links = source.gitlinks(at)
        urls = source.submodule_urls(at) if links else {}
        for path, wanted in links.items():
            name = posixpath.join(folder, path)
            if depth >= _DEEPEST or len(found) >= MOST:
                raise RefusedError(f"submodule {name}: there are too many submodules")
            if path not in urls:
                raise NotFoundError(f"submodule {name}: .gitmodules has no URL for it")
            url = allowed_url(urls[path], base, name)
            kept = _fetch(mirrors, url, wanted, name)
            found.append(Submodule(name, wanted, kept.path))
            waiting.append((name, kept, url, wanted, depth + 1))
    return found


def allowed_url(written: str, base: str, name: str) -> str:
    """Return the URL of the submodule `name` of a source at `base`, or raise RefusedError.

    Relative URLs start at the source's own URL. A source on a server may name only servers, by the
    same protocols, and ssh only on its own server; a source in a folder of this machine may also
    name neighbouring folders.

    >>> allowed_url("../lib.git", "https://example.test/a/b.git", "lib")
    'https://example.test/a/lib.git'
    """
    url = _joined(base, written, name) if written.startswith(("./", "../")) else written
    try:
        check_url(url)
    except RefusedError as error:
        raise RefusedError(f"submodule {name}: {error}") from error
    scheme, host = _place(url)
    own_scheme, own_host = _place(base)
    if scheme in {"https", "http", "git"}:
        is_good = scheme == "https" or own_scheme in {"file", "ssh", scheme}
    elif scheme == "ssh":
        is_good = (own_scheme, own_host) == ("ssh", host)
    else:
        is_good = own_scheme == "file" and _are_neighbours(url, base)
    if not is_good:
        shown = without_secret(url)
        raise RefusedError(f"submodule {name}: {shown} may not be used by {without_secret(base)}")
    return without_secret(url)


def _joined(base: str, relative: str, name: str) -> str:
    """Resolve a relative URL as git does: each `../` removes the last folder of the base.

    >>> _joined("git@example.test:a/b.git", "../../lib", "lib")
    'git@example.test:lib'
    """
    written = relative
    server = _SERVER.match(base)
    start = server[0] if server else ""
    folders = base.removeprefix(start).rstrip("/").split("/")
    while relative.startswith(("./", "../")):
        step, _, relative = relative.partition("/")
        if step == ".." and not any(folders):
            raise RefusedError(f"submodule {name}: {written} is above {without_secret(base)}")
        folders = folders[:-1] if step == ".." else folders
    return start + "/".join([*folders, relative])


def _place(url: str) -> tuple[str, str]:
    """Return the protocol and the server; `git@host:path` is ssh, and a plain path is a file."""
    if "://" in url:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or ""
    if not url:  # a mirror of our own, such as one of releases
        return "", ""
    host, colon, _ = url.partition(":")
    return ("ssh", host.rpartition("@")[2]) if colon and "/" not in host else ("file", "")


def _are_neighbours(url: str, base: str) -> bool:
    """Whether two repositories of this machine are in the same folder, with links resolved."""
    here, there = (Path(one.removeprefix("file://")).resolve() for one in (base, url))
    return there.is_relative_to(here.parent) and there != here.parent


def _fetch(mirrors: Mirrors, url: str, commit: str, name: str) -> Mirror:
    """Return the mirror of a URL, with the commit in it."""
    mirror = Mirror(mirrors.path(url))
    if mirror.path.is_dir() and mirror.has_commit(commit):
        return mirror
    log.info("submodule %s: fetching %s", name, without_secret(url))
    polled = mirrors.poll([url])[url]
    if not isinstance(polled, Reached):
        raise OutsideError(f"submodule {name}: {url} cannot be reached: {polled.reason}")
    if not mirror.has_commit(commit):  # it is on no branch any more, but many servers still send it
        try:
            with hold(mirrors.lock_path(url), purpose=f"fetching {url}", wait=True):
                mirror.fetch_ref(url, commit)
        except UserError as error:
            log.debug("submodule %s: %s", name, reason_of(error))
    if not mirror.has_commit(commit):
        raise NotFoundError(f"submodule {name}: {url} has no commit {commit}")
    return mirror
