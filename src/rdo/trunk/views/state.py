"""The states of a target's packages: the one answer that commands, pages and mails format.

`read_target` reads it from the store in a few light queries. `view_of` decides on the state of one
package and words it, from values alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rdo.logs.reader import one_line, phase_of
from rdo.model.build import BUILD_LOG, FailureReason, Waiting, shown_build
from rdo.model.package import Package
from rdo.model.text.dates import minute_utc
from rdo.model.text.short_list import short_list
from rdo.notify.words import failure
from rdo.store import Transaction
from rdo.store.people.acks import Ack
from rdo.store.people.holds import Hold, Pause
from rdo.store.work.builds import Build
from rdo.store.work.heads import Head
from rdo.store.work.packages import Pointers
from rdo.store.work.reports import BuildLine
from rdo.trunk.context import Trunk
from rdo.trunk.order.providers import Providers, needed_names
from rdo.trunk.order.retry import rests_until
from rdo.trunk.sources.branches import stands_in
from rdo.trunk.views.arrivals import Arrivals, Owners


class PackageState(StrEnum):
    """The most important fact about a package."""

    BUILT = "built"
    UNDER_REVIEW = "under review"
    RUNNING = "running"
    HELD = "held"
    PAUSED = "paused"  # a queued build of a paused target
    QUEUED = "queued"
    RESTING = "resting"
    WAITING = "waiting"
    FAILED = "FTBFS"
    MISSING = "missing dependency"
    CYCLE = "cycle"
    UNREACHABLE = "unreachable"
    BRANCH_GONE = "branch gone"
    FAULTY = "faulty metadata"
    EXCLUDED = "excluded"  # by its spec, on this architecture
    NEW = "new"
    BRIDGED = "bridged"
    NOT_IN_RELEASE = "not in this release"


FAILING = frozenset(
    {PackageState.FAILED, PackageState.MISSING, PackageState.CYCLE, PackageState.FAULTY}
)


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What the store and the metadata say about one package.

    `pending` is its first queued or running build, `last_try` the failure that this one repeats;
    `came` are the dependencies that it or the newest build requested and that are available by now.
    `package` is None once the package has left the release. `branch_is_gone` distinguishes a remote
    without the branch from one that cannot be reached. `excluded` means that the spec of its last
    commit is not for this architecture, `phase` is the phase of a running build.
    """

    package: Package | None = None
    pending: Build | None = None
    last_try: BuildLine | None = None
    newest: BuildLine | None = None
    good: BuildLine | None = None
    broken_by: BuildLine | None = None
    broken_since: datetime | None = None
    head: Head | None = None
    branch_is_gone: bool = False
    hold: Hold | None = None
    ack: Ack | None = None
    came: frozenset[str] = frozenset()
    excluded: str = ""
    phase: str = ""

    @property
    def sharing(self) -> str:
        """The build of another target that made its RPMs, or why they were not taken from there."""
        if self.good and self.good.taken_from:
            return f"its RPMs are those of {shown_build(self.good.taken_from)} (share-noarch)"
        if self.good and self.good.not_taken:
            return f"built here in spite of share-noarch: {self.good.not_taken}"
        return ""

    @property
    def stands_in(self) -> str:
        """The branch of the newest commit, if it replaces the configured one."""
        build = self.pending or self.newest
        if not (build and self.package):
            return ""
        return stands_in(build.commit.upstream_branch, self.package.upstream_branch)


@dataclass(frozen=True, slots=True)
class PackageView:
    """The state of one package.

    `sentence` says why, `remarks` are further notes. `since` is when the state began. `waits_for`
    are packages of the release, or requirements that none of them provides. `without_stop` is set
    if it may differ from `state`; use `unstopped`.
    """

    package: str
    state: PackageState
    sentence: str
    since: datetime | None = None
    commit: str = ""
    build_id: int | None = None
    waits_for: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    facts: PackageFacts = PackageFacts()
    without_stop: PackageState | None = None

    @property
    def unstopped(self) -> PackageState:
        """The state as it would be without a hold or a pause, for programs."""
        return self.without_stop or self.state


@dataclass(frozen=True, slots=True)
class TargetView:
    """The state of a target: its packages in the metadata's order, and its open builds.

    `queue` has running builds first, then queued ones in the order of planning.
    """

    target: str
    packages: Mapping[str, PackageView]
    queue: tuple[PackageView, ...]
    pause: Pause | None = None
    in_round: bool = False


def read_target(trunk: Trunk, *, in_round: bool = False) -> TargetView:
    """Read the state of a target and its packages; no remote is asked and nothing changes.

    `in_round`: a round is running, and builds what is queued.
    """
    target = trunk.name
    with trunk.store.read() as at:
        open_builds = (*at.builds.running(target), *at.builds.queue(target))
        first = {build.package: build for build in reversed(open_builds)}
        stored = _Stored(
            trunk,
            at.packages.pointers(target),
            at.reports.pointed_at(target),
            at.heads.all(target),
            at.holds.all(target),
            at.acks.all(target),
            {build.id: _last_try(at, build) for build in open_builds if build.attempt > 1},
            at.builds.excluded(target, trunk.packages),
        )
        needs = (*_needs(open_builds), *_asked(stored.lines.values(), first))
        owners = _owners(trunk, at, needs)
        pause = at.holds.pause_of(target)
    now = trunk.now()
    arrivals = stored.arrivals(owners, first)

    def view(name: str, pending: Build | None) -> PackageView:
        facts = stored.facts(name, pending)
        facts = replace(facts, came=arrivals.among(*_asked_since(facts)))
        return view_of(name, facts, owners, now=now, pause=pause, in_round=in_round)

    return TargetView(
        target,
        {name: view(name, first.get(name)) for name in trunk.packages},
        tuple(view(build.package, build) for build in open_builds),
        pause,
        in_round,
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    """The data about all packages, read at once."""

    trunk: Trunk
    pointers: Mapping[str, Pointers]
    lines: Mapping[int, BuildLine]
    heads: Mapping[str, Head]
    holds: Mapping[str, Hold]
    acks: Mapping[str, Ack]
    last_tries: Mapping[int, BuildLine | None]
    excluded: Mapping[str, str]

    def facts(self, name: str, pending: Build | None) -> PackageFacts:
        """Return the data about one package."""
        package, head = self.trunk.packages.get(name), self.heads.get(name)
        stored, newest, good, broken_by = self.pointers.get(name), None, None, None
        if stored:
            newest = self.lines.get(stored.newest_id or 0)
            good = self.lines.get(stored.good_id or 0)
            broken_by = self.lines.get(stored.broken_id or 0)
        # Mirrors are read only where the state depends on them.
        is_stale = head and head.error and not pending and not (newest and newest.reason)
        return PackageFacts(
            package=package,
            pending=pending,
            last_try=self.last_tries.get(pending.id) if pending else None,
            newest=newest,
            good=good,
            broken_by=broken_by,
            broken_since=stored.broken_since if stored else None,
            head=head,
            branch_is_gone=bool(is_stale and package and self.trunk.remotes.has_no_branch(package)),
            hold=self.holds.get(name),
            ack=self.acks.get(name),
            excluded=self.excluded.get(name, ""),
            phase=self._phase(pending),
        )

    def _phase(self, pending: Build | None) -> str:
        """Return the phase of a build of ours; builds of other machines have no log yet."""
        if not pending or not pending.is_running:
            return ""
        return phase_of(self.trunk.build_folder(pending) / BUILD_LOG)

    def arrivals(self, owners: Owners, coming: Collection[str]) -> Arrivals:
        """Return the packages that the release and the bridge provide by now."""
        newest = {name: self.lines.get(one.newest_id or 0) for name, one in self.pointers.items()}
        good = {name: line for name, line in newest.items() if line and not line.reason}
        return Arrivals(owners, good, coming, self.trunk.bridged)


def _asked_since(facts: PackageFacts) -> tuple[tuple[str, ...], datetime | None]:
    """Return what a package waits for or failed without, and since when."""
    if facts.pending:
        outcome = facts.pending.outcome
        return outcome.needs if isinstance(outcome, Waiting) else (), facts.pending.created
    newest = facts.newest
    return (newest.asked, newest.finished) if newest and newest.reason in _LACKING else ((), None)


def _last_try(at: Transaction, build: Build) -> BuildLine | None:
    """Return the failure before a build that is a retry."""
    history = at.reports.history(build.target, build.package, limit=20)
    return next((line for line in history if line.id < build.id and line.reason), None)


def _needs(builds: Iterable[Build]) -> Iterator[str]:
    for build in builds:
        if isinstance(build.outcome, Waiting):
            yield from build.outcome.needs


def _asked(lines: Iterable[BuildLine], pending: Mapping[str, Build]) -> Iterator[str]:
    for line in lines:
        if line.reason in _LACKING and line.commit.package not in pending:
            yield from line.asked


def _owners(trunk: Trunk, at: Transaction, needs: Iterable[str]) -> Owners:
    """Find out who provides `needs`; reading all providers is slow, and rarely needed."""
    names = frozenset().union(*map(needed_names, needs))
    if not names:
        return lambda _: frozenset()
    return Providers(trunk.packages.values(), at.artifacts.providing(trunk.name, names)).of


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The state found for a package, and the build that it is about."""

    state: PackageState
    sentence: str
    since: datetime | None = None
    build: Build | BuildLine | None = None
    waits_for: tuple[str, ...] = ()


def view_of(
    name: str,
    facts: PackageFacts,
    owners: Owners,
    *,
    now: datetime,
    pause: Pause | None = None,
    in_round: bool = False,
) -> PackageView:
    """Decide on the state of a package, and word it.

    Faulty metadata comes first, then an open build, then the outcome of the newest build; within
    these, a person's hold or pause comes before the state it would otherwise have.
    """
    if facts.package and facts.package.fault and not (facts.pending and facts.pending.is_running):
        found = _faulty(facts, facts.package.fault)
    elif facts.pending:
        round_ = "the round that is running" if in_round else "the next round"
        found = _pending(name, facts, facts.pending, owners, now, round_)
        if found.state is PackageState.RUNNING and not in_round and not facts.pending.to_cancel:
            said = "no round is running: the next one continues it, or builds it again"
            found = replace(found, sentence=said)
    elif facts.excluded:
        sentence = f"its spec excludes this platform: {one_line(facts.excluded)}"
        found = _Verdict(PackageState.EXCLUDED, sentence, None, facts.newest)
    elif facts.newest and facts.newest.reason:
        found = _failed(name, facts, facts.newest, facts.newest.reason, owners)
    elif facts.head and facts.head.error:
        found = _stale(facts, facts.head)
    elif facts.newest:
        found = _built(facts, facts.newest)
    else:
        found = _Verdict(PackageState.NEW, "no build of it is planned yet")
    state, sentence = _stop(facts, pause, found.state) or (found.state, found.sentence)
    return PackageView(
        name,
        state,
        sentence,
        found.since,
        found.build.commit.short_hash if found.build else "",
        found.build.id if found.build else None,
        found.waits_for,
        tuple(_remarks(facts, state, found)),
        facts,
        found.state,
    )


def _pending(
    name: str, facts: PackageFacts, build: Build, owners: Owners, now: datetime, round_: str
) -> _Verdict:
    bootstrap = " as a bootstrap build, to break a dependency cycle" if build.bootstrap else ""
    if build.is_running:
        phase = f", in {facts.phase}" if facts.phase else ""
        sentence = build.to_cancel or f"being built now{bootstrap}{phase}"
        return _Verdict(PackageState.RUNNING, sentence, build.started or build.created, build)
    left = _left(build, facts.came)
    if left:
        return _waiting(name, build, left, owners)
    last = ""
    if facts.last_try and facts.last_try.reason:
        said = failure(facts.last_try.reason, facts.last_try.detail)
        last = f"; try {build.attempt - 1} failed: {said}"
    until = rests_until(build, now)
    if until > now:
        sentence = f"try {build.attempt} starts after {minute_utc(until)}{last}"
        return _Verdict(PackageState.RESTING, sentence, build.created, build)
    again = f", try {build.attempt}" if build.attempt > 1 else ""
    come = "; what it waited for is now available" if isinstance(build.outcome, Waiting) else ""
    sentence = f"{round_} builds it{bootstrap}{again}{come}{last}"
    return _Verdict(PackageState.QUEUED, sentence, build.created, build)


def _left(build: Build, came: Collection[str]) -> tuple[str, ...]:
    """Return what a build waits for and is not available yet."""
    needs = build.outcome.needs if isinstance(build.outcome, Waiting) else ()
    return tuple(need for need in needs if need not in came)


def _waiting(name: str, build: Build, needs: tuple[str, ...], owners: Owners) -> _Verdict:
    by_need = {need: sorted(owners(need) - {name}) for need in needs}
    shown = short_list(
        f"{need} from {' or '.join(names)}" if names else need for need, names in by_need.items()
    )
    awaited = dict.fromkeys(x for need, names in by_need.items() for x in names or [need])
    return _Verdict(
        PackageState.WAITING, f"waits for {shown}", build.created, build, tuple(awaited)
    )


def _failed(
    name: str, facts: PackageFacts, newest: BuildLine, reason: FailureReason, owners: Owners
) -> _Verdict:
    state = _LACKING.get(reason, PackageState.FAILED)
    asked = newest.asked if reason in _LACKING else ()
    left = [need for need in asked if need not in facts.came]
    waits_for = frozenset().union(*map(owners, left)) - {name}
    sentence = failure(reason, newest.detail)
    if asked and not left:
        sentence += f"; this is available now: rdo trunk recheck {name} builds it again"
    return _Verdict(state, sentence, facts.broken_since, newest, tuple(sorted(waits_for)))


_LACKING = {
    FailureReason.MISSING_DEPENDENCY: PackageState.MISSING,
    FailureReason.CYCLE: PackageState.CYCLE,
}


def _faulty(facts: PackageFacts, fault: str) -> _Verdict:
    sentence = f"its metadata is wrong: {one_line(fault)}"
    return _Verdict(PackageState.FAULTY, sentence, None, facts.pending or facts.newest)


def _stale(facts: PackageFacts, head: Head) -> _Verdict:
    state = PackageState.BRANCH_GONE if facts.branch_is_gone else PackageState.UNREACHABLE
    return _Verdict(state, one_line(head.error), head.error_since, facts.newest)


def _built(facts: PackageFacts, newest: BuildLine) -> _Verdict:
    if facts.package and facts.package.is_under_review:
        sentence = "built, but kept out of all repositories except its own while under review"
        return _Verdict(PackageState.UNDER_REVIEW, sentence, newest.finished, newest)
    branch = f"the newest commit on {newest.commit.upstream_branch}"
    sentence = f"up to date: {branch} is built and published"
    if newest.published is None:
        sentence = f"{branch} is built; the next round publishes it"
    return _Verdict(PackageState.BUILT, sentence, newest.finished, newest)


def _stop(
    facts: PackageFacts, pause: Pause | None, state: PackageState
) -> tuple[PackageState, str] | None:
    """Return the hold or pause of a package that would otherwise be in `state`, if any."""
    if state is PackageState.RUNNING:
        return None
    if facts.hold:
        return PackageState.HELD, str(facts.hold)
    if pause and facts.pending:
        return PackageState.PAUSED, f"{pause.target} is {pause}"
    return None


def _remarks(facts: PackageFacts, state: PackageState, found: _Verdict) -> Iterator[str]:
    """Return further notes about a package, besides the sentence of its state."""
    if state is not found.state and found.state not in _OVERRULED:
        yield found.sentence
    if facts.ack:
        yield str(facts.ack)
    if facts.hold and state is not PackageState.HELD:
        yield str(facts.hold)
    if facts.pending and facts.newest and facts.newest.reason:
        yield f"its last build failed: {failure(facts.newest.reason, facts.newest.detail)}"
    if facts.head and facts.head.error and found.state not in _STALE:
        since = f" since {minute_utc(facts.head.error_since)}" if facts.head.error_since else ""
        yield f"stale{since}: {one_line(facts.head.error)}"
    package = facts.package
    if package and package.is_under_review and found.state is not PackageState.UNDER_REVIEW:
        yield "under review: kept out of all repositories except its own"
    if branch := facts.stands_in:
        assert package
        yield f"upstream has no branch {package.upstream_branch}; {branch} stands in"
    if package and package.skip_tests:
        yield f"its tests are skipped: {package.skip_tests}"
    if facts.sharing:
        yield facts.sharing


_OVERRULED = frozenset(
    {
        PackageState.BUILT,
        PackageState.UNDER_REVIEW,
        PackageState.QUEUED,
        PackageState.RESTING,
    }
)
"""States whose sentence becomes false once a person has stopped the package."""
_STALE = frozenset({PackageState.UNREACHABLE, PackageState.BRANCH_GONE})
