"""Find failed commits that are worth another try, although their own sources have not changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from rdo.model.build import Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.store import Transaction
from rdo.store.work.builds import Build
from rdo.store.work.packages import PackageBuilds
from rdo.trunk.admission import asked_for
from rdo.trunk.order.providers import Providers

NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def worth_another_try(
    at: Transaction,
    target: str,
    packages: Mapping[str, Package],
    planned: Iterable[str],
    allow: Mapping[str, Collection[str]] = NOTHING,
) -> list[Commit]:
    """Return the newest commits of packages whose cause of failure has changed since.

    These changes count: tests were disabled; `allow` now accepts the RPMs; a failed cycle has a new
    commit; the release has published a required package since; a package was out of the release
    while it had queued builds. `planned` are packages that get builds anyway. Each try makes a new
    build, so the same change counts only once.
    """
    failed = {
        state.package: state.newest
        for state in at.packages.ftbfs(target)
        if state.newest and state.package in packages
    }
    coming = {*planned, *(build.package for build in at.builds.queue(target))}
    candidates = {name: build for name, build in failed.items() if name not in coming}
    chosen = {n: b for n, b in candidates.items() if packages[n].skip_tests and _failed_tests(b)}
    chosen |= {n: b for n, b in candidates.items() if _is_allowed(b, allow.get(n, ()))}
    asking = {n: b for n, b in candidates.items() if b.asked and n not in chosen}
    if asking:
        providers = Providers(packages.values(), at.artifacts.provides(target))
        states = {state.package: state for state in at.packages.states(target)}
        owners = {n: _owners(providers, b) for n, b in asking.items()}
        chosen |= {n: b for n, b in asking.items() if _has_news(b, owners[n], states)}
        chosen |= dict(_cycles_of({*coming, *chosen}, asking, owners))
    returned = (
        build.commit
        for build in at.builds.dropped_last(target)
        if build.package in packages.keys() - coming
        and at.commits.newest(target, build.package) == build.commit
    )
    return [*(build.commit for build in chosen.values()), *returned]


def _failed_tests(build: Build) -> bool:
    """Whether a build failed in tests that were enabled; disabled tests cannot fail again."""
    match build.outcome:
        case Failed(FailureReason.TEST):
            return True
    return False


def _is_allowed(build: Build, allowed: Collection[str]) -> bool:
    """Whether a build failed only because of what is now allowed."""
    match build.outcome:
        case Failed(FailureReason.REFUSED, detail):
            asked = asked_for(detail)
            return bool(asked) and asked <= set(allowed)
    return False


def _owners(providers: Providers, build: Build) -> frozenset[str]:
    return frozenset().union(*(providers.of(need) for need in build.asked))


def _has_news(build: Build, owners: frozenset[str], states: Mapping[str, PackageBuilds]) -> bool:
    """Whether a package that the build required was published after the build failed."""
    good = (state.good for name in owners if (state := states.get(name)))
    return _lacks(build, FailureReason.MISSING_DEPENDENCY) and any(
        one.id > build.id for one in good if one
    )


def _cycles_of(
    coming: set[str], asking: Mapping[str, Build], owners: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, Build]]:
    """Yield the members of failed cycles that require planned packages, even indirectly."""
    while found := [
        name
        for name, build in asking.items()
        if name not in coming and _lacks(build, FailureReason.CYCLE) and owners[name] & coming
    ]:
        coming |= set(found)
        yield from ((name, asking[name]) for name in found)


def _lacks(build: Build, reason: FailureReason) -> bool:
    return isinstance(build.outcome, Failed) and build.outcome.reason is reason
