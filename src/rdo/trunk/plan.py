"""Plan a round: choose the commits to queue from what the remotes have."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rdo.errors import in_short, is_of_the_machine
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.store import Store, Transaction
from rdo.trunk.order.revive import NOTHING, worth_another_try
from rdo.trunk.sources.branches import stands_in
from rdo.trunk.sources.poll import FollowedPackage
from rdo.trunk.sources.selection import select
from rdo.trunk.sources.upstreams import Planned

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """The builds that a round will queue, in order, and what a person should know.

    `notes` are about choices (such as for a rewritten branch), `problems` about packages that could
    not be followed: by package, what is unreachable or gone.
    """

    commits: tuple[Commit, ...]
    notes: tuple[str, ...]
    problems: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlanRules:
    """How much of a package's history is built."""

    initial_commits: int = 1
    head_only: bool = False


def make_plan(
    at: Transaction,
    target: str,
    followed: Sequence[FollowedPackage],
    rules: PlanRules,
    allow: Mapping[str, Sequence[str]] = NOTHING,
) -> RoundPlan:
    """Choose the commits to build; change nothing.

    `allow` is what RPMs may do, by package.
    """
    commits: list[Commit] = []
    notes: list[str] = []
    problems: dict[str, tuple[str, ...]] = {}
    taken: dict[tuple[str, str], str] = {}

    def owner(upstream_hash: str, distgit_hash: str) -> str | None:
        planned = taken.get((upstream_hash, distgit_hash))
        return planned or at.commits.owner(target, upstream_hash, distgit_hash)

    for one in followed:
        package = one.package
        if one.problems:
            problems[package.name] = one.problems
        if one.sources is None:
            continue
        planned = Planned.read(at, target, package, one.sources.upstreams)
        try:
            chosen = select(
                package,
                one.sources,
                planned,
                initial=rules.initial_commits,
                head_only=rules.head_only,
                owner=owner,
            )
        except Exception as error:
            if is_of_the_machine(error):
                raise
            log.warning("the commits of %s cannot be read", package.name, exc_info=error)
            problem = f"its commits cannot be read: {in_short(error)}"
            problems[package.name] = (*one.problems, problem)
            continue
        new = [c for c in chosen.commits if chosen.is_head(c) or not at.commits.is_known(target, c)]
        commits += new
        notes += chosen.notes
        notes += _stand_ins(package, new)
        for commit in new:
            if commit.extended_hash is None:
                taken[commit.upstream_hash, commit.distgit_hash] = commit.package
    packages = {one.package.name: one.package for one in followed}
    getting_builds = {commit.package for commit in commits}
    again = worth_another_try(at, target, packages, getting_builds, allow)
    return RoundPlan((*commits, *again), tuple(notes), problems)


def _stand_ins(package: Package, commits: Sequence[Commit]) -> Iterable[str]:
    """Report packages built from master although another branch is configured."""
    for name in dict.fromkeys(commit.upstream_branch for commit in commits):
        if stands_in(name, package.upstream_branch):
            yield (
                f"{package.name}: upstream has no branch {package.upstream_branch}; "
                f"{name} stands in (fallback-to-master)"
            )


def record_plan(
    store: Store,
    target: str,
    plan: RoundPlan,
    followed: Sequence[FollowedPackage],
    *,
    platform_digest: str,
    now: datetime,
    like: Collection[str] = (),
) -> None:
    """Queue the planned builds, each with its release date, and record what the poll found.

    Commits that the targets `like` have built get the release dates of those builds.
    """
    untested = {one.package.name for one in followed if one.package.skip_tests}
    with store.write() as at:
        for commit in plan.commits:
            skip_tests = commit.package in untested
            inputs = digest_of_inputs(commit, platform_digest, skip_tests=skip_tests)
            # Only the last commit of an upstream can be known already; then it is the head again.
            at.builds.plan(target, commit, now=now, inputs=inputs, as_newest=True, like=like)
        _note_heads(at, target, followed, plan.problems, now)


def digest_of_inputs(
    commit: Commit, platform_digest: str, *, bootstrap: bool = False, skip_tests: bool = False
) -> str:
    """Return a digest of everything that a build depends on besides the root."""
    parts = [*(part or "" for part in commit.key), platform_digest, str(bootstrap)]
    parts += ["without tests"] if skip_tests else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _note_heads(
    at: Transaction,
    target: str,
    followed: Iterable[FollowedPackage],
    problems: Mapping[str, tuple[str, ...]],
    now: datetime,
) -> None:
    """Write only changes, so that a round without news writes nothing."""
    before = at.heads.all(target)
    for one in followed:
        name, old = one.package.name, before.get(one.package.name)
        if found := problems.get(name, one.problems):
            error = "; ".join(found)
            if old is None or old.error != error:
                at.heads.unreachable(target, name, error, now=now)
        elif one.sources:
            upstream = " ".join(history.head for history in one.sources.upstreams)
            distgit = one.sources.distgit.head
            seen = (old.upstream_hash, old.distgit_hash, old.error) if old else None
            if seen != (upstream, distgit, ""):
                at.heads.seen(target, name, upstream_hash=upstream, distgit_hash=distgit, now=now)
