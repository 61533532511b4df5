"""Remove what targets no longer need, and mirrors that no target follows any more."""

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rdo.app import App
from rdo.bridge.lock_file import LockFile
from rdo.disk_usage import freed_bytes
from rdo.errors import RefusedError
from rdo.lock import hold
from rdo.mirrors import remove_mirror
from rdo.publish.upkeep.deletion import plan_deletion
from rdo.publish.upkeep.retention import Purge, Rules, carry_out_purge, plan_purge
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk, open_trunks
from rdo.trunk.round import recover
from rdo.trunk.sources.poll import Remotes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge of one target removed, or would remove."""

    target: str
    purge: Purge
    dry_run: bool


def purge(trunk: Trunk, rules: Rules, *, dry_run: bool) -> Purged:
    """Remove what a target no longer needs, after waiting for a running round to finish."""
    if dry_run:
        return Purged(trunk.name, _plan(trunk, rules), dry_run=True)
    with _alone(trunk, f"rdo trunk purge --target {trunk.name}"):
        found = _plan(trunk, rules)
        carry_out_purge(trunk.tree, found)
    return Purged(trunk.name, found, dry_run=False)


def delete_build(trunk: Trunk, build: Build, *, dry_run: bool) -> Purged:
    """Remove one build and every repository with its RPMs, after waiting for a running round.

    Raises the errors of `plan_deletion`.
    """
    if dry_run:
        return Purged(trunk.name, plan_deletion(trunk.tree, trunk.store, build), dry_run=True)
    with _alone(trunk, f"rdo trunk delete-build {build.id} --target {trunk.name}"):
        found = plan_deletion(trunk.tree, trunk.store, build)
        carry_out_purge(trunk.tree, found)
    return Purged(trunk.name, found, dry_run=False)


@contextlib.contextmanager
def _alone(trunk: Trunk, purpose: str) -> Iterator[None]:
    """Wait for a running round, complete what a killed one left, and block new rounds."""
    lock_file = trunk.folder / "round.lock"
    try:
        with hold(lock_file, purpose=purpose):
            pass
    except RefusedError as error:
        log.info("waiting: %s", error)
    with hold(lock_file, purpose=purpose, wait=True):
        recover(trunk)
        yield


def _plan(trunk: Trunk, rules: Rules) -> Purge:
    locks = ("bridge.json", "last-resort.json")
    current = [LockFile.read(trunk.folder / name).snapshot for name in locks]
    return plan_purge(trunk.tree, trunk.store, rules, trunk.now(), current)


@dataclass(frozen=True, slots=True)
class PurgedMirrors:
    """Mirrors of git or PyPI that no target follows any more; `freed` is in bytes."""

    paths: tuple[Path, ...] = ()
    freed: int = 0


def purge_mirrors(
    remotes: Remotes, trunks: Sequence[Trunk], keep: timedelta, now: datetime, *, dry_run: bool
) -> PurgedMirrors:
    """Remove mirrors that no target follows and that were not fetched within `keep`."""
    urls = {url for trunk in trunks for one in trunk.packages.values() for url in one.remotes}
    before = min(time.time(), now.timestamp()) - keep.total_seconds()
    found = (*remotes.mirrors.unused(urls, before), *remotes.releases.unused(urls, before))
    freed = freed_bytes(found)
    if not dry_run:
        for path in found:
            remove_mirror(path)
    return PurgedMirrors(found, freed)


@dataclass(frozen=True, slots=True)
class FactoryPurge:
    """What a purge of one or all targets removed, or would remove."""

    targets: tuple[Purged, ...]
    mirrors: PurgedMirrors = PurgedMirrors()

    @property
    def is_empty(self) -> bool:
        return not self.mirrors.paths and all(one.purge.is_empty for one in self.targets)


def purge_factory(
    app: App, target: str | None = None, *, days: float | None = None, dry_run: bool
) -> FactoryPurge:
    """Purge one target, or all targets and their mirrors, of what is older than `days`.

    Without `days`, the configured retention applies.
    """
    retention = app.settings.retention
    keep = timedelta(days=retention.keep_days if days is None else days)
    rules = Rules(keep, retention.max_gb * 1_000_000_000)
    trunks = open_trunks(app, target)
    is_all = len(trunks) == len(app.settings.targets)
    return purge_targets(trunks, rules, app.now(), is_all=is_all, dry_run=dry_run)


def purge_targets(
    trunks: Sequence[Trunk], rules: Rules, now: datetime, *, is_all: bool, dry_run: bool
) -> FactoryPurge:
    """Purge each target; mirrors too if these are all targets of the factory.

    Other targets may follow any mirror, so if one is left out, no mirror is removed.
    """
    purged = tuple(purge(trunk, rules, dry_run=dry_run) for trunk in trunks)
    if not (is_all and trunks):
        return FactoryPurge(purged)
    remotes = trunks[0].remotes  # the mirrors are shared by all targets
    return FactoryPurge(purged, purge_mirrors(remotes, trunks, rules.keep, now, dry_run=dry_run))


def as_row(done: FactoryPurge) -> dict[str, object]:
    """Return a purge as JSON data."""
    return {"targets": [target_row(one) for one in done.targets], "mirrors": done.mirrors}


def target_row(one: Purged) -> dict[str, object]:
    """Return what a purge of one target removed as JSON data."""
    found = one.purge
    return {
        "target": one.target,
        "dry_run": one.dry_run,
        "kept_repositories": found.kept,
        "keep_days": found.keep.total_seconds() / 86400,
        "repositories": found.repositories,
        "logs": found.logs,
        "builds": found.builds,
        "rpms": found.rpms,
        "snapshots": found.snapshots,
        "aggregates": found.aggregates,
        "bootstrap": found.bootstrap,
        "freed_bytes": found.freed,
    }
