"""Find and remove what a target no longer needs: repositories, RPMs, snapshots, builds and logs.

Keeps every repository that a name points to, each package's newest builds, everything recent, and
everything that these refer to. All else is removed.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from rdo.disk_usage import allocated_bytes, freed_bytes
from rdo.publish import bootstrap, pool
from rdo.publish.references import DamagedError
from rdo.publish.tree import Tree
from rdo.publish.upkeep.needed import needed_by_others, oldest_reader
from rdo.store import Store, Transaction
from rdo.store.given.repositories import Repository
from rdo.store.work import recipe

GRACE = timedelta(hours=1)
"""How long a repository stays after a name has left it, because a host may still be installing."""

LAST_RESORT = "../bootstrap-deps"
"""The folder of snapshots for bootstrap builds only, relative to the tree."""

_SNAPSHOT = re.compile(r"[0-9a-f]{16}")
_IN_RECIPE = re.compile(r"/bootstrap-deps/([0-9a-f]{16})\b")
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Rules:
    """How long to keep what nothing needs.

    While the target uses more than `max_bytes` (if not 0), the time `keep` is shortened.
    """

    keep: timedelta
    max_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Purge:
    """What to remove: repositories, other paths relative to the tree, RPMs of builds.

    `known` are all repositories in the tree, by id. `freed` is disk space in bytes.
    """

    known: frozenset[int]
    repositories: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    rpms: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()
    bootstrap: tuple[str, ...] = ()
    forgotten: frozenset[int] = frozenset()
    kept: int = 0
    freed: int = 0
    keep: timedelta = timedelta()

    @property
    def others(self) -> tuple[str, ...]:
        return (
            *(*self.logs, *self.builds, *self.rpms, *self.snapshots),
            *(*self.aggregates, *self.bootstrap),
        )

    @property
    def is_empty(self) -> bool:
        return not (self.repositories or self.others or self.forgotten)


def plan_purge(
    tree: Tree, store: Store, rules: Rules, now: datetime, current: Collection[str]
) -> Purge:
    """Decide what to remove, without changing anything.

    `current` are the snapshots that builds use now. Raises DamagedError if a kept repository
    cannot be read.
    """
    found = _plan(tree, store, rules.keep, now, current)
    if not rules.max_bytes:
        return found
    used = allocated_bytes(tree.folder)
    keep = rules.keep
    while used - found.freed > rules.max_bytes and keep > GRACE:
        keep = max(keep / 2, GRACE)
        found = _plan(tree, store, keep, now, current)
    return found


def carry_out_purge(tree: Tree, purge: Purge) -> None:
    """Remove what was planned; if killed, the next change of the tree finishes it."""
    if not purge.is_empty:
        tree.remove(purge.known, purge.repositories, purge.others, purge.forgotten)


def _plan(
    tree: Tree, store: Store, keep: timedelta, now: datetime, current: Collection[str]
) -> Purge:
    target, repos = tree.site.target, tree.repos
    cutoff = now - keep
    with store.read() as at:
        everything = at.repositories.in_tree(target)
        reading = oldest_reader(at, tree.folder, target) or now
        elsewhere = needed_by_others(at, tree.folder, target)
        grace = min(cutoff, now - GRACE, reading)
        needed = _needed(at, target, everything, cutoff, grace, elsewhere)
        ended = at.builds.ended_before(target, cutoff)
        standing = at.packages.build_ids(target) | _held(at, target)
        with_rpms = at.artifacts.build_ids(target)
        failures = at.builds.failed_commits(target)
        own = {one.build_id for one in everything if one.id in needed and one.build_id}
        kept_builds = standing | own | (with_rpms - ended)
        shas = {one.artifact.sha256 for one in at.artifacts.of_builds(kept_builds & with_rpms)}
    kept = [one for one in everything if one.id in needed]
    old = tuple(one.path for one in everything if one.id not in needed)
    used, named = set(shas), set(current)
    named |= {path.removeprefix("deps/") for path in elsewhere if path.startswith("deps/")}
    for repository in kept:
        try:
            rpms, deps = tree.journal.references.of(repos / repository.path)
            used |= rpms
            named |= deps
        except DamagedError as error:
            raise DamagedError(
                f"{target}: nothing is removed, because {repository.path} is damaged: {error}",
                hint=f"rdo trunk verify --repair --target {target}",
            ) from error
    with store.read() as at:  # else kept repositories become unreadable
        holding = at.artifacts.builds_with(target, used)
    still_known = kept_builds.union(*holding.values())
    places = {one.path for one in everything}
    last = {str(tree.site.directory(commit)): id_ for id_, commit in sorted(failures.items())}
    logs = tuple(
        path
        for path, id_ in last.items()
        if path not in places and id_ in ended - standing and (repos / path).is_dir()
    )
    removable = ended - kept_builds
    purge = Purge(
        known=frozenset(one.id for one in everything),
        repositories=old,
        logs=logs,
        builds=tuple(_builds(tree.folder, removable)),
        rpms=tuple(_rpms(repos, used)),
        snapshots=(
            *_snapshots(repos, "deps", named, cutoff),
            *_snapshots(repos, LAST_RESORT, named | _in_recipes(tree.folder, removable), cutoff),
        ),
        aggregates=tuple(_aggregates(repos, cutoff)),
        bootstrap=tuple(_bootstrap(tree.folder, store, target, min(cutoff, now - GRACE))),
        forgotten=with_rpms - still_known,
        kept=len(kept),
        keep=keep,
    )
    freed = freed_bytes(repos / path for path in (*purge.repositories, *purge.others))
    return replace(purge, freed=freed)


def _needed(
    at: Transaction,
    target: str,
    everything: Iterable[Repository],
    cutoff: datetime,
    grace: datetime,
    elsewhere: Collection[str],
) -> frozenset[int]:
    """Return the repositories that stay, by id; `elsewhere` are paths that other targets need."""
    led = {repository.path for _, repository in at.names.all(target)}
    left = at.names.left_since(target, grace)
    standing = at.packages.build_ids(target) | _held(at, target)
    return frozenset(
        one.id
        for one in everything
        if one.path in led
        or one.path in elsewhere
        or one.id in left
        or one.build_id in standing
        or one.created >= cutoff
    )


def _held(at: Transaction, target: str) -> frozenset[int]:
    holds = at.holds.all(target).values()
    return frozenset(hold.build_id for hold in holds if hold.build_id is not None)


def _builds(folder: Path, removable: Collection[int]) -> Iterator[str]:
    """Return the folders with logs and RPMs of builds, which are beside the tree."""
    return (f"../builds/{id_}" for id_ in sorted(removable) if (folder / f"builds/{id_}").is_dir())


def _rpms(repos: Path, used: Collection[str]) -> Iterator[str]:
    place = repos / pool.NAME
    entries = sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []
    return (f"{pool.NAME}/{name}" for name in entries if name not in used)


def _snapshots(repos: Path, folder: str, named: Collection[str], cutoff: datetime) -> Iterator[str]:
    place = repos / folder
    for snapshot in sorted(place.iterdir()) if place.is_dir() else ():
        if not _SNAPSHOT.fullmatch(snapshot.name) or snapshot.name in named:
            continue  # such as the link to the current one
        if snapshot.stat().st_mtime < cutoff.timestamp():
            yield f"{folder}/{snapshot.name}"


def _in_recipes(folder: Path, removable: Collection[int]) -> set[str]:
    """Return the last-resort snapshots in the recipes of builds whose folders stay."""
    if not (folder / "bootstrap-deps").is_dir():
        return set()
    gone = set(map(str, removable))
    recipes = (folder / "builds").glob(f"*/{recipe.NAME}")
    texts = (file.read_text() for file in recipes if file.parent.name not in gone)
    return {name for text in texts for name in _IN_RECIPE.findall(text)}


def _aggregates(repos: Path, cutoff: datetime) -> Iterator[str]:
    """Return older link targets of a name's top-level files, in a tree with components."""
    for top in sorted(repos.iterdir()) if repos.is_dir() else ():
        if top.is_symlink() or top.name in {pool.NAME, "component", "deps"} or not top.is_dir():
            continue
        links = {link.resolve().parent for link in top.iterdir() if link.is_symlink()}
        for place in sorted(top.glob("??/??/*")):
            old = place.stat().st_mtime < cutoff.timestamp()
            if links and _MD5.fullmatch(place.name) and place not in links and old:
                yield str(place.relative_to(repos))


def _bootstrap(folder: Path, store: Store, target: str, cutoff: datetime) -> Iterator[str]:
    kept = {place.name for place in bootstrap.directories(folder, store, target)}
    places = folder / "bootstrap"
    for place in sorted(places.iterdir()) if places.is_dir() else ():
        if place.name not in kept and place.stat().st_mtime < cutoff.timestamp():
            yield f"../bootstrap/{place.name}"
