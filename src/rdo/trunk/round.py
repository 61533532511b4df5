"""One round of a target: poll, plan, build, publish, report.

A round holds the target's round lock from start to end. After a kill at any line the next round
continues: it has the plan in the queue, asks the builder about every build that was running, and
publishes what was built.
"""

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from rdo.builders.protocol import FOLDER_VARIABLE, Builder, Ticket
from rdo.errors import RefusedError, UserError, in_short, is_of_the_machine
from rdo.lock import hold
from rdo.model.build import Failed, FailureReason, Outcome, Waiting
from rdo.model.package import Package
from rdo.publish.upkeep.mending import revive_names
from rdo.store.work.builds import Build
from rdo.tools.walls.processes import end_those_with
from rdo.trunk.begun import begin, end, failures
from rdo.trunk.building import Building
from rdo.trunk.context import Trunk
from rdo.trunk.order.hints import declared_requires, last_build_requires
from rdo.trunk.order.providers import Providers
from rdo.trunk.order.queue import Packages, Queue
from rdo.trunk.order.retry import rests_until
from rdo.trunk.order.standing import Standing
from rdo.trunk.plan import PlanRules, make_plan
from rdo.trunk.planning import poll_and_plan
from rdo.trunk.progress import Watcher, nobody_watches
from rdo.trunk.settling import INTERRUPTED, publish_build, publish_failed, settle_failure, spoil
from rdo.trunk.telling.after_round import tell_round
from rdo.trunk.views.pages import write_pages
from rdo.trunk.views.report import Ended, Held, Report

log = logging.getLogger(__name__)

_DEPARTED = "its package has left the release"
_NO_SPACE = "the disk of {} is full: the queue stays as it is; free space, then run the next round"


@dataclass(frozen=True, slots=True)
class RoundOptions:
    """Which packages a round works on, and how. An empty `only` means all.

    With `stop`, no build is started after one has failed; without `polls`, only what is already
    queued is built.
    """

    rules: PlanRules = field(default_factory=PlanRules)
    only: frozenset[str] = frozenset()
    dry_run: bool = False
    stop: bool = False
    polls: bool = True


def run_round(trunk: Trunk, options: RoundOptions, *, watch: Watcher = nobody_watches) -> Report:
    """Run one round and report what it did. A dry run polls and plans and changes nothing."""
    packages = _chosen(trunk, options.only)
    if options.dry_run:
        return _dry_run(trunk, options, packages)
    purpose = f"rdo trunk run --target {trunk.name}"
    with hold(trunk.folder / "round.lock", purpose=purpose):
        before = begin(trunk)
        report = _do_round(trunk, options, packages, watch, before)
        _show(trunk, report)
        end(trunk)
        return report


def _show(trunk: Trunk, report: Report) -> None:
    """Queue notifications and write the pages. A failure here is logged; the results stand."""
    for what, act in (("notifications", tell_round), ("pages", write_pages)):
        try:
            act(trunk, report)
        except Exception as error:
            unexpected = None if isinstance(error, UserError | OSError) else error
            said = error if unexpected is None else in_short(error)
            log.warning(
                "%s: %s are not complete yet: %s", trunk.name, what, said, exc_info=unexpected
            )


def _chosen(trunk: Trunk, only: Collection[str]) -> list[Package]:
    chosen = {trunk.package(name).name for name in only} or trunk.packages.keys()
    return [package for name, package in trunk.packages.items() if name in chosen]


def _dry_run(trunk: Trunk, options: RoundOptions, packages: list[Package]) -> Report:
    started = time.monotonic()
    packages, faulty = _without_faulty(packages)
    followed = trunk.remotes.poll(packages)
    with trunk.store.read() as at:
        plan = make_plan(at, trunk.name, followed, options.rules, trunk.allow)
        queued = at.builds.queue(trunk.name)
    held = tuple(Held(build, ()) for build in queued)
    seconds = time.monotonic() - started
    return Report(
        trunk.name,
        len(packages) + len(faulty),
        seconds,
        plan,
        held=held,
        dry_run=True,
        faulty=faulty,
    )


def _without_faulty(packages: list[Package]) -> tuple[list[Package], dict[str, str]]:
    """Return the packages that can be used, and the metadata faults of the others."""
    faulty = {package.name: package.fault for package in packages if package.fault}
    for name, fault in faulty.items():
        log.error("%s: its metadata is wrong: %s", name, fault)
    return [package for package in packages if not package.fault], faulty


def _do_round(
    trunk: Trunk,
    options: RoundOptions,
    packages: list[Package],
    watch: Watcher,
    before: Mapping[str, int],
) -> Report:
    """Run a round; `before` are failures that are already reported."""
    started = time.monotonic()
    outliving = recover(trunk)
    refuse_if_paused(trunk)
    trunk, packages, held = without_held(trunk, packages)
    packages, faulty = _without_faulty(packages)
    departed = drop_departed(trunk)
    plan = poll_and_plan(trunk, packages if options.polls else (), options.rules)
    plan = replace(plan, notes=(*held, *plan.notes))
    queue, standing = prepare(trunk, {package.name for package in packages})
    ended: list[Ended] = []
    dropped: list[Build] = departed
    if len(queue) or outliving:
        names = frozenset(package.name for package in packages)
        place = trunk.open_workplace()
        building = Building(trunk, place, queue, standing, watch, names, stop=options.stop)
        building.adopt(outliving)
        building.run()
        ended, dropped = building.ended, [*departed, *building.dropped]
        if building.lacks_space and len(queue):
            plan = replace(plan, notes=(*plan.notes, _NO_SPACE.format(trunk.folder)))
    trunk.tree.refresh(trunk.members)
    ftbfs = _ftbfs(trunk)
    return Report(
        target=trunk.name,
        packages=len(packages) + len(faulty) + len(held),
        seconds=time.monotonic() - started,
        plan=plan,
        ended=tuple(ended),
        dropped=tuple(dropped),
        held=_held(trunk, queue, ended, packages),
        ftbfs=ftbfs,
        faulty=faulty,
        kept_back=len(held),
        failed_before=_failed_before(trunk, before, ended, ftbfs),
    )


def recover(trunk: Trunk) -> tuple[Build, ...]:
    """Complete what a killed round left; the caller holds the round lock.

    Returns the builds whose builder still has them, or has their outcome, by their tickets.
    """
    trunk.tree.journal.recover()
    revive_names(trunk.tree, trunk.store, trunk.members_now())
    _publish_built(trunk)
    with trunk.store.read() as at:
        left = at.builds.running(trunk.name)
    if not left:
        return ()
    builder = trunk.open_workplace().builder
    found = [_with_ticket(trunk, build, builder) for build in left]
    outcomes = builder.poll([Ticket(build.ticket) for build in found if build.ticket])
    ended = {build.id: outcomes.get(Ticket(build.ticket)) for build in found}
    return tuple(build for build in found if not _ends(trunk, build, builder, ended[build.id]))


def _publish_built(trunk: Trunk) -> None:
    """Publish builds that have ended and were not published: RPMs, or the logs of a failure."""
    with trunk.store.read() as at:
        unpublished = at.builds.unpublished(trunk.name)
        failures = at.builds.last_failures(trunk.name)
    for build in unpublished:
        log.info("publishing %s, which was built before", build.commit)
        try:
            publish_build(trunk, build)
        except RefusedError as error:  # its RPMs have changed
            log.warning("%s is built anew: %s", build.commit, error)
            with trunk.store.write() as at:
                at.builds.lost(build.id, now=trunk.now())
        except Exception as error:
            if is_of_the_machine(error):
                raise
            failure = spoil(trunk, build, error)
            log.warning("%s cannot be published: %s", build.commit, failure.detail)
    for build in failures:
        if trunk.build_folder(build).is_dir() and not trunk.tree.has_directory(build):
            publish_failed(trunk, build)


def _with_ticket(trunk: Trunk, build: Build, builder: Builder) -> Build:
    """Return a build with its ticket, even if its round was killed before storing it.

    The ticket is empty if the builder never got the build.
    """
    if build.ticket or not (ticket := builder.find(build.id, trunk.build_folder(build))):
        return build
    with trunk.store.write() as at:
        return at.builds.keep_ticket(build.id, ticket)


def _ends(trunk: Trunk, build: Build, builder: Builder, outcome: Outcome | None) -> bool:
    """End a build that was cancelled or interrupted, or has no package; return whether it was."""
    is_interrupted = isinstance(outcome, Failed) and outcome.reason is FailureReason.INTERRUPTED
    unwanted = build.to_cancel or ("" if build.package in trunk.packages else _DEPARTED)
    if not unwanted and build.ticket and not is_interrupted:
        log.info("%s: its build outlived the last round; waiting for it", build.commit)
        return False
    if build.ticket and not is_interrupted:
        builder.cancel(Ticket(build.ticket))
    else:
        end_those_with(FOLDER_VARIABLE, f"{trunk.build_folder(build).absolute()}/")
    if unwanted:
        with trunk.store.write() as at:
            at.builds.cancel(build.id, unwanted, now=trunk.now())
    else:
        failure = outcome if isinstance(outcome, Failed) else INTERRUPTED
        log.warning("%s was interrupted: %s", build.commit, failure.detail)
        settle_failure(trunk, build, failure)
    return True


def refuse_if_paused(trunk: Trunk) -> None:
    """Raise RefusedError if the target is paused; builds that ended are published before."""
    with trunk.store.read() as at:
        pause = at.holds.pause_of(trunk.name)
    if pause:
        raise RefusedError(
            f"{trunk.name} is {pause}",
            hint=f"rdo trunk resume --target {trunk.name}",
        )


def without_held(
    trunk: Trunk, packages: list[Package]
) -> tuple[Trunk, list[Package], tuple[str, ...]]:
    """Return the round without held packages, and a line about each."""
    with trunk.store.read() as at:
        holds = at.holds.all(trunk.name)
    trunk = replace(trunk, members=trunk.members_now())
    notes = tuple(
        f"{hold.package} is {hold}" for hold in holds.values() if hold.package in trunk.packages
    )
    return trunk, [package for package in packages if package.name not in holds], notes


def drop_departed(trunk: Trunk) -> list[Build]:
    """Remove the builds of packages that the metadata no longer has from the queue."""
    with trunk.store.read() as at:
        queued = at.builds.queue(trunk.name)
    departed = [build for build in queued if build.package not in trunk.packages]
    if not departed:
        return []
    with trunk.store.write() as at:
        return [at.builds.drop(build.id, _DEPARTED, now=trunk.now()) for build in departed]


def prepare(trunk: Trunk, names: Collection[str]) -> tuple[Queue, Standing]:
    """Return the queue of the round, and what is known about the packages' requirements."""
    with trunk.store.read() as at:
        everything = at.builds.queue(trunk.name)
        queued = [build for build in everything if build.package in names]
        provides = at.artifacts.provides(trunk.name) if queued else {}
        before = last_build_requires(at, trunk.name) if queued else {}
        states = at.packages.states(trunk.name) if queued else ()
    at_once = trunk.now()
    due = [build for build in queued if rests_until(build, at_once) <= at_once]
    now = {build.id for build in due}
    packages = trunk.packages.values()
    standing = Standing.of(
        Providers(packages, provides),
        states,
        under_review=frozenset(package.name for package in packages if package.is_under_review),
        elsewhere=frozenset(build.package for build in everything if build.id not in now),
    )
    hints = {
        name: _hints(trunk, build, before.get(name, frozenset()), standing)
        for name, build in {build.package: build for build in due}.items()
    }
    queue = Queue(due, hints)
    for build in due:
        if isinstance(build.outcome, Waiting):
            verdict = standing.judge(build, build.outcome.needs, queue.others(build))
            queue.hold_back(build.id, verdict.behind)
    return queue, standing


def _hints(trunk: Trunk, build: Build, before: frozenset[str], standing: Standing) -> Packages:
    """Return the packages of the release that a build will probably require.

    They are only hints: sources that cannot be read give none, and their build reports why.
    """
    try:
        return _read_hints(trunk, build, before, standing)
    except Exception as error:
        if is_of_the_machine(error):
            raise
        log.debug("no hints for %s", build.commit, exc_info=error)
        return frozenset()


def _read_hints(trunk: Trunk, build: Build, before: frozenset[str], standing: Standing) -> Packages:
    if build.asked:  # its last try requested them
        needs = before.union(build.asked)
    else:
        package = trunk.packages[build.package]
        needs = before | declared_requires(trunk.remotes, package, build.commit)
    return frozenset().union(*(standing.providers.of(need) for need in needs))


def _held(
    trunk: Trunk, queue: Queue, ended: list[Ended], packages: list[Package]
) -> tuple[Held, ...]:
    """Return the builds still in the store's queue, with the packages that they wait for."""
    behind = {build.id: names for build, names in queue.waiting().items()}
    names = {package.name for package in packages}
    with trunk.store.read() as at:
        left = [build for build in at.builds.queue(trunk.name) if build.package in names]
    retried = {one.build.commit.key for one in ended if one.will_retry}
    return tuple(
        Held(build, tuple(sorted(behind.get(build.id, ()))))
        for build in left
        if build.commit.key not in retried
    )


def _failed_before(
    trunk: Trunk, before: Mapping[str, int], ended: list[Ended], ftbfs: Collection[str]
) -> tuple[str, ...]:
    """Return the packages that fail with a build that is neither in `before` nor of this round."""
    now = failures(trunk)
    ours = {one.build.id for one in ended}
    return tuple(
        name
        for name in ftbfs
        if name in now and now[name] != before.get(name) and now[name] not in ours
    )


def _ftbfs(trunk: Trunk) -> tuple[str, ...]:
    with trunk.store.read() as at:
        states = at.packages.ftbfs(trunk.name)
    return tuple(state.package for state in states if state.package in trunk.packages)
