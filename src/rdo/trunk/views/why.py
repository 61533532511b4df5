"""The answer of `rdo why`: the state of a package, what it waits for, and what requires it.

Everything is read from what the last rounds have stored; no remote is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rdo.errors import NotFoundError, did_you_mean
from rdo.model.build import Waiting
from rdo.model.text.url import without_secret
from rdo.trunk.context import Trunk
from rdo.trunk.order.hints import declared_requires, last_build_requires
from rdo.trunk.order.providers import Providers
from rdo.trunk.views.state import PackageState, PackageView, TargetView, read_target
from rdo.trunk.views.status import ack_row


@dataclass(frozen=True, slots=True)
class Why:
    """The answer for one target.

    `chain` is what the package waits for, directly and through others. `needed_by` are the
    packages whose builds require it; for a bridged one, also those that require it through
    other bridged packages.
    """

    target: str
    view: PackageView
    chain: tuple[PackageView, ...] = ()
    needed_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    next: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A target as `rdo why` reads it, once for any number of packages.

    `build_requires` are the dependencies of each package's last good build; without one, those that
    its newest commit declares.
    """

    view: TargetView
    providers: Providers
    build_requires: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, trunk: Trunk) -> "Known":
        """Read the target's state, and what its packages require and provide."""
        with trunk.store.read() as at:
            providers = Providers(trunk.packages.values(), at.artifacts.provides(trunk.name))
            requires = last_build_requires(at, trunk.name)
        view = read_target(trunk, in_round=trunk.in_round)
        return cls(view, providers, requires | dict(_declared(trunk, view, requires)))

    def named(self, text: str) -> str | None:
        """Return the package that `text` means: its name, its project, or what it provides."""
        packages = {name: view.facts.package for name, view in self.view.packages.items()}
        if text in packages:
            return text
        named = {name for name, one in packages.items() if one and one.project == text}
        found = named or set(self.providers.of(text))
        return found.pop() if len(found) == 1 else None


def _declared(
    trunk: Trunk, view: TargetView, known: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, frozenset[str]]]:
    for name, package in trunk.packages.items():
        facts = view.packages[name].facts
        build = facts.pending or facts.newest
        if build and name not in known:
            yield name, declared_requires(trunk.remotes, package, build.commit)


def explain(known: Known, name: str) -> Why:
    """Explain the state of a package of the release."""
    view = known.view.packages[name]
    return Why(
        known.view.target,
        view,
        tuple(_chain(known, view)),
        tuple(sorted(_needed_by(known, name) - {name})),
        (*_notes(known.view, view),),
        _next(known.view, view),
    )


def why_row(found: Why) -> dict[str, object]:
    """Return an answer in the JSON format that programs rely on."""
    return {
        "target": found.target,
        "step": step_row(found.view),
        "chain": [step_row(view) for view in found.chain],
        "needed_by": found.needed_by,
        "notes": found.notes,
        "next": found.next,
        "ack": ack_row(found.view.facts.ack),
    }


def step_row(view: PackageView) -> dict[str, object]:
    """Return one package of an answer as JSON data."""
    return {
        "package": view.package,
        "state": view.unstopped,
        "why": view.sentence,
        "since": view.since,
        "commit": view.commit,
        "build_id": view.build_id,
        "waits_for": view.waits_for,
    }


def _chain(known: Known, first: PackageView) -> Iterator[PackageView]:
    """Walk through what is waited for, nearest first, each package once."""
    seen = {first.package}
    todo = list(first.waits_for)
    while todo:
        name = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if view := known.view.packages.get(name):
            yield view
            todo += view.waits_for
        else:
            yield PackageView(name, PackageState.MISSING, "no package of the release provides it")


def _needed_by(known: Known, name: str) -> set[str]:
    """Find the packages whose last good build, or whose waiting one, requires `name`."""
    found = {
        package
        for package, needs in known.build_requires.items()
        if any(name in known.providers.of(need) for need in needs)
    }
    for package, view in known.view.packages.items():
        outcome = view.facts.pending.outcome if view.facts.pending else None
        needs = outcome.needs if isinstance(outcome, Waiting) else ()
        if any(name in known.providers.of(need) for need in needs):
            found.add(package)
    return found


def _notes(target: TargetView, view: PackageView) -> Iterator[str]:
    """Add the notes that only the answer about one package shows."""
    facts = view.facts
    if target.pause and view.state is not PackageState.PAUSED:
        yield f"{target.target} is {target.pause}"
    yield from view.remarks
    package, newest, good = facts.package, facts.newest, facts.good
    if package and newest and len(package.upstreams) > 1:
        url = without_secret(package.upstream_of(newest.commit))
        yield f"{newest.commit.short_hash} comes from {url}"
    if good and view.build_id != good.id:
        yield f"the last good build is {good.commit.short_hash}, build {good.id}"
    if not good:
        yield "it has never been built successfully"


def _next(target: TargetView, view: PackageView) -> str:
    if view.facts.hold:
        return f"rdo trunk release {view.package} ends the hold"
    if target.pause:
        return f"rdo trunk resume --target {target.target} ends the pause"
    if target.in_round and view.state in {PackageState.QUEUED, PackageState.WAITING}:
        return "a round is running; it builds what can be built"
    return _NEXT.get(view.state, "").format(target.target)


_NEXT = {
    PackageState.QUEUED: "rdo trunk run --target {0}",
    PackageState.NEW: "rdo trunk run --target {0}",
    PackageState.RESTING: "rdo trunk run --target {0}, after that time",
    PackageState.WAITING: "retried in the round after the package it waits for is built",
    PackageState.FAILED: "waits for a new commit upstream or in the distgit",
    PackageState.MISSING: "package the missing requirement or drop it, then commit",
    PackageState.CYCLE: "make one of the specs require less under %{{repo_bootstrap}}; "
    "all of them are retried then",
    PackageState.EXCLUDED: "nothing to do, unless the spec should build on this architecture",
    PackageState.FAULTY: "correct the metadata; rdo info verify shows all its faults",
    PackageState.UNREACHABLE: "each round polls it again",
    PackageState.BRANCH_GONE: "correct its branch in the metadata",
    PackageState.UNDER_REVIEW: 'after the review, remove the tag "under-review" in the metadata',
}


def not_found(target: TargetView, text: str, releases: Iterable[str]) -> Why:
    """Return the answer about a package that only other releases have.

    Raises NotFoundError if none of `releases` has it.
    """
    elsewhere = sorted(releases)
    if not elsewhere:
        projects = (
            one.facts.package.project for one in target.packages.values() if one.facts.package
        )
        near = did_you_mean(text, [*target.packages, *projects])
        raise NotFoundError(f"no package, RPM or requirement matches {text}{near}")
    why = f"the metadata has it in {', '.join(elsewhere)}"
    view = PackageView(text, PackageState.NOT_IN_RELEASE, why)
    return Why(target.target, view, next="add the release's tag to it in the metadata")
