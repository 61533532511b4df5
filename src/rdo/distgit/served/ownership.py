"""The owners of a distgit: the packages that have it, their maintainers and their branches."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rdo.distgit.served.folder import check_name
from rdo.errors import RefusedError
from rdo.forges.addresses import place_of
from rdo.metadata import Distribution, Release

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ServedDistgit:
    """A distgit that is served here according to the metadata.

    `branches` are those that releases are built from, newest release first, each with its
    maintainers' addresses in lower case.
    """

    name: str
    packages: set[str] = field(default_factory=set)
    branches: dict[str, set[str]] = field(default_factory=dict)

    @property
    def maintainers(self) -> set[str]:
        """The maintainers of any branch."""
        return set().union(*self.branches.values())


def served_distgits(distribution: Distribution, urls: Sequence[str]) -> dict[str, ServedDistgit]:
    """Return the distgits whose URLs are below one of `urls`, by name."""
    found: dict[str, ServedDistgit] = {}
    for release in distribution.releases:
        for entry in distribution.entries(release.name):
            name = _name(entry, urls) if release.name in (entry.get("tags") or ()) else ""
            if not name:
                continue
            one = found.setdefault(name, ServedDistgit(name))
            one.packages.add(str(entry["name"]))
            for branch in _branches(entry, release):
                one.branches.setdefault(branch, set()).update(_addresses(entry))
    return found


def below(url: str, urls: Sequence[str]) -> str:
    """Return the path of a repository below one of these URLs; empty if it is below none.

    >>> below("ssh://git@example.test:29418/d/rpms/foo.git", ["https://example.test/d/"])
    'rpms/foo'
    """
    place = place_of(url)
    for one in urls:
        start = f"{place_of(one).rstrip('/')}/"
        if place.startswith(start):
            return place.removeprefix(start)
    return ""


def _name(entry: Mapping[str, Any], urls: Sequence[str]) -> str:
    url = entry.get("master-distgit") or entry.get("distgit")
    name = below(url, urls) if isinstance(url, str) else ""
    try:
        return check_name(name) if name else ""
    except RefusedError as error:
        log.warning("%s: its distgit is not served: %s", entry["name"], error)
        return ""


def _branches(entry: Mapping[str, Any], release: Release) -> Iterator[str]:
    own = entry.get("distro-branch")
    if isinstance(own, str) and own:
        yield own
        return
    yield from dict.fromkeys(
        filter(None, (release.branch, *(repo.branch for repo in release.repos)))
    )


def _addresses(entry: Mapping[str, Any]) -> Iterator[str]:
    listed = entry.get("maintainers")
    for one in listed if isinstance(listed, list | tuple) else ():
        if isinstance(one, str) and "@" in one:
            yield one.lower()
