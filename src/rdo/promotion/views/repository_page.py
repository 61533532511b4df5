"""The page of a repository: what it holds, how its checks went, and how it differs from another."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError, RefusedError
from rdo.logs.reader import clean
from rdo.model.vote import JobVerdict
from rdo.pages.live_values import (
    RepositoryPage,
    ShownCheck,
    ShownDifference,
    ShownMember,
    ShownVote,
)
from rdo.pages.values import ShownLevel
from rdo.promotion.compositions import Composition, find
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.differences import DifferenceKind, kind_of
from rdo.promotion.views.promotions import promotions_of
from rdo.publish.good import GoodBuild
from rdo.publish.names import CONSISTENT, CURRENT
from rdo.store.given.check_results import CheckResult, ResultState
from rdo.store.given.repositories import Repository
from rdo.store.given.votes import Ballot, Vote

_MOST_FINDINGS = 12
_MOST_VOTES = 100
_NONE: Mapping[str, Criteria] = MappingProxyType({})
_LEVELS = {ResultState.PASSED: ShownLevel.GOOD, ResultState.FAILED: ShownLevel.BAD}
_VERDICTS = {JobVerdict.SUCCESS: ShownLevel.GOOD, JobVerdict.FAILURE: ShownLevel.BAD}
_KINDS = {DifferenceKind.DOWN: ShownLevel.WARN, DifferenceKind.REMOVED: ShownLevel.WARN}


def repository_of_build(opened: OpenTarget, build: int) -> int:
    """Return the number of the repository of a build; raise NotFoundError if it has none."""
    with opened.store.read() as at:
        found = at.repositories.of_build(opened.name, build)
    if found is None:
        raise NotFoundError(f"build {build} of {opened.name} has no repository")
    return found.id


def repository_page(
    opened: OpenTarget, number: int, against: str = "", criteria: Mapping[str, Criteria] = _NONE
) -> RepositoryPage:
    """Gather what is known of a repository; `against` is a name to compare it with,
    `criteria` are those of promotion names.

    Without a name it is compared with where `consistent` leads. Raises NotFoundError if the target
    has no such repository.
    """
    with opened.store.read() as at:
        repository = at.repositories.find(opened.name, number)
        if repository is None:
            raise NotFoundError(f"{opened.name} has no repository {number}")
        named = [
            (name, one)
            for name, one in at.names.all(opened.name)
            if one.component == repository.component
        ]
        results = at.check_results.about(number)
        promotions = promotions_of(at, opened, repository, criteria)
        votes = at.votes.on(opened.name, _ballot(repository))
        origin = at.builds.origins([repository.build_id] if repository.build_id else [])
    choices = tuple(sorted({name for name, one in named if one.id != number}, key=_order))
    chosen = against if against in choices else next(iter(choices), "")
    composition, note = _composition(opened, repository.path)
    before = _other(opened, named, chosen)
    commit = origin[repository.build_id][0] if repository.build_id else None
    return RepositoryPage(
        repository.id,
        repository.path,
        repository.component or "",
        repository.created,
        repository.removed,
        commit.package if commit else "",
        commit.short_hash if commit else "",
        repository.build_id or 0,
        tuple(sorted(name for name, one in named if one.id == number)),
        tuple(map(_check, results)),
        tuple(_members(composition)) if composition else (),
        chosen,
        tuple(_differences(before, composition)) if composition and before else (),
        choices if composition else (),
        note,
        tuple(map(shown_vote, votes[-_MOST_VOTES:][::-1])),
        promotions,
    )


def _ballot(repository: Repository) -> Ballot:
    """Return what votes on a repository are on: its build, or its digest."""
    if repository.build_id is not None:
        return Ballot(build_id=repository.build_id)
    return Ballot(ref_hash=repository.digest)


def shown_vote(vote: Vote) -> ShownVote:
    """Return a vote as pages show it."""
    return ShownVote(
        clean(vote.job),
        _VERDICTS.get(vote.verdict, ShownLevel.NONE),
        str(vote.verdict),
        vote.timestamp,
        clean(vote.user),
        clean(vote.url),
        clean(vote.notes),
    )


def _order(name: str) -> tuple[bool, bool, str]:
    """Put the names first that a repository is compared with most often."""
    return name != CONSISTENT, name != CURRENT, name


def _composition(opened: OpenTarget, path: str) -> tuple[Composition | None, str]:
    """Return what a repository holds, or why that is not known any more."""
    try:
        return find(opened, path), ""
    except (NotFoundError, RefusedError) as error:
        return None, str(error)


def _other(
    opened: OpenTarget, named: list[tuple[str, Repository]], chosen: str
) -> Composition | None:
    """Return what the chosen name leads to in the same component."""
    path = next((one.path for name, one in named if name == chosen), "")
    return _composition(opened, path)[0] if path else None


def _check(result: CheckResult) -> ShownCheck:
    lines = [clean(line) for line in _findings(result)]
    return ShownCheck(
        clean(result.check),
        _LEVELS.get(result.state, ShownLevel.NONE),
        str(result.state),
        clean(result.reason),
        result.checked,
        clean(result.by),
        tuple(lines[:_MOST_FINDINGS]),
    )


def _findings(result: CheckResult) -> Iterator[str]:
    """Yield what a check found, a line each."""
    for one in json.loads(result.findings):
        package, what = one.get("package", ""), one.get("what", "")
        yield f"{package}: {what}" if package else str(what)


def _members(composition: Composition) -> Iterator[ShownMember]:
    for name, build in sorted(composition.builds.items()):
        binary = sum(not one.artifact.is_source for one in build.artifacts)
        yield ShownMember(name, build.nvr, build.id, binary)


def _differences(before: Composition, after: Composition) -> Iterator[ShownDifference]:
    old: Mapping[str, GoodBuild] = before.builds
    for name in sorted({*old, *after.builds}):
        one, other = old.get(name), after.builds.get(name)
        if one is None or other is None or one.id != other.id:
            kind = kind_of(one, other)
            nvrs = one.nvr if one else "", other.nvr if other else ""
            yield ShownDifference(name, str(kind), _KINDS.get(kind, ShownLevel.NONE), *nvrs)
