"""Poll remotes and queue new commits, in one step, by one process per target at a time."""

import logging
import time
from collections.abc import Sequence

from rdo.lock import hold
from rdo.model.package import Package
from rdo.trunk.context import Trunk
from rdo.trunk.plan import PlanRules, RoundPlan, make_plan, record_plan
from rdo.trunk.sources.tracing import trace_commits

log = logging.getLogger(__name__)


def poll_and_plan(trunk: Trunk, packages: Sequence[Package], rules: PlanRules) -> RoundPlan:
    """Poll packages and queue their new commits.

    A second poll of the target waits for the first one: with older data, it would queue an older
    commit as the head.
    """
    if not packages:
        return RoundPlan((), (), {})
    started = time.monotonic()
    with hold(trunk.folder / "plan.lock", purpose="planning builds", wait=True):
        log.info("%s: asking the remotes of %d package(s)", trunk.name, len(packages))
        names = {package.name for package in packages}
        with trunk.store.read() as at:
            answered = [one.id for one in at.polls.asked(trunk.name) if one.package in names]
        followed = trunk.remotes.poll(packages)
        with trunk.store.read() as at:
            plan = make_plan(at, trunk.name, followed, rules, trunk.allow)
        if plan.commits:
            seconds = time.monotonic() - started
            log.info("%s: %d build(s) planned after %.1f s", trunk.name, len(plan.commits), seconds)
        digest = trunk.open_workplace().platform_digest if plan.commits else ""
        record_plan(
            trunk.store,
            trunk.name,
            plan,
            followed,
            platform_digest=digest,
            now=trunk.now(),
            like=trunk.siblings.keys(),
        )
        trace_commits(trunk, packages)
        if answered:
            with trunk.store.write() as at:
                at.polls.done(answered)
    return plan
