"""Rounds of several targets, one after another; a failing target does not stop the others."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rdo.app import App
from rdo.errors import UserError
from rdo.trunk.context import open_trunk, open_trunks
from rdo.trunk.plan import PlanRules
from rdo.trunk.progress import Watcher, nobody_watches
from rdo.trunk.round import RoundOptions, run_round
from rdo.trunk.telling.ways import outbox
from rdo.trunk.views import report
from rdo.trunk.views.pages import write_targets_page
from rdo.trunk.views.report import ALL_WELL, FTBFS, Report

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What the caller wants of every target; `workers` of 0 means the configured number."""

    packages: frozenset[str] = frozenset()
    head_only: bool = False
    dry_run: bool = False
    workers: int = 0
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A target whose round could not run, and why."""

    target: str
    error: UserError


def run_target(
    app: App, target: str, asked: RoundRequest, watch: Watcher = nobody_watches
) -> Report:
    """Run one round of one target."""
    trunk = open_trunk(app, target)
    for name in asked.packages:
        trunk.package(name)
    if not asked.dry_run:
        app.workplaces.check(target)  # else each package would be tried, and blamed
        if trunk.tree.signer:
            trunk.tree.signer.check()
    if asked.workers:
        trunk = replace(trunk, workers=asked.workers)
    rules = PlanRules(app.settings.target(target).initial_commits, asked.head_only)
    options = RoundOptions(rules, asked.packages, asked.dry_run, asked.stop)
    done = run_round(trunk, options, watch=watch)
    if not asked.dry_run:
        outbox(app).run()  # who cannot be reached now is notified after the next round
    return done


def run_targets(
    app: App, targets: Sequence[str], asked: RoundRequest, watch: Watcher = nobody_watches
) -> list[Report | Unfinished]:
    """Run a round of each target in turn. Raises the error of a target that is the only one."""
    app.metadata_max_age_seconds = 0.0  # a round sees the metadata as it is now
    app.store  # noqa: B018 - one error for all targets if it cannot be opened
    try:
        return _run_targets(app, targets, asked, watch)
    finally:
        if not asked.dry_run:
            _show_targets(app)


def _show_targets(app: App) -> None:
    """Write the page of all targets beside their trees; the rounds' results stand in any case."""
    try:
        trunks = open_trunks(app, None)
        write_targets_page(trunks, app.settings.data / "index.html")
    except (UserError, OSError) as error:
        log.warning("the page of all targets is not up to date: %s", error)


def _run_targets(
    app: App, targets: Sequence[str], asked: RoundRequest, watch: Watcher
) -> list[Report | Unfinished]:
    if len(targets) == 1:
        return [run_target(app, targets[0], asked, watch)]
    done: list[Report | Unfinished] = []
    for target in targets:
        try:
            done.append(run_target(app, target, asked, watch))
        except UserError as error:
            log.error("%s: %s", target, error)  # noqa: TRY400 - for a person, not a bug
            done.append(Unfinished(target, error))
    return done


def as_row(done: Report | Unfinished) -> dict[str, object]:
    """Return a target's round, or why it could not be done, as a program reads it."""
    if isinstance(done, Unfinished):
        error = done.error
        return {"target": done.target, "error": str(error), "exit_code": error.exit_code}
    return report.as_row(done)


def summary(done: Report | Unfinished) -> str:
    """Return the same in lines for a person."""
    if isinstance(done, Unfinished):
        return f"{done.target}: {done.error}"
    return report.summary(done)


def exit_code(done: Iterable[Report | Unfinished]) -> int:
    """Return the worst exit code: FTBFS, then the error of a round, then external problems."""
    codes = {one.error.exit_code if isinstance(one, Unfinished) else one.exit_code for one in done}
    if FTBFS in codes:
        return FTBFS
    return min(codes - {ALL_WELL}, default=ALL_WELL)
