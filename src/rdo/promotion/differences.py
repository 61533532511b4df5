"""The differences between two compositions: packages, and the commits that lead to the second.

Commits are read from the mirrors that the packages were built from. What a mirror does not know
(another instance's builds, releases on PyPI) is left out.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from rdo.app.targets import OpenTarget
from rdo.errors import UserError
from rdo.mirrors import Mirrors
from rdo.model.nevra import Nevra
from rdo.model.text.ids import bugs_in
from rdo.model.text.url import is_on_pypi, without_secret
from rdo.notify.links import commit_url
from rdo.promotion.compositions import Composition
from rdo.publish.backwards import compare_evr
from rdo.publish.good import GoodBuild
from rdo.tools.git.mirror import GitCommit, Mirror

log = logging.getLogger(__name__)

MOST_COMMITS = 20
_CHANGE_ID = re.compile(r"^Change-Id: (I[0-9a-f]{40})$", re.MULTILINE)


class DifferenceKind(StrEnum):
    """How a package's second build compares with its first; `rebuilt` has the same EVR."""

    ADDED = "added"
    REMOVED = "removed"
    UP = "up"
    DOWN = "down"
    REBUILT = "rebuilt"


@dataclass(frozen=True, slots=True)
class ListedCommit:
    """A git commit for people: `bugs` and `changes` are the ids that its message names."""

    hash: str
    subject: str
    author: str
    time: datetime
    url: str
    bugs: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommitsBetween:
    """The number of commits in a range, and the newest of them."""

    count: int = 0
    newest: tuple[ListedCommit, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageDifference:
    """One package that differs; `before` and `after` are NVRs, empty where it is missing.

    `upstream` and `distgit` are the commits that the second has and the first lacks, `lost` are
    upstream's commits that only the first has, after a step back or a force-push.
    """

    package: str
    kind: DifferenceKind
    before: str
    after: str
    upstream: CommitsBetween = CommitsBetween()
    lost: CommitsBetween = CommitsBetween()
    distgit: CommitsBetween = CommitsBetween()


def differences(
    opened: OpenTarget,
    mirrors: Path,
    before: Composition,
    after: Composition,
    *,
    most_commits: int = MOST_COMMITS,
) -> tuple[PackageDifference, ...]:
    """Return the packages that differ, by name, with at most `most_commits` commits each.

    `mirrors` is the folder of the git mirrors.
    """
    names = sorted({*before.builds, *after.builds})
    reader = _Reader(opened, Mirrors(mirrors), most_commits)
    rows = ((name, before.builds.get(name), after.builds.get(name)) for name in names)
    return tuple(
        reader.difference(name, old, new)
        for name, old, new in rows
        if old is None or new is None or old.id != new.id
    )


def kind_of(old: GoodBuild | None, new: GoodBuild | None) -> DifferenceKind:
    """Return how a package's second build compares with its first, by rpm's order."""
    if old is None:
        return DifferenceKind.ADDED
    if new is None:
        return DifferenceKind.REMOVED
    one, other = _label(old), _label(new)
    compared = compare_evr(one, other) if one and other else 0
    if compared == 0:
        return DifferenceKind.REBUILT
    return DifferenceKind.UP if compared < 0 else DifferenceKind.DOWN


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the commits between two builds of a package."""

    opened: OpenTarget
    mirrors: Mirrors
    most: int

    def difference(
        self, name: str, old: GoodBuild | None, new: GoodBuild | None
    ) -> PackageDifference:
        """Return how two builds of a package differ."""
        nvrs = old.nvr if old else "", new.nvr if new else ""
        kind, package = kind_of(old, new), self.opened.packages.get(name)
        if old is None or new is None or package is None:
            return PackageDifference(name, kind, *nvrs)
        upstream, was = package.upstream_of(new.commit), package.upstream_of(old.commit)
        gained, lost = CommitsBetween(), CommitsBetween()
        if upstream == was:
            hashes = old.commit.upstream_hash, new.commit.upstream_hash
            gained = self._between(upstream, *hashes)
            lost = self._between(upstream, *reversed(hashes))
        specs = package.spec_hash(old.commit), package.spec_hash(new.commit)
        distgit = self._between(package.distgit, *specs, folder=package.distgit_path)
        return PackageDifference(name, kind, *nvrs, gained, lost, distgit)

    def _between(self, remote: str, base: str, head: str, *, folder: str = "") -> CommitsBetween:
        if base == head or not remote or is_on_pypi(remote):
            return CommitsBetween()
        mirror = Mirror(self.mirrors.path(remote))
        try:
            count, commits = mirror.changes(base, head, folder=folder, limit=self.most)
            newest = tuple(self._listed(mirror, remote, commits)) if count else ()
        except UserError as error:  # the mirror is gone, or does not have a commit
            log.debug("%s", error)
            return CommitsBetween()
        return CommitsBetween(count, newest)

    @staticmethod
    def _listed(mirror: Mirror, remote: str, commits: list[GitCommit]) -> Iterator[ListedCommit]:
        messages = mirror.messages(commit.hash for commit in commits)
        for commit in commits:
            message = messages.get(commit.hash, "")
            bugs, changes = bugs_in(message), tuple(dict.fromkeys(_CHANGE_ID.findall(message)))
            url = commit_url(without_secret(remote), commit.hash)
            yield ListedCommit(
                commit.hash, commit.subject, commit.author, commit.time, url, bugs, changes
            )


def _label(build: GoodBuild) -> tuple[str, str, str] | None:
    """Return epoch, version and release of a build's source RPM; its RPMs have the same epoch."""
    found: Nevra | None = next(
        (stored.artifact.nevra for stored in build.artifacts if stored.artifact.is_source), None
    )
    return (str(found.epoch), found.version, found.release) if found else None
