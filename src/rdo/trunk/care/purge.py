"""Removing what a target needs no more, and mirrors that no target follows any more."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rdo.bridge.lock_file import LockFile
from rdo.disk_usage import freed_bytes
from rdo.errors import RefusedError
from rdo.lock import hold
from rdo.mirrors import remove_mirror
from rdo.publish.retention import Purge, Rules, carry_out_purge, plan_purge
from rdo.trunk.context import Trunk
from rdo.trunk.round import recover
from rdo.trunk.sources.poll import Remotes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge of a target removed, or would remove."""

    target: str
    purge: Purge
    dry_run: bool


def purge(trunk: Trunk, rules: Rules, *, dry_run: bool) -> Purged:
    """Remove what is needed no more; waits for a round that is at work."""
    if dry_run:
        return Purged(trunk.name, _plan(trunk, rules), dry_run=True)
    purpose = f"rdo trunk purge --target {trunk.name}"
    lock_file = trunk.folder / "round.lock"
    try:
        with hold(lock_file, purpose=purpose):
            pass
    except RefusedError as error:
        log.info("waits, for %s", error)
    with hold(lock_file, purpose=purpose, wait=True):
        recover(trunk)
        found = _plan(trunk, rules)
        carry_out_purge(trunk.tree, found)
    return Purged(trunk.name, found, dry_run=False)


def _plan(trunk: Trunk, rules: Rules) -> Purge:
    locks = ("bridge.json", "last-resort.json")
    current = [LockFile.read(trunk.folder / name).snapshot for name in locks]
    return plan_purge(trunk.tree, trunk.store, rules, trunk.now(), current)


@dataclass(frozen=True, slots=True)
class PurgedMirrors:
    """Mirrors of what no target follows any more, in git or on PyPI; `freed` is in bytes."""

    paths: tuple[Path, ...] = ()
    freed: int = 0


def purge_mirrors(
    remotes: Remotes, trunks: Sequence[Trunk], keep: timedelta, now: datetime, *, dry_run: bool
) -> PurgedMirrors:
    """Remove mirrors that none of the targets follows and that were not fetched for so long."""
    urls = {url for trunk in trunks for one in trunk.packages.values() for url in one.remotes}
    before = min(time.time(), now.timestamp()) - keep.total_seconds()
    found = (*remotes.mirrors.unused(urls, before), *remotes.releases.unused(urls, before))
    freed = freed_bytes(found)
    if not dry_run:
        for path in found:
            remove_mirror(path)
    return PurgedMirrors(found, freed)
