"""The remotes of a distgit's clone: `clone` adds those in the metadata, `remotes` fixes them."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rdo.distgit.verb.desk import Desk
from rdo.errors import RefusedError
from rdo.tools.git.clone import Clone, clone

log = logging.getLogger(__name__)

_FETCHED = ("patches", "upstream")
_REVIEWED = ("review-patches", "review-origin")
_GERRIT = ("gerrit-origin", "gerrit-patches")


class RemoteState(StrEnum):
    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"
    DOUBLED = "doubled"
    UNKNOWN = "not in the metadata"


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote with its actual and its expected URL; a URL is empty if there is none."""

    name: str
    state: RemoteState
    url: str
    expected: str


@dataclass(frozen=True, slots=True)
class CloneOptions:
    """The options of `clone` besides the package."""

    use_master: bool = False
    has_gerrit: bool = False
    review_user: str = ""
    extra: str = ""


def expected(package: Mapping[str, Any], user: str = "") -> dict[str, str]:
    """Return the remotes, besides origin, that a package should have, with their URLs."""
    found = {name: package[name] for name in _FETCHED if package.get(name)}
    for name in _REVIEWED:
        if package.get(name):
            found[name] = with_user(package[name], user or gerrit_user())
    return found


def gerrit_user() -> str:
    """Return the default user name for a Gerrit."""
    return os.environ.get("USERNAME") or os.environ.get("USER") or ""


def with_user(url: str, user: str) -> str:
    """Put a user's name into an ssh URL.

    >>> with_user("ssh://review.example.test:29418/x", "me")
    'ssh://me@review.example.test:29418/x'
    """
    if not user or not url.startswith("ssh://"):
        return url
    return re.sub(r"^ssh://(?:[^@/]*@)?", f"ssh://{user}@", url)


def compare(has: Mapping[str, str], package: Mapping[str, Any]) -> list[Remote]:
    """Compare the existing remotes with the expected ones."""
    wanted = expected(package)
    rows = []
    for name in sorted({*has, *wanted} - {"origin"}):
        url, should = has.get(name, ""), wanted.get(name, "")
        if not should:
            twin = next((x for x in has if x != name and has[x] == url), "")
            state = RemoteState.DOUBLED if twin else RemoteState.UNKNOWN
        elif not url:
            state = RemoteState.MISSING
        else:
            state = RemoteState.OK if _is_same(url, should) else RemoteState.DIFFERENT
        rows.append(Remote(name, state, url, should))
    return rows


def _is_same(one: str, other: str) -> bool:
    return with_user(one, "x").removesuffix("/") == with_user(other, "x").removesuffix("/")


def fix(desk: Desk, package: Mapping[str, Any]) -> list[Remote]:
    """Add missing remotes and correct different URLs; leave unknown remotes alone."""
    fixed = []
    for remote in compare(desk.clone.remotes(), package):
        if remote.state is RemoteState.MISSING:
            desk.clone.add_remote(remote.name, remote.expected)
        elif remote.state is RemoteState.DIFFERENT:
            desk.clone.set_remote_url(remote.name, remote.expected)
        else:
            continue
        fixed.append(remote)
        if remote.name in _FETCHED and not desk.clone.is_dry:
            desk.clone.fetch(remote.name)
    return fixed


@dataclass(frozen=True, slots=True)
class Cloned:
    """A new clone of a distgit; `missing` are usual remotes that the metadata does not have."""

    folder: Path
    dry_run: bool
    remotes: Mapping[str, str]
    missing: Sequence[str]


def planned(package: Mapping[str, Any], options: CloneOptions) -> dict[str, str]:
    """Return the remotes that a clone of a package gets, origin first, with their URLs.

    Raises RefusedError if the metadata lacks the distgit, or the extra remote that was requested.
    """
    url = _url(package, "master-distgit" if options.use_master else "distgit")
    remotes = {"origin": url, **expected(package, options.review_user)}
    if options.has_gerrit:
        remotes["gerrit-origin"] = url
        if "patches" in remotes:
            remotes["gerrit-patches"] = remotes["patches"]
    if options.extra:
        remotes[options.extra] = _url(package, options.extra)
    return remotes


def _url(package: Mapping[str, Any], key: str) -> str:
    url = package.get(key)
    if not url or not isinstance(url, str):
        name = package.get("name")
        raise RefusedError(f"Invalid usage: {key!r} is missing in distroinfo for package: {name}")
    return url


def missing(remotes: Mapping[str, str]) -> list[str]:
    """Return the usual remotes that are not among these."""
    return [name for name in (*_FETCHED, *_REVIEWED) if name not in remotes]


def clone_package(remotes: Mapping[str, str], folder: Path) -> Clone:
    """Clone a distgit and add all its remotes; nothing is fetched from Gerrit."""
    made = clone(remotes["origin"], folder)
    rest = {name: url for name, url in remotes.items() if name != "origin"}
    for name, url in rest.items():
        log.info("Adding %s remote...", name)
        made.add_remote(name, url)
    for name in rest:
        if name not in {*_REVIEWED, *_GERRIT}:
            made.fetch(name, "--tags")
    return made


def is_git_url(text: str) -> bool:
    """Whether a text is a git URL or path, rather than the name of a package.

    >>> [is_git_url(x) for x in ("https://example.test/x", "example.test:x", "nova", "x.git")]
    [True, True, False, True]
    """
    return re.search(r"[/:]|^\.|\.git$", text) is not None


def folder_of(url: str) -> str:
    """Return the folder that git would choose for a URL; raises RefusedError if it has none.

    >>> folder_of("https://example.test/rdo/nova-distgit.git/")
    'nova-distgit'
    """
    name = re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-1]
    if not name or name in {".", ".."}:
        raise RefusedError(f"{url} does not name a folder to clone into")
    return name
