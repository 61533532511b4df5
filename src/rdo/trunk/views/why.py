"""Why a package is or is not being built: its state, what it waits for, who asked for it.

Everything is read from what the last rounds have stored; no remote is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from rdo.errors import NotFoundError, did_you_mean
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.package import Package
from rdo.model.url import without_secret
from rdo.store.builds import Build
from rdo.store.heads import Head
from rdo.store.holds import Hold, Pause
from rdo.store.packages import PackageState
from rdo.trunk.context import Trunk
from rdo.trunk.order.hints import declared_requires, last_build_requires
from rdo.trunk.order.providers import Providers
from rdo.trunk.order.retry import rests_until


class State(StrEnum):
    """What there is to say about a package that is in the release, or is not."""

    BUILT = "built"
    UNDER_REVIEW = "under review"
    RUNNING = "running"
    QUEUED = "queued"
    RESTING = "resting"
    WAITING = "waiting"
    FAILED = "FTBFS"
    MISSING = "missing dependency"
    CYCLE = "cycle"
    UNREACHABLE = "unreachable"
    BRANCH_GONE = "branch gone"
    NEW = "new"
    BRIDGED = "bridged"
    NOT_IN_RELEASE = "not in this release"


@dataclass(frozen=True, slots=True)
class Step:
    """One package of a chain: its state and the sentence that says why.

    `waits_for` are packages of the release, or requirements where no package is known.
    """

    package: str
    state: State
    why: str
    since: datetime | None = None
    commit: str = ""
    build_id: int | None = None
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """The answer for one target.

    `chain` is all that the package waits for, directly and through others. `needed_by` are
    the packages whose builds ask for it; of what is bridged also what else required it.
    """

    target: str
    step: Step
    chain: tuple[Step, ...] = ()
    needed_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    next: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store says of a target, read once.

    `build_requires` are what each package's last good build needed; of one that was never
    good, what its newest commit declares.
    """

    trunk: Trunk
    states: Mapping[str, PackageState]
    heads: Mapping[str, Head]
    pending: Mapping[str, Build]
    providers: Providers
    build_requires: dict[str, frozenset[str]]
    holds: Mapping[str, Hold] = field(default_factory=dict)
    pause: Pause | None = None

    @classmethod
    def of(cls, trunk: Trunk) -> "Known":
        """Read all that is known of a target once."""
        target = trunk.name
        with trunk.store.read() as at:
            states = {state.package: state for state in at.packages.states(target)}
            open_builds = (*at.builds.running(target), *at.builds.queue(target))
            pending = {build.package: build for build in reversed(open_builds)}  # the first counts
            known = cls(
                trunk,
                states,
                at.heads.all(target),
                pending,
                Providers(trunk.packages.values(), at.artifacts.provides(target)),
                last_build_requires(at, target),
                at.holds.all(target),
                at.holds.pause_of(target),
            )
        return replace(known, build_requires=known.build_requires | dict(known._declared()))

    def _declared(self) -> Iterator[tuple[str, frozenset[str]]]:
        for name, package in self.trunk.packages.items():
            state = self.states.get(name)
            build = self.pending.get(name) or (state.newest if state else None)
            if build and name not in self.build_requires:
                yield name, declared_requires(self.trunk.remotes, package, build.commit)

    def named(self, text: str) -> str | None:
        """The package of the release that `text` means: by name, project or a dependency."""
        packages = self.trunk.packages
        if text in packages:
            return text
        named = {name for name, package in packages.items() if package.project == text}
        found = named or set(self.providers.of(text))
        return found.pop() if len(found) == 1 else None


def explain(known: Known, name: str) -> Why:
    """Why a package of the release stands where it does."""
    step = _step(known, name)
    package, state = known.trunk.packages[name], known.states.get(name)
    notes = tuple(_notes(package, state, known.heads.get(name), step))
    stop, end = _stop(known, name)
    if stop and stop != step.why:
        notes = (stop, *notes)
    return Why(
        known.trunk.name,
        step,
        tuple(_chain(known, step)),
        tuple(sorted(_needed_by(known, name) - {name})),
        notes,
        end or _next(step.state, known.trunk.name),
    )


def _stop(known: Known, name: str) -> tuple[str, str]:
    """Why nothing is built of a package because somebody said so, and what ends that."""
    if hold := known.holds.get(name):
        said = f"held by {hold.by} since {hold.since:%Y-%m-%d %H:%M}: {hold.why}"
        return said, f"rdo trunk release {name} ends the hold"
    if pause := known.pause:
        target = known.trunk.name
        said = f"{target} is paused by {pause.by} since {pause.since:%Y-%m-%d %H:%M}: {pause.why}"
        return said, f"rdo trunk resume --target {target} ends the pause"
    return "", ""


def _step(known: Known, name: str) -> Step:
    """The state of one package: what is in the queue, else how its newest build ended."""
    build, state = known.pending.get(name), known.states.get(name)
    if build:
        return pending_step(known, build)
    newest = state.newest if state else None
    if state and newest and isinstance(newest.outcome, Failed):
        return _failed(known, newest, newest.outcome, state.broken_since)
    head = known.heads.get(name)
    if head and head.error:
        package = known.trunk.packages[name]
        gone = _is_branch_gone(known.trunk, package)
        kind = State.BRANCH_GONE if gone else State.UNREACHABLE
        return Step(name, kind, head.error, head.error_since)
    if newest is None:
        why = "no round has planned a build of it yet"
        return Step(name, State.NEW, why)
    why = f"its newest commit of {newest.commit.upstream_branch} is built and published"
    kind = State.BUILT
    if known.trunk.packages[name].is_under_review:
        kind = State.UNDER_REVIEW
        why = "it is built, and enters no repository but its own while it is under review"
    return _of_build(newest, kind, why, newest.finished)


def _of_build(
    build: Build, state: State, why: str, since: datetime | None, waits_for: Iterable[str] = ()
) -> Step:
    commit = build.commit
    return Step(commit.package, state, why, since, commit.short_hash, build.id, tuple(waits_for))


def pending_step(known: Known, build: Build) -> Step:
    """Where a build stands that is queued or running."""
    as_bootstrap = " as bootstrap, to break a circle" if build.bootstrap else ""
    if build.is_running:
        why = f"it is being built now{as_bootstrap}"
        return _of_build(build, State.RUNNING, why, build.started)
    if stop := _stop(known, build.package)[0]:
        return _of_build(build, State.QUEUED, stop, build.created)
    if isinstance(build.outcome, Waiting):
        return _waiting(known, build, build.outcome.needs)
    until = rests_until(build)
    if until > known.trunk.now():
        why = f"try {build.attempt} comes after {until:%Y-%m-%d %H:%M}: {_last_try(known, build)}"
        return _of_build(build, State.RESTING, why, build.created)
    again = f", try {build.attempt}: {_last_try(known, build)}" if build.attempt > 1 else ""
    why = f"the next round builds it{as_bootstrap}{again}"
    return _of_build(build, State.QUEUED, why, build.created)


def _waiting(known: Known, build: Build, needs: tuple[str, ...]) -> Step:
    owners = {need: known.providers.of(need) - {build.package} for need in needs}
    parts = [
        f"{need} of {' or '.join(sorted(names))}" if names else need
        for need, names in owners.items()
    ]
    awaited = dict.fromkeys(x for need, names in owners.items() for x in sorted(names) or [need])
    why = f"it asks for {', '.join(parts)}"
    return _of_build(build, State.WAITING, why, build.created, awaited)


def _failed(known: Known, build: Build, failure: Failed, since: datetime | None) -> Step:
    states = {FailureReason.MISSING_DEPENDENCY: State.MISSING, FailureReason.CYCLE: State.CYCLE}
    why = f"{failure.reason}: {failure.detail}"
    if failure.reason is FailureReason.MISSING_DEPENDENCY:
        why = f"nobody provides {failure.detail}"
    elif failure.reason is FailureReason.CYCLE:
        why = failure.detail
    state = states.get(failure.reason, State.FAILED)
    owners = (known.providers.of(need) for need in build.asked) if state in _LACKING else ()
    waits_for = sorted(frozenset().union(*owners) - {build.package})
    return _of_build(build, state, why, since, waits_for)


def _last_try(known: Known, build: Build) -> str:
    """Why the try before this one came to nothing."""
    with known.trunk.store.read() as at:
        history = at.builds.history(known.trunk.name, build.package)
    for older in history:
        if older.id < build.id and isinstance(older.outcome, Failed):
            return f"{older.outcome.reason}: {older.outcome.detail}"
    return "it was not the package's fault"


def _is_branch_gone(trunk: Trunk, package: Package) -> bool:
    """Whether a remote that we know has no branch to build from, rather than being away."""
    mirrors, rules = trunk.remotes.mirrors, trunk.remotes.rules
    seen = (mirrors.last_seen(url) for url in package.upstreams)
    if any(one and rules.upstream(one.refs, package.upstream_branch) is None for one in seen):
        return True
    distgit = mirrors.last_seen(package.distgit)
    if distgit is None:
        return False
    branch = rules.distgit(distgit.refs, package.distgit_branch)
    if branch is None:
        return True
    folder = package.distgit_path
    return bool(folder) and distgit.mirror.last_change(branch.hash, folder) is None


def _chain(known: Known, first: Step) -> Iterator[Step]:
    """What is waited for, step by step, each package once."""
    seen = {first.package}
    todo = list(first.waits_for)
    while todo:
        name = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name in known.trunk.packages:
            step = _step(known, name)
            yield step
            todo += step.waits_for
        else:
            yield Step(name, State.MISSING, "no package of the release provides it")


def _needed_by(known: Known, name: str) -> set[str]:
    """The packages whose last good build, or whose waiting one, asks for `name`."""
    found = {
        package
        for package, needs in known.build_requires.items()
        if any(name in known.providers.of(need) for need in needs)
    }
    for package, build in known.pending.items():
        needs = build.outcome.needs if isinstance(build.outcome, Waiting) else ()
        if any(name in known.providers.of(need) for need in needs):
            found.add(package)
    return found


def _notes(
    package: Package, state: PackageState | None, head: Head | None, step: Step
) -> Iterator[str]:
    build = state.newest if state else None
    if build and len(package.upstreams) > 1:
        url = without_secret(package.upstream_of(build.commit))
        yield f"{build.commit.short_hash} is of {url}"
    good = state.good if state else None
    if good and step.build_id != good.id:
        yield f"the last good build is {good.commit.short_hash}, build {good.id}"
    if not good:
        yield "it was never built with success"
    if head and head.error and step.why != head.error:
        yield f"stale since {head.error_since:%Y-%m-%d %H:%M}: {head.error}"
    if package.is_under_review and step.state is not State.UNDER_REVIEW:
        yield "it is under review: it will enter no repository but its own"
    if package.skip_tests:
        yield f"its tests are not run: {package.skip_tests}"


_LACKING = frozenset({State.MISSING, State.CYCLE})
_NEXT = {
    State.QUEUED: "rdo trunk run --target {0}",
    State.NEW: "rdo trunk run --target {0}",
    State.RESTING: "rdo trunk run --target {0}, after that time",
    State.WAITING: "the round after what it waits for is built tries it again",
    State.FAILED: "its next commit, upstream or in the distgit, is built",
    State.MISSING: "package what is missing or drop it; then its next commit is built",
    State.CYCLE: "let one of the specs ask for less under %{{repo_bootstrap}}; all try again then",
    State.UNREACHABLE: "each round asks again",
    State.BRANCH_GONE: "set its branch in the metadata",
    State.UNDER_REVIEW: 'when its review is done, remove the tag "under-review" from the metadata',
}


def _next(state: State, target: str) -> str:
    return _NEXT.get(state, "").format(target)


def not_found(known: Known, text: str, releases: Iterable[str]) -> Why:
    """The answer for what the release does not have; NotFoundError if nobody knows it."""
    elsewhere = sorted(releases)
    if not elsewhere:
        near = did_you_mean(text, known.trunk.packages)
        raise NotFoundError(f"nothing is known of {text}{near}")
    why = f"the metadata has it in {', '.join(elsewhere)}"
    step = Step(text, State.NOT_IN_RELEASE, why)
    return Why(known.trunk.name, step, next="give it the release's tag in the metadata")
