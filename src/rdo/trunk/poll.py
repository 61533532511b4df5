"""What the remotes of all packages have now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rdo.model.build import LaidOver
from rdo.model.package import Package
from rdo.tools.git import Mirror
from rdo.trunk.branches import BranchRules
from rdo.trunk.history import GitHistory, History
from rdo.trunk.mirrors import Mirrors, Polled, Reached, Unreachable, without_secret
from rdo.trunk.releases import PREFIX, Releases
from rdo.trunk.selection import Sources


@dataclass(frozen=True, slots=True)
class Followed:
    """A package and the histories that it is built from.

    `problems` say what is unreachable or gone; `sources` are then what was last seen, or None
    if that is not enough to build anything.
    """

    package: Package
    sources: Sources | None
    problems: tuple[str, ...] = ()


_Found: TypeAlias = tuple[History | None, str]


@dataclass(frozen=True, slots=True)
class Remotes:
    """All that packages are built from: git mirrors and PyPI releases, shared by all targets."""

    mirrors: Mirrors
    releases: Releases
    rules: BranchRules = field(default_factory=BranchRules)

    def poll(self, packages: Sequence[Package]) -> list[Followed]:
        """Ask each remote once, whatever the number of packages that follow it."""
        urls = {package.upstreams[0] for package in packages if not _is_on_pypi(package)}
        urls |= {package.distgit for package in packages}
        urls |= {package.source_git for package in packages if package.source_git}
        urls |= {package.overlay.distgit for package in packages if package.overlay}
        polled = self.mirrors.poll(urls)
        wanted = {
            (package.upstreams[0], package.upstream_branch)
            for package in packages
            if _is_on_pypi(package)
        }
        released = self.releases.poll(wanted) if wanted else {}
        return [_follow(package, polled, released, self.rules) for package in packages]

    def upstream(self, package: Package) -> Mirror:
        """The bare mirror that holds a package's upstream commits."""
        url = package.upstreams[0]
        places = self.releases if _is_on_pypi(package) else self.mirrors
        return Mirror(places.path(url))

    def distgit(self, package: Package) -> Mirror:
        return Mirror(self.mirrors.path(package.distgit))

    def overlay(self, package: Package, commit: str) -> LaidOver | None:
        """The files that are laid over those of the package's distgit, if any are."""
        if package.overlay is None:
            return None
        mirror = self.mirrors.path(package.overlay.distgit)
        return LaidOver(mirror, commit, package.overlay.rules)


def _is_on_pypi(package: Package) -> bool:
    return package.upstreams[0].startswith(PREFIX)


def _follow(
    package: Package,
    polled: Mapping[str, Polled],
    released: Mapping[tuple[str, str], _Found],
    rules: BranchRules,
) -> Followed:
    wished = package.upstreams[0], package.upstream_branch
    found = released.get(wished) or _upstream(package, polled[package.upstreams[0]], rules)
    upstream, upstream_problem = found
    distgit, distgit_problem = _distgit(package, polled[package.distgit], rules)
    source_git, source_git_problem = _source_git(package, polled)
    problems = upstream_problem, distgit_problem, source_git_problem
    sources = None
    if upstream and distgit and (source_git or not package.source_git):
        sources = Sources(upstream, distgit, source_git, _overlay(package, polled))
    return Followed(package, sources, tuple(filter(None, problems)))


def _source_git(package: Package, polled: Mapping[str, Polled]) -> tuple[str, str]:
    """The head of the repository whose changes are built like those of the distgit."""
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
    branch = rules.upstream(seen.refs, package.upstream_branch)
    if branch is None:
        return None, f"upstream {without_secret(seen.url)} has no {package.upstream_branch}"
    return GitHistory(seen.mirror, branch.name, branch.hash), problem


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
        # One repository for many packages: what changed elsewhere must not rebuild this one.
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
