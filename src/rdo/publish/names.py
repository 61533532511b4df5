"""The names of a tree: the repository that each should point to, and their links."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from rdo.dlrn.formats import aggregate_hash, aggregate_repo
from rdo.dlrn.layout import component_directory
from rdo.errors import RefusedError
from rdo.model.vote import JobVerdict
from rdo.publish import pool
from rdo.publish.change import Aggregate, Link
from rdo.publish.consistent import Blocker, blockers, good_builds, set_digest
from rdo.publish.contents import COMPOSED
from rdo.publish.site import Members, Site
from rdo.store import Transaction
from rdo.store.given.repositories import Repository
from rdo.store.given.votes import CONSISTENT_JOB, Ballot

CURRENT, CONSISTENT = "current", "consistent"
_PROMOTION = re.compile(r"[a-z0-9-]+")
_SHARD = re.compile(r"[0-9a-f]{2}")
_TAKEN = frozenset(
    {CURRENT, CONSISTENT, COMPOSED, pool.NAME, "component", "deps", "build-deps", "packages"}
)


PREVIOUS = "previous-"
"""The prefix of the name for the repository that a promotion name pointed to before."""


def check_promotion_name(name: str) -> None:
    """Raise RefusedError for a name that is invalid or has another meaning in the tree."""
    if not _PROMOTION.fullmatch(name) or name in _TAKEN or _SHARD.fullmatch(name):
        raise RefusedError(
            f"{name!r} cannot be a promotion name: use lower case letters, digits and dashes, "
            "and none of the tree's own names"
        )


@dataclass(frozen=True, slots=True)
class ConsistentVerdict:
    """The repository that `consistent` should point to.

    `repository` is None while something blocks it, and also if no repository holds exactly the
    members' newest builds, whose digest is then `wanted`.
    """

    repository: Repository | None = None
    blocked: tuple[Blocker, ...] = ()
    wanted: str = ""


def judge(
    at: Transaction, site: Site, component: str | None, members: Members
) -> ConsistentVerdict:
    """Compute `consistent` of one component from the state of its members."""
    shared = members.of(site, component)
    states = at.packages.pointers(site.target)
    is_first = at.names.repository(site.target, component, CONSISTENT) is None
    if blocked := blockers(shared, members.held, states, is_first=is_first):
        excluded = at.builds.excluded(site.target, {one.package for one in blocked})
        blocked = tuple(one for one in blocked if one.package not in excluded)
    if blocked:
        return ConsistentVerdict(blocked=blocked)
    builds = good_builds(shared, states)
    if not builds:
        return ConsistentVerdict()
    digest = set_digest(builds)
    repository = at.repositories.newest_of(site.target, component, digest)
    if repository and at.repositories.at_path(site.target, repository.path) != repository:
        repository = None  # a recheck has replaced it
    return ConsistentVerdict(repository, wanted=digest)


def move(
    at: Transaction,
    site: Site,
    moves: Iterable[tuple[str, Repository]],
    *,
    now: datetime,
    by: str,
    why: str,
    repo_file: Callable[[str], str | None],
) -> tuple[tuple[Link, ...], tuple[Aggregate, ...]]:
    """Record where names point from now on; return the links and aggregates to write.

    If a name moves in several components, its aggregate is written once, after all of them.
    `repo_file` returns the .repo file of the repository at a path, None if that is damaged. The
    build whose repository becomes consistent gets DLRN's vote for that.
    """
    links, aggregates = [], []
    last: dict[str, int] = {}
    for name, repository in moves:
        component = repository.component
        last[name] = at.names.move(
            site.target, component, name, repository, now=now, by=by, why=why
        )
        links.append(Link(str(component_directory(component) / name), repository.path))
        if name == CONSISTENT and repository.build_id is not None:
            _vote_consistent(at, site.target, repository.build_id, component, now)
    if site.components:
        for name, move_id in last.items():
            parts = at.names.components(site.target, name)
            places = tuple(part.path for key, part in parts.items() if key)
            aggregates.append(Aggregate(name, places))
            texts = [text for text in map(repo_file, places) if text is not None]
            at.names.note_aggregate(move_id, aggregate_of(texts))
    return tuple(links), tuple(aggregates)


def aggregate_of(repo_files: Iterable[str]) -> str:
    """Return the hash of the aggregate of these .repo files, sorted by component."""
    return aggregate_hash(aggregate_repo(list(repo_files)))


def _vote_consistent(
    at: Transaction, target: str, build_id: int, component: str | None, now: datetime
) -> None:
    at.votes.add(
        target,
        Ballot(build_id, component=component),
        CONSISTENT_JOB,
        JobVerdict.SUCCESS,
        timestamp=at.builds.get(build_id).release_date,
        now=now,
    )
