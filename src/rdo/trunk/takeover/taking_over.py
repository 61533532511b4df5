"""Take over a DLRN instance for a target, from the first step to the last.

The target is paused first and resumed at the end, so that no round builds anything in between. Each
step records what it has done, so that a killed or repeated run continues there.
"""

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdo.access.accounts import Accounts
from rdo.access.roles import Role
from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.beneath import Beneath, open_beneath
from rdo.dlrn.layout import component_directory
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.lock import hold
from rdo.publish.change import Link
from rdo.publish.names import CONSISTENT, CURRENT, check_promotion_name
from rdo.publish.upkeep.adoption import LARGEST, Adopted, Adoption
from rdo.store.given.repositories import Repository
from rdo.store.takeover.source import DlrnDatabase
from rdo.trunk.takeover.history import TakenHistory, Taking

log = logging.getLogger(__name__)

_PAUSED_BY = "rdo trunk import-dlrn"
_AT_ONCE = 20  # repositories between two lines of progress


@dataclass(frozen=True, slots=True)
class DlrnInstance:
    """A DLRN instance: its database, its published tree, and the role that its users get."""

    database: str
    tree: Path
    role: Role = Role.ADMIN


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What was taken over, or would be in a dry run.

    `taken` counts rows by their kind, `known` those that were here before. `left_out` has a
    sentence for each thing that was not taken, and `lost` are the packages with good builds whose
    RPMs are not in the tree.
    """

    target: str
    taken: Mapping[str, int]
    known: int
    users: int
    repositories: int
    files: int
    copied: int
    names: Mapping[str, str]
    left_out: tuple[str, ...]
    lost: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """1 if anything was left out."""
        return 1 if self.left_out or self.lost else 0


@dataclass(frozen=True, slots=True)
class Takeover:
    """One run. In a dry run nothing is written."""

    app: App
    opened: OpenTarget
    instance: DlrnInstance
    dry_run: bool = False
    left_out: list[str] = field(default_factory=list)

    def carry_out(self) -> TakenOver:
        """Take over everything that is not here yet."""
        with (
            DlrnDatabase(self.instance.database) as database,
            _source(self.instance.tree, self.opened) as source,
            self._alone(Taking(self.opened, database, self.dry_run)) as taking,
        ):
            users = self._users(database)
            history = taking.take()
            self.left_out.extend(history.faults)
            adoption = self._adoption(source)
            names = self._tree(adoption, history)
            lost = self._states()
        done = adoption.done
        return TakenOver(
            self.opened.name,
            dict(sorted(history.taken.items())),
            history.known,
            users,
            done.directories,
            done.files,
            done.copied,
            names,
            (*self.left_out, *done.faults),
            lost,
            self.dry_run,
        )

    @contextlib.contextmanager
    def _alone(self, taking: Taking) -> Iterator[Taking]:
        """Block rounds, and keep the target paused until everything is taken over."""
        if self.dry_run:
            taking.check()
            yield taking
            return
        name, store, now = self.opened.name, self.opened.store, self.opened.now()
        purpose = f"{_PAUSED_BY} --target {name}"
        with hold(self.opened.folder / "round.lock", purpose=purpose):
            self.opened.tree.journal.finish()
            taking.check()
            with store.write() as at:
                if at.holds.pause_of(name) is None:
                    why = "its DLRN instance is not taken over completely"
                    at.holds.pause(name, now=now, by=_PAUSED_BY, why=why)
            yield taking
            with store.write() as at:
                pause = at.holds.pause_of(name)
                if pause and pause.by == _PAUSED_BY:
                    at.holds.resume(name)

    def _users(self, database: DlrnDatabase) -> int:
        """Take the users, each with the role on the target; return how many are new here."""
        opened, number = self.opened, 0
        found = database.users()
        if self.dry_run:
            return len(found)
        accounts = Accounts(opened.store, [opened.name], self.app.user, opened.now())
        for name, hashed in found:
            try:
                number += accounts.take_over(name, hashed, opened.name, self.instance.role)
            except ConfigError as error:
                self.left_out.append(f"user {name!r} is left out: {error}")
        return number

    def _adoption(self, source: Beneath) -> Adoption:
        opened = self.opened
        with opened.store.read() as at:
            builds = at.takeovers.builds_at(opened.name)
        return Adoption(opened.tree, opened.store, source, builds, Adopted())

    def _tree(self, adoption: Adoption, history: TakenHistory) -> dict[str, str]:
        """Take the directories and names of the tree; return where names point."""
        opened = self.opened
        if self.dry_run:
            return dict(self._links(adoption))
        with opened.store.read() as at:
            missing = at.takeovers.not_in_tree(opened.name)
        there = [one for one in missing if adoption.has_repository(one.path)]
        for start in range(0, len(there), _AT_ONCE):
            adoption.take_repositories(there[start : start + _AT_ONCE])
            done = min(start + _AT_ONCE, len(there))
            log.info("%s: %d of %d repositories taken over", opened.name, done, len(there))
        self._tell_missing(history, missing, there)
        adoption.take_logs(sorted(history.logs - adoption.builds.keys()))
        dependencies = opened.tree.site.dependencies_file
        if not (opened.tree.repos / dependencies).exists():
            with contextlib.suppress(FileNotFoundError, RefusedError):
                place = opened.tree.repos / dependencies
                adoption.source.link(dependencies, place, limit=LARGEST)
        return self._names(adoption)

    def _tell_missing(
        self,
        history: TakenHistory,
        missing: Collection[Repository],
        there: Collection[Repository],
    ) -> None:
        """Report repositories that should be in the tree and are not, except purged ones."""
        gone = {one.path for one in missing} - {one.path for one in there} - history.purged
        self.left_out.extend(f"{path} is not in the tree" for path in sorted(gone))

    def _names(self, adoption: Adoption) -> dict[str, str]:
        """Record where the names of the tree point, and make their links; return them."""
        opened, found = self.opened, dict(self._links(adoption))
        with opened.store.read() as at:
            there = {one.path: one for one in at.repositories.in_tree(opened.name)}
        led = {link: there[path] for link, path in found.items() if path in there}
        for link in sorted(found.keys() - led.keys()):
            self.left_out.append(f"{link} is left out: {found[link]} is not in the tree")
        aggregates, last = {}, {}
        for link in sorted(led):
            last[link.rpartition("/")[2]] = link
        if opened.tree.site.components:
            aggregates = {name: adoption.take_aggregates(name) for name in last}
        with opened.store.write() as at:
            for link, repository in sorted(led.items()):
                name = link.rpartition("/")[2]
                aggregate = aggregates.get(name, "") if last[name] == link else ""
                at.takeovers.lead(opened.name, repository, name, aggregate=aggregate)
        if led:
            adoption.point([Link(link, repository.path) for link, repository in led.items()])
        return {link: repository.path for link, repository in led.items()}

    def _links(self, adoption: Adoption) -> Iterator[tuple[str, str]]:
        """Yield the names of the source, by their path in the tree, and where they point."""
        for part in self._parts(adoption.source):
            for name, _ in adoption.source.links(part or "."):
                link = f"{part}/{name}".lstrip("/")
                place = adoption.name_of(link)
                if not place or not place.startswith(f"{part}/" if part else ""):
                    self.left_out.append(f"{link} is left out: it leads to no repository")
                elif name in {CURRENT, CONSISTENT} or _can_be_promoted(name):
                    yield link, place
                else:
                    self.left_out.append(f"{link} is left out: it cannot be a promotion name")

    def _parts(self, source: Beneath) -> list[str]:
        """Return the folders of the source that contain names: its top, or each component's."""
        if not self.opened.tree.site.components:
            return [""]
        parts = []
        for name, _ in source.entries("component"):
            with contextlib.suppress(ValueError):
                parts.append(str(component_directory(name)))
        return sorted(parts)

    def _states(self) -> tuple[str, ...]:
        """Compute the states of packages, unless rounds of ours have done that since."""
        name = self.opened.name
        if self.dry_run:
            return ()
        with self.opened.store.write() as at:
            if at.takeovers.own_builds(name):
                return ()
            return tuple(at.takeovers.set_states(name))


def take_over(
    app: App, target: str | None, instance: DlrnInstance, *, dry_run: bool = False
) -> TakenOver:
    """Take over a DLRN instance for a target; leave what is already here as it is.

    Raises NotFoundError if the tree does not exist, ConfigError if the file is not a database of
    DLRN, and RefusedError for a target that has builds of its own, or was taken over from another
    instance.
    """
    opened = app.target(app.settings.only_target(target))
    return Takeover(app, opened, instance, dry_run).carry_out()


def as_row(done: TakenOver) -> dict[str, Any]:
    """Return the result as JSON data."""
    return {
        "target": done.target,
        "dry_run": done.dry_run,
        "taken": {
            **done.taken,
            "users": done.users,
            "repositories": done.repositories,
            "files": done.files,
            "copied": done.copied,
        },
        "known": done.known,
        "names": dict(done.names),
        "left_out": list(done.left_out),
        "lost": list(done.lost),
    }


@contextlib.contextmanager
def _source(tree: Path, opened: OpenTarget) -> Iterator[Beneath]:
    """Open a published tree. Raises NotFoundError if it is not one, RefusedError if it is ours."""
    folder = tree / "repos" if (tree / "repos").is_dir() else tree
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {tree}", hint="name the folder repos of DLRN")
    ours = opened.tree.repos
    if ours.exists() and folder.samefile(ours):
        raise RefusedError(f"{tree} is the tree of {opened.name} itself")
    with open_beneath(folder) as source:
        yield source


def _can_be_promoted(name: str) -> bool:
    try:
        check_promotion_name(name)
    except RefusedError:
        return False
    return True
