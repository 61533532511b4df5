"""Delete one build, with every repository that has its RPMs, unless somebody needs one of them.

A purge removes what is old. This removes what must not be offered any more, however young.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from rdo.disk_usage import freed_bytes
from rdo.errors import RefusedError
from rdo.publish import pool
from rdo.publish.tree import Tree
from rdo.publish.upkeep.needed import oldest_reader
from rdo.publish.upkeep.retention import Purge
from rdo.store import Store, Transaction
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build, BuildState

_MOST_REASONS = 5


def plan_deletion(tree: Tree, store: Store, build: Build) -> Purge:
    """Decide what is removed with a build, without changing anything.

    Raises RefusedError if the build has not ended, if it is its package's current build, or if
    somebody needs a repository with its RPMs; DamagedError if a repository cannot be read.
    """
    target = tree.site.target
    with store.read() as at:
        _check(at, target, build)
        everything = at.repositories.in_tree(target)
        own = {one.artifact.sha256 for one in at.artifacts.of_builds([build.id])}
        others = at.artifacts.builds_with(target, own)
        own -= {sha for sha, builds in others.items() if set(builds) - {build.id}}
        needs = dict(_needs(at, tree, everything))
        failures = at.builds.failed_commits(target)
    holding = [one for one in everything if one.build_id == build.id or _holds(tree, one, own)]
    _refuse_needed(build, holding, needs)
    places = {one.path for one in everything}
    log = str(tree.site.directory(build.commit))
    is_newest = max((i for i, one in failures.items() if one == build.commit), default=0)
    has_log = is_newest == build.id and log not in places and (tree.repos / log).is_dir()
    folder = f"../builds/{build.id}"
    rpms = (f"{pool.NAME}/{sha}" for sha in sorted(own))
    purge = Purge(
        known=frozenset(one.id for one in everything),
        repositories=tuple(one.path for one in holding),
        logs=(log,) if has_log else (),
        builds=(folder,) if (tree.repos / folder).is_dir() else (),
        rpms=tuple(place for place in rpms if (tree.repos / place).is_dir()),
        forgotten=frozenset({build.id}),
        kept=len(everything) - len(holding),
    )
    freed = freed_bytes(tree.repos / path for path in (*purge.repositories, *purge.others))
    return replace(purge, freed=freed)


def _check(at: Transaction, target: str, build: Build) -> None:
    """Refuse a build that has not ended, or that is its package's current build."""
    if build.state is not BuildState.DONE:
        raise RefusedError(
            f"build {build.id} of {build.package} is {build.state}",
            hint=f"rdo trunk cancel {build.package} --target {target}",
        )
    hold = at.holds.all(target).get(build.package)
    if hold and hold.build_id == build.id:
        raise RefusedError(
            f"{build.package} is held at build {build.id}",
            hint=f"rdo trunk release {build.package} --target {target}",
        )
    if build.id in at.packages.build_ids(target):
        raise RefusedError(
            f"build {build.id} is the published build of {build.package}",
            hint="delete it after a newer build of the package is published: rdo trunk recheck"
            f" {build.package} --force; until then, rdo trunk hold takes it away from the names",
        )


def _needs(
    at: Transaction, tree: Tree, everything: Collection[Repository]
) -> Iterator[tuple[int, str]]:
    """Yield the repositories that must stay, by id, with the reason; later reasons say more."""
    target = tree.site.target
    stands_at = {
        build.id: state.package
        for state in at.packages.states(target)
        for build in (state.newest, state.good)
        if build
    }
    standing = at.packages.build_ids(target)
    for one in everything:
        if one.build_id in standing:
            package = stands_at.get(one.build_id, "a package")
            yield one.id, f"belongs to build {one.build_id}, the published build of {package}"
    if since := oldest_reader(at, tree.folder, target):
        for id_ in at.names.left_since(target, since):
            yield id_, f"may be read by a build that has been running since {since:%F %R} UTC"
    for name, repository in at.names.all(target):
        yield repository.id, f"is what {name} leads to"


def _holds(tree: Tree, repository: Repository, own: Collection[str]) -> bool:
    if not own:
        return False
    pooled, _ = tree.journal.references.of(tree.repos / repository.path)
    return not pooled.isdisjoint(own)


def _refuse_needed(build: Build, holding: Collection[Repository], needs: Mapping[int, str]) -> None:
    found = [f"{one.path} {needs[one.id]}" for one in holding if one.id in needs]
    if found:
        more = [f"and {len(found) - _MOST_REASONS} more"] if len(found) > _MOST_REASONS else []
        raise RefusedError(
            f"build {build.id} of {build.package} is needed: its RPMs are in {len(found)} "
            f"{'repository' if len(found) == 1 else 'repositories'} that must stay\n  "
            + "\n  ".join([*found[:_MOST_REASONS], *more]),
            hint=f"move the names away: rdo trunk hold {build.package} --build N; for another"
            " package, make a newer build: rdo trunk recheck PACKAGE --force",
        )
