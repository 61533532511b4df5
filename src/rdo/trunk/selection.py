"""Which commits of a package are to be built.

By the graph, never by date: from the last one that was planned to the head, by first parents.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from rdo.model.commit import Commit, package_suffix
from rdo.model.package import Package, Pin
from rdo.tools.git import GitCommit, Mirror
from rdo.trunk.history import History

# Which package of the target has these two hashes (upstream, distgit) without an extended one.
Owner: TypeAlias = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """The commits to build, oldest first, and what a person should know about the choice.

    The last one is the head: it becomes the newest of its package even if it was built before.
    """

    commits: tuple[Commit, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """A package's two histories, as the poll left them.

    A followed package may have more: the head of its source git, and the mirror of the distgit
    that the other instance builds from.
    """

    upstream: History
    distgit: History
    source_git: str = ""
    overlay: Mirror | None = None


def select(
    package: Package,
    sources: Sources,
    last: Commit | None,
    *,
    initial: int = 1,
    head_only: bool = False,
    owner: Owner = lambda _upstream, _distgit: None,
) -> Selection:
    """Choose the commits of `package` to build.

    `last` is the newest commit that was ever planned for it, whatever branch it followed then:
    a branch that was only renamed (stable to unmaintained) goes on where it was. Nothing is
    asked of git where nothing moved.
    """
    if package.pin:
        return _pinned(package, package.pin, sources, last)
    if last and _is_at_head(last, sources):
        return Selection()
    found, note = _upstream_commits(package, sources.upstream, last, initial)
    distgit = sources.distgit.newest(1)[-1]
    if found:
        wanted = found[-1:] if head_only else found
        commits = [_commit(package, sources.upstream.branch, up, distgit) for up in wanted]
    elif last and last.distgit_hash != distgit.hash:
        commits = [_with_distgit(package, last, distgit)]
    else:
        return Selection(note=note)
    return Selection(tuple(_told_apart(commit, owner) for commit in commits), note)


def _pinned(package: Package, pin: Pin, sources: Sources, last: Commit | None) -> Selection:
    """What another instance has built, with the newest spec of our own."""
    extended = "_".join(filter(None, (sources.distgit.head, sources.source_git)))
    key = package.name, pin.upstream_hash, pin.distgit_hash, extended
    if last and last.key == key:
        return Selection()
    mirror = sources.upstream.mirror
    if not mirror.has_commit(pin.upstream_hash):
        return Selection(note=f"{package.name}: its upstream has no {pin.upstream_hash[:7]}")
    if package.overlay and not (sources.overlay and sources.overlay.has_commit(pin.distgit_hash)):
        return Selection(note=f"{package.name}: the distgit there has no {pin.distgit_hash[:7]}")
    upstream, own = mirror.commit(pin.upstream_hash), sources.distgit.newest(1)[-1]
    commit = Commit(
        package=package.name,
        upstream_hash=upstream.hash,
        distgit_hash=pin.distgit_hash,
        upstream_time=upstream.time,
        distgit_time=pin.built,
        upstream_branch=sources.upstream.branch,
        extended_hash=extended,
        extended_time=own.time,
        component=package.component,
    )
    return Selection((commit,))


def _is_at_head(last: Commit, sources: Sources) -> bool:
    return (last.upstream_hash, last.distgit_hash) == (sources.upstream.head, sources.distgit.head)


def _upstream_commits(
    package: Package, upstream: History, last: Commit | None, initial: int
) -> tuple[list[GitCommit], str]:
    tagged = package.builds_tags_only
    if last is None:
        commits = upstream.newest(initial, tagged=tagged)
        return commits, "" if commits else f"{package.name}: {upstream.branch} has no tag yet"
    if last.upstream_hash == upstream.head:
        return [], ""
    after = upstream.since(last.upstream_hash, tagged=tagged)
    if after is not None:
        return after, ""
    return upstream.newest(1, tagged=tagged), (
        f"{package.name}: {last.short_hash} is not in the history of {upstream.branch}"
        f" ({_why_not(last, upstream)}); only the newest commit is built"
    )


def _why_not(last: Commit, upstream: History) -> str:
    if last.upstream_branch != upstream.branch:
        return f"it was built from {last.upstream_branch}"
    return "the branch was rewritten"


def _commit(package: Package, branch: str, upstream: GitCommit, distgit: GitCommit) -> Commit:
    return Commit(
        package=package.name,
        upstream_hash=upstream.hash,
        distgit_hash=distgit.hash,
        upstream_time=upstream.time,
        distgit_time=distgit.time,
        upstream_branch=branch,
        component=package.component,
    )


def _with_distgit(package: Package, last: Commit, distgit: GitCommit) -> Commit:
    return replace(
        last,
        distgit_hash=distgit.hash,
        distgit_time=distgit.time,
        extended_hash=None,
        component=package.component,
    )


def _told_apart(commit: Commit, owner: Owner) -> Commit:
    """Give `commit` an extended hash if its two hashes belong to another package."""
    if owner(commit.upstream_hash, commit.distgit_hash) in {None, commit.package}:
        return commit
    return replace(
        commit, extended_hash=package_suffix(commit.package), extended_time=commit.distgit_time
    )
