"""Poll the remotes of all packages."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rdo.errors import UserError, in_short, is_of_the_machine
from rdo.mirrors import Mirrors, Polled, Reached, Unreachable, reason_of
from rdo.model.build import LaidOver
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.text.url import is_on_pypi, without_secret
from rdo.tools.git.mirror import Mirror
from rdo.trunk.sources.branches import Branch, BranchRules
from rdo.trunk.sources.history import GitHistory, History
from rdo.trunk.sources.pypi_releases import Releases
from rdo.trunk.sources.selection import Sources

log = logging.getLogger(__name__)

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FollowedPackage:
    """A package and the histories that it is built from.

    `problems` say what is unreachable or gone; `sources` are then what was last seen, or None if
    that is not enough to build anything. If there are several upstreams, one is enough.
    """

    package: Package
    sources: Sources | None
    problems: tuple[str, ...] = ()


_Found: TypeAlias = tuple[History | None, str]


@dataclass(frozen=True, slots=True)
class Remotes:
    """The git mirrors and PyPI releases that packages are built from, shared by all targets."""

    mirrors: Mirrors
    releases: Releases
    rules: BranchRules = field(default_factory=BranchRules)

    def poll(self, packages: Sequence[Package]) -> list[FollowedPackage]:
        """Ask each remote once, whatever the number of packages that follow it."""
        urls = {url for package in packages for url in package.remotes if not is_on_pypi(url)}
        wanted = {
            (url, package.upstream_branch)
            for package in packages
            for url in package.upstreams
            if is_on_pypi(url)
        }
        polled = self.mirrors.poll(urls)
        released = self.releases.poll(wanted) if wanted else {}
        return [_contained(package, polled, released, self.rules) for package in packages]

    def upstream(self, package: Package, commit: Commit) -> Mirror:
        """Return the bare mirror that contains the source of a commit."""
        first, *others = map(self._mirror, (package.upstream_of(commit), *package.upstreams))
        having = (one for one in (first, *others) if _has(one, commit))
        return next(having, first) if len(package.upstreams) > 1 else first

    def _mirror(self, url: str) -> Mirror:
        return Mirror((self.releases if is_on_pypi(url) else self.mirrors).path(url))

    def distgit(self, package: Package) -> Mirror:
        return Mirror(self.mirrors.path(package.distgit))

    def overlay(self, package: Package, commit: str) -> LaidOver | None:
        """Return the files that replace those of the package's distgit, if there are any."""
        if package.overlay is None:
            return None
        mirror = self.mirrors.path(package.overlay.distgit)
        return LaidOver(mirror, commit, package.overlay.rules)

    def has_no_branch(self, package: Package) -> bool:
        """Whether a remote of the package lacked its branch, or its folder, at the last poll.

        Read from the mirrors; False if the remotes could not be reached or read at all.
        """
        try:
            return self._has_no_branch(package)
        except Exception as error:
            if is_of_the_machine(error):
                raise
            log.debug("the mirrors of %s", package.name, exc_info=error)
            return False

    def _has_no_branch(self, package: Package) -> bool:
        seen = (self.mirrors.last_seen(url) for url in package.upstreams)
        if any(one and _branch(one, package.upstream_branch, self.rules) is None for one in seen):
            return True
        distgit = self.mirrors.last_seen(package.distgit)
        if distgit is None:
            return False
        branch = self.rules.distgit(distgit.refs, package.distgit_branch)
        if branch is None:
            return True
        folder = package.distgit_path
        return bool(folder) and distgit.mirror.last_change(branch.hash, folder) is None


def _has(mirror: Mirror, commit: Commit) -> bool:
    return mirror.path.is_dir() and mirror.has_commit(commit.upstream_hash)


def _contained(
    package: Package,
    polled: Mapping[str, Polled],
    released: Mapping[tuple[str, str], _Found],
    rules: BranchRules,
) -> FollowedPackage:
    """Follow a package; faults of its remotes are problems of this package alone."""
    try:
        return _follow(package, polled, released, rules)
    except Exception as error:
        if is_of_the_machine(error):
            raise
        log.warning("%s cannot be followed", package.name, exc_info=_unexpected(error))
        said = reason_of(error) if isinstance(error, UserError) else in_short(error)
        return FollowedPackage(package, None, (f"cannot be followed: {said}",))


def _unexpected(error: Exception) -> Exception | None:
    return None if isinstance(error, UserError) else error


def _follow(
    package: Package,
    polled: Mapping[str, Polled],
    released: Mapping[tuple[str, str], _Found],
    rules: BranchRules,
) -> FollowedPackage:
    upstreams = [
        released.get((url, package.upstream_branch)) or _upstream(package, polled[url], rules)
        for url in package.upstreams
    ]
    histories = tuple(history for history, _ in upstreams if history)
    distgit, distgit_problem = _distgit(package, polled[package.distgit], rules)
    source_git, source_git_problem = _source_git(package, polled)
    problems = *(problem for _, problem in upstreams), distgit_problem, source_git_problem
    sources = None
    if histories and distgit and (source_git or not package.source_git):
        sources = Sources(histories, distgit, source_git, _overlay(package, polled))
    return FollowedPackage(package, sources, tuple(filter(None, problems)))


def _source_git(package: Package, polled: Mapping[str, Polled]) -> tuple[str, str]:
    """Return the head of the repository whose changes are built like those of the distgit."""
    if not package.source_git:
        return "", ""
    seen, problem = _last_state(polled[package.source_git])
    if seen is None:
        return "", problem
    branch = package.source_git_branch
    found = (seen.refs.get(f"refs/{kind}/{branch}") for kind in ("heads", "tags"))
    if head := next(filter(None, found), ""):
        return head, problem
    return "", f"source git {without_secret(seen.url)} has no branch {branch}"


def _overlay(package: Package, polled: Mapping[str, Polled]) -> Mirror | None:
    seen, _ = _last_state(polled[package.overlay.distgit]) if package.overlay else (None, "")
    return seen.mirror if seen else None


def _upstream(package: Package, polled: Polled, rules: BranchRules) -> _Found:
    seen, problem = _last_state(polled)
    if seen is None:
        return None, problem
    branch, url = _branch(seen, package.upstream_branch, rules), without_secret(seen.url)
    if branch is None:
        return None, f"upstream {url} has no {package.upstream_branch}"
    return GitHistory(seen.mirror, branch.name, branch.hash, url), problem


def _branch(seen: Reached, wished: str, rules: BranchRules) -> Branch | None:
    """Return the upstream branch or tag that is built for `wished`, or the commit of that hash."""
    if not _HASH.fullmatch(wished):
        return rules.upstream(seen.refs, wished)
    return Branch(wished, wished) if seen.mirror.has_commit(wished) else None


def _distgit(package: Package, polled: Polled, rules: BranchRules) -> _Found:
    seen, problem = _last_state(polled)
    if seen is None:
        return None, problem
    branch = rules.distgit(seen.refs, package.distgit_branch)
    place = f"distgit {without_secret(seen.url)}"
    if branch is None:
        return None, f"{place} has no branch {package.distgit_branch}"
    head: str | None = branch.hash
    if package.distgit_path:
        # One repository for many packages: changes elsewhere in it must not rebuild this one.
        head = seen.mirror.last_change(branch.hash, package.distgit_path)
    if head is None:
        return None, f"{place} has no folder {package.distgit_path} on {branch.name}"
    return GitHistory(seen.mirror, branch.name, head), problem


def _last_state(polled: Polled) -> tuple[Reached | None, str]:
    match polled:
        case Unreachable(url, reason, last):
            return last, f"{without_secret(url)} cannot be reached: {reason}"
        case Reached():
            return polled, ""
