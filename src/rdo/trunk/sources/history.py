"""The history that a package follows on its upstream or distgit side: commits up to a head."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from rdo.tools.git.mirror import GitCommit, Mirror


class History(Protocol):
    """The commits of one branch, in the order in which they are built."""

    @property
    def url(self) -> str:
        """The URL of its remote, without user and password."""

    @property
    def mirror(self) -> Mirror: ...

    @property
    def branch(self) -> str:
        """The branch, tag or version specifier of this history."""

    @property
    def head(self) -> str:
        """The hash of the newest commit; known without asking git."""

    def newest(self, count: int, *, tagged: bool = False) -> list[GitCommit]:
        """Return the last `count` commits (with `tagged`, only tagged ones), oldest first."""

    def since(self, base: str, *, tagged: bool = False) -> list[GitCommit] | None:
        """Return the commits after `base` (with `tagged`, only tagged ones), oldest first.

        None if `base` is not part of the history, because the history was rewritten.
        """


@dataclass(frozen=True, slots=True)
class GitHistory:
    """A git branch, by its first parents; with `path`, only commits that touch that folder."""

    mirror: Mirror
    branch: str
    head: str
    url: str = ""

    def newest(self, count: int, *, tagged: bool = False) -> list[GitCommit]:
        if not tagged:
            return self.mirror.newest(self.head, count)
        return self._tagged(self.mirror.newest(self.head))[-count:]

    def since(self, base: str, *, tagged: bool = False) -> list[GitCommit] | None:
        if not self.mirror.is_ancestor(base, self.head):
            return None
        commits = self.mirror.commits_since(base, self.head)
        return self._tagged(commits) if tagged else commits

    def _tagged(self, commits: list[GitCommit]) -> list[GitCommit]:
        tagged = self.mirror.tagged_commits()
        return [commit for commit in commits if commit.hash in tagged]


@dataclass(frozen=True, slots=True)
class ReleaseHistory:
    """The releases of a project on PyPI, lowest version first; every one counts as tagged.

    Their commits have no parents. So the hash of a release never depends on which others we know,
    and a late fix of an older series rewrites nothing. A release that was yanked after we fetched
    it keeps its place in the order, and is not chosen.
    """

    mirror: Mirror
    branch: str
    releases: tuple[GitCommit, ...]
    yanked: frozenset[str] = frozenset()
    url: str = ""

    @property
    def head(self) -> str:
        return self.newest(1)[-1].hash

    def newest(self, count: int, *, tagged: bool = False) -> list[GitCommit]:
        del tagged
        return self._chosen(self.releases)[-count:]

    def since(self, base: str, *, tagged: bool = False) -> list[GitCommit] | None:
        del tagged
        hashes = [release.hash for release in self.releases]
        if base not in hashes:
            return None
        return self._chosen(self.releases[hashes.index(base) + 1 :])

    def _chosen(self, releases: Iterable[GitCommit]) -> list[GitCommit]:
        return [release for release in releases if release.hash not in self.yanked]
