"""One round of a target: poll, plan, build, publish, report.

A round holds the target's round lock from begin to end. Killed at any line, the next one goes
on: what was planned is in the queue, what ran is interrupted and tried again, what was built
is published.
"""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from rdo.builders.protocol import FOLDER_VARIABLE
from rdo.errors import RefusedError, UserError
from rdo.lock import hold
from rdo.model.build import Waiting
from rdo.model.package import Package
from rdo.store.builds import Build
from rdo.tools.processes import end_those_with
from rdo.trunk.building import Building, Watcher, nobody_watches
from rdo.trunk.means import Means
from rdo.trunk.order.hints import declared_requires, last_build_requires
from rdo.trunk.order.providers import Providers
from rdo.trunk.order.queue import Packages, Queue
from rdo.trunk.order.retry import rests_until
from rdo.trunk.order.standing import Standing
from rdo.trunk.plan import PlanRules, make_plan, record_plan
from rdo.trunk.settling import INTERRUPTED, publish_build, publish_failed, settle_failure
from rdo.trunk.telling.after_round import tell_round
from rdo.trunk.views.pages import write_pages
from rdo.trunk.views.report import Ended, Held, Report

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoundOptions:
    """What of the target a round does; no `only`: all packages."""

    rules: PlanRules = field(default_factory=PlanRules)
    only: frozenset[str] = frozenset()
    dry_run: bool = False


def run_round(means: Means, options: RoundOptions, *, watch: Watcher = nobody_watches) -> Report:
    """Do one round and say what it did. A dry run polls and plans and changes nothing."""
    packages = _chosen(means, options.only)
    if options.dry_run:
        return _rehearse(means, options, packages)
    purpose = f"rdo trunk run --target {means.target}"
    with hold(means.folder / "round.lock", purpose=purpose):
        report = _do_round(means, options, packages, watch)
        _show(means, report)
        return report


def _show(means: Means, report: Report) -> None:
    """Tell and show what happened; that this fails changes nothing of what did."""
    try:
        tell_round(means, report)
        write_pages(means, report)
    except (UserError, OSError) as error:
        log.warning("%s: not all of it is told or on the pages yet: %s", means.target, error)


def _chosen(means: Means, only: Collection[str]) -> list[Package]:
    chosen = {means.package(name).name for name in only} or means.packages.keys()
    return [package for name, package in means.packages.items() if name in chosen]


def _rehearse(means: Means, options: RoundOptions, packages: list[Package]) -> Report:
    started = time.monotonic()
    followed = means.remotes.poll(packages)
    with means.store.read() as at:
        plan = make_plan(at, means.target, followed, options.rules)
        queued = at.builds.queue(means.target)
    held = tuple(Held(build, ()) for build in queued)
    seconds = time.monotonic() - started
    return Report(means.target, len(packages), seconds, plan, held=held, dry_run=True)


def _do_round(
    means: Means, options: RoundOptions, packages: list[Package], watch: Watcher
) -> Report:
    started = time.monotonic()
    recover(means)
    refuse_if_paused(means)
    means, packages, held = without_held(means, packages)
    departed = drop_departed(means)
    log.info("%s: asking the remotes of %d package(s)", means.target, len(packages))
    followed = means.remotes.poll(packages)
    with means.store.read() as at:
        plan = make_plan(at, means.target, followed, options.rules)
    if plan.commits:
        seconds = time.monotonic() - started
        log.info("%s: %d build(s) planned after %.1f s", means.target, len(plan.commits), seconds)
    plan = replace(plan, notes=(*held, *plan.notes))
    for note in plan.notes:
        log.warning("%s", note)
    digest = means.open_workplace().platform_digest if plan.commits else ""
    record_plan(means.store, means.target, plan, followed, platform_digest=digest, now=means.now())
    queue, standing = prepare(means, {package.name for package in packages})
    ended: list[Ended] = []
    dropped: list[Build] = departed
    if len(queue):
        building = Building(means, means.open_workplace(), queue, standing, watch)
        building.run()
        ended, dropped = building.ended, [*departed, *building.dropped]
    means.tree.refresh(means.members)
    return Report(
        target=means.target,
        packages=len(packages),
        seconds=time.monotonic() - started,
        plan=plan,
        ended=tuple(ended),
        dropped=tuple(dropped),
        held=_held(means, queue, ended, packages),
        ftbfs=_ftbfs(means),
    )


def recover(means: Means) -> None:
    """Set right what a killed round left; only for the holder of the round lock."""
    with means.store.read() as at:
        running = at.builds.running(means.target)
    means.tree.recover()
    if running:
        end_those_with(FOLDER_VARIABLE, f"{(means.folder / 'builds').absolute()}/")
    for build in running:
        if build.to_cancel:
            with means.store.write() as at:
                at.builds.cancel(build.id, build.to_cancel, now=means.now())
            continue
        log.warning("%s was interrupted", build.commit)
        settle_failure(means, build, INTERRUPTED)
    with means.store.read() as at:
        unpublished = at.builds.unpublished(means.target)
        failures = at.builds.last_failures(means.target)
    for build in unpublished:
        log.info("publishing %s, which was built before", build.commit)
        try:
            publish_build(means, build)
        except RefusedError as error:  # its RPMs are not what they were
            log.warning("%s is built anew: %s", build.commit, error)
            with means.store.write() as at:
                at.builds.lost(build.id, now=means.now())
    for build in failures:
        if means.build_folder(build).is_dir() and not means.tree.has_directory(build):
            publish_failed(means, build)


def refuse_if_paused(means: Means) -> None:
    """What was built is published also while a target is paused; nothing else happens."""
    with means.store.read() as at:
        pause = at.holds.pause_of(means.target)
    if pause:
        raise RefusedError(
            f"{means.target} is paused by {pause.by} since {pause.since:%F %R} UTC: {pause.why}",
            hint=f"rdo trunk resume --target {means.target}",
        )


def without_held(
    means: Means, packages: list[Package]
) -> tuple[Means, list[Package], tuple[str, ...]]:
    """The round without the packages that somebody holds, and a line about each of them."""
    with means.store.read() as at:
        holds = at.holds.all(means.target)
    means = replace(means, members=means.members_now())
    notes = tuple(
        f"{hold.package} is held by {hold.by} since {hold.since:%F %R} UTC: {hold.why}"
        for hold in holds.values()
        if hold.package in means.packages
    )
    return means, [package for package in packages if package.name not in holds], notes


def drop_departed(means: Means) -> list[Build]:
    """Take the builds of packages that the metadata no longer has out of the queue."""
    with means.store.read() as at:
        queued = at.builds.queue(means.target)
    departed = [build for build in queued if build.package not in means.packages]
    if not departed:
        return []
    with means.store.write() as at:
        why = "its package has left the release"
        return [at.builds.drop(build.id, why, now=means.now()) for build in departed]


def prepare(means: Means, names: Collection[str]) -> tuple[Queue, Standing]:
    """The queue of the round with what is known about who needs whom."""
    with means.store.read() as at:
        everything = at.builds.queue(means.target)
        queued = [build for build in everything if build.package in names]
        provides = at.artifacts.provides(means.target) if queued else {}
        before = last_build_requires(at, means.target) if queued else {}
        states = at.packages.states(means.target) if queued else ()
    due = [build for build in queued if rests_until(build) <= means.now()]
    now = {build.id for build in due}
    packages = means.packages.values()
    standing = Standing.of(
        Providers(packages, provides),
        states,
        under_review=frozenset(package.name for package in packages if package.is_under_review),
        elsewhere=frozenset(build.package for build in everything if build.id not in now),
    )
    hints = {
        name: _hints(means, build, before.get(name, frozenset()), standing)
        for name, build in {build.package: build for build in due}.items()
    }
    queue = Queue(due, hints)
    for build in due:
        if isinstance(build.outcome, Waiting):
            verdict = standing.judge(build, build.outcome.needs, queue.others(build))
            queue.hold_back(build.id, verdict.behind)
    return queue, standing


def _hints(means: Means, build: Build, before: frozenset[str], standing: Standing) -> Packages:
    """The packages of the release that a build will probably ask for."""
    if build.asked:  # it has said so itself
        needs = before.union(build.asked)
    else:
        package = means.packages[build.package]
        needs = before | declared_requires(means.remotes, package, build.commit)
    return frozenset().union(*(standing.providers.of(need) for need in needs))


def _held(
    means: Means, queue: Queue, ended: list[Ended], packages: list[Package]
) -> tuple[Held, ...]:
    """What is still in the store's queue, with the packages that it waits for."""
    behind = {build.id: names for build, names in queue.waiting().items()}
    names = {package.name for package in packages}
    with means.store.read() as at:
        left = [build for build in at.builds.queue(means.target) if build.package in names]
    retried = {one.build.commit.key for one in ended if one.will_retry}
    return tuple(
        Held(build, tuple(sorted(behind.get(build.id, ()))))
        for build in left
        if build.commit.key not in retried
    )


def _ftbfs(means: Means) -> tuple[str, ...]:
    with means.store.read() as at:
        states = at.packages.ftbfs(means.target)
    return tuple(state.package for state in states if state.package in means.packages)
