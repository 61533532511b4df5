"""Choose the commits of a package to build.

By the graph, never by date: from the last planned commit to the head, by first parents.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from rdo.model.commit import Commit, package_suffix
from rdo.model.package import Package, Pin
from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.trunk.sources.history import History
from rdo.trunk.sources.upstreams import Planned

# Which package of the target has these two hashes (upstream, distgit) without an extended one.
Owner: TypeAlias = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class CommitSelection:
    """The commits to build, oldest first, and what a person should know about the choice.

    The last one of each upstream is its head, which becomes the newest even if it was built before.
    """

    commits: tuple[Commit, ...] = ()
    notes: tuple[str, ...] = ()

    def is_head(self, commit: Commit) -> bool:
        of_same = (one for one in reversed(self.commits) if one.upstream == commit.upstream)
        return next(of_same, None) == commit


@dataclass(frozen=True, slots=True)
class Sources:
    """A package's histories, as polled: of its upstreams and of its distgit.

    A followed package may have more: the head of its source git, and the mirror of the distgit that
    the other instance builds from.
    """

    upstreams: tuple[History, ...]
    distgit: History
    source_git: str = ""
    overlay: Mirror | None = None


def select(
    package: Package,
    sources: Sources,
    planned: Planned,
    *,
    initial: int = 1,
    head_only: bool = False,
    owner: Owner = lambda _upstream, _distgit: None,
) -> CommitSelection:
    """Choose the commits of `package` to build, one upstream after the other.

    A branch that was only renamed (stable to unmaintained) continues where it was. git is not
    called if nothing has moved.
    """
    last = planned.newest
    if package.pin:
        return _pinned(package, package.pin, sources, last)
    if last and _is_at_head(last, planned, sources):
        return CommitSelection()
    distgit = sources.distgit.newest(1)[-1]
    commits: dict[str, Commit] = {}
    notes = []
    for upstream in sources.upstreams:
        found, note = _upstream_commits(
            package, upstream, planned.of_each.get(upstream.url), initial
        )
        notes += [note] if note else []
        for one in found[-1:] if head_only else found:
            commits.setdefault(one.hash, _commit(package, upstream, one, distgit))
    if not commits and last and last.distgit_hash != distgit.hash:
        commits = {last.upstream_hash: _with_distgit(package, last, distgit)}
    distinct = (_with_extended_hash(commit, owner) for commit in commits.values())
    return CommitSelection(tuple(distinct), tuple(notes))


def _pinned(package: Package, pin: Pin, sources: Sources, last: Commit | None) -> CommitSelection:
    """Return what another instance has built, with the newest spec of our own."""
    extended = "_".join(filter(None, (sources.distgit.head, sources.source_git)))
    key = package.name, pin.upstream_hash, pin.distgit_hash, extended
    if last and last.key == key:
        return CommitSelection()
    having = (one for one in sources.upstreams if one.mirror.has_commit(pin.upstream_hash))
    source = next(having, None)
    if source is None:
        note = f"{package.name}: its upstream has no {pin.upstream_hash[:7]}"
        return CommitSelection(notes=(note,))
    if package.overlay and not (sources.overlay and sources.overlay.has_commit(pin.distgit_hash)):
        note = f"{package.name}: the distgit there has no {pin.distgit_hash[:7]}"
        return CommitSelection(notes=(note,))
    upstream, own = source.mirror.commit(pin.upstream_hash), sources.distgit.newest(1)[-1]
    commit = Commit(
        package=package.name,
        upstream_hash=upstream.hash,
        distgit_hash=pin.distgit_hash,
        upstream_time=upstream.time,
        distgit_time=pin.built,
        upstream_branch=source.branch,
        extended_hash=extended,
        extended_time=own.time,
        component=package.component,
        upstream=source.url,
    )
    return CommitSelection((commit,))


def _is_at_head(last: Commit, planned: Planned, sources: Sources) -> bool:
    lasts = ((planned.of_each.get(one.url), one.head) for one in sources.upstreams)
    is_new = any(commit is None or commit.upstream_hash != head for commit, head in lasts)
    return last.distgit_hash == sources.distgit.head and not is_new


def _upstream_commits(
    package: Package, upstream: History, last: Commit | None, initial: int
) -> tuple[list[GitCommit], str]:
    tagged = package.builds_tags_only
    place = upstream.branch
    place += f" of {upstream.url}" if len(package.upstreams) > 1 else ""
    if last is None:
        commits = upstream.newest(initial, tagged=tagged)
        return commits, "" if commits else f"{package.name}: {place} has no tag yet"
    if last.upstream_hash == upstream.head:
        return [], ""
    after = upstream.since(last.upstream_hash, tagged=tagged)
    if after is not None:
        return after, ""
    return upstream.newest(1, tagged=tagged), (
        f"{package.name}: {last.short_hash} is not in the history of {place}"
        f" ({_why_not(last, upstream)}); only the newest commit is built"
    )


def _why_not(last: Commit, upstream: History) -> str:
    if last.upstream_branch != upstream.branch:
        return f"it was built from {last.upstream_branch}"
    if last.upstream not in ("", upstream.url):
        return f"it was built from {last.upstream}"
    return "the branch was rewritten"


def _commit(package: Package, upstream: History, found: GitCommit, distgit: GitCommit) -> Commit:
    return Commit(
        package=package.name,
        upstream_hash=found.hash,
        distgit_hash=distgit.hash,
        upstream_time=found.time,
        distgit_time=distgit.time,
        upstream_branch=upstream.branch,
        component=package.component,
        upstream=upstream.url,
    )


def _with_distgit(package: Package, last: Commit, distgit: GitCommit) -> Commit:
    return replace(
        last,
        distgit_hash=distgit.hash,
        distgit_time=distgit.time,
        extended_hash=None,
        component=package.component,
    )


def _with_extended_hash(commit: Commit, owner: Owner) -> Commit:
    """Give `commit` an extended hash if its two hashes belong to another package."""
    if owner(commit.upstream_hash, commit.distgit_hash) in {None, commit.package}:
        return commit
    return replace(
        commit, extended_hash=package_suffix(commit.package), extended_time=commit.distgit_time
    )
