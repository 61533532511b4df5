"""Convert the content of a DLRN database to rows of ours, some hundred at a time.

Each group is one transaction, which also records how far it goes, so that a killed run continues
there.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rdo.app.targets import OpenTarget
from rdo.dlrn.layout import hash_directory
from rdo.errors import RefusedError
from rdo.model.commit import Commit
from rdo.store.takeover.rows import NewCommit, TakenCommit, TakenKind
from rdo.store.takeover.source import DlrnBuild, DlrnDatabase, Newest

log = logging.getLogger(__name__)

_STATES = frozenset({"SUCCESS", "FAILED", "RETRY"})
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class TakenHistory:
    """How much of a database was taken over, what was known before, and what is left out."""

    taken: Counter[str] = field(default_factory=Counter)
    known: int = 0
    builds: dict[int, TakenCommit] = field(default_factory=dict)
    logs: set[str] = field(default_factory=set)
    purged: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taking:
    """One target, and the database that is taken over for it. A dry run only counts."""

    opened: OpenTarget
    database: DlrnDatabase
    dry_run: bool = False

    def check(self) -> None:
        """Raise RefusedError for a target that this instance cannot be taken over for.

        These are targets that have built themselves while DLRN did, that were taken over from
        another instance, or that have no components although the instance has.
        """
        name, site = self.opened.name, self.opened.tree.site
        with self.opened.store.read() as at:
            own, known = at.takeovers.own_builds(name), at.takeovers.commits(name)
        is_first = bool(known)
        for one in (one for batch in self._all() for one in batch):
            if is_first and _is_new(one, known):
                raise RefusedError(
                    f"{name} was taken over from another database than {self.database.name}",
                    hint="take this one over into a target of its own",
                )
            is_first = False
            if own and _is_new(one, known):
                raise RefusedError(
                    f"{name} has {own} builds of its own, and DLRN has built since",
                    hint="stop DLRN, then take it over into a target that has not built yet",
                )
            if one.component and not site.components:
                raise RefusedError(
                    f"the instance has components, and target {name} has not",
                    hint=f"set components = true for {name} in rdo.toml",
                )

    def take(self) -> TakenHistory:
        """Take commits, then votes and promotions."""
        found, until = TakenHistory(), self.database.newest()
        self._commits(found, until)
        log.info("%s: %d builds of DLRN", self.opened.name, len(found.builds))
        self._votes(found, TakenKind.VOTE, until.votes)
        self._votes(found, TakenKind.AGGREGATE_VOTE, until.aggregate_votes)
        self._promotions(found, until.promotions)
        return found

    def _all(self) -> Iterator[list[DlrnBuild]]:
        return self.database.commits(0, self.database.newest().commits)

    def _commits(self, found: TakenHistory, until: Newest) -> None:
        with self.opened.store.read() as at:
            found.builds = at.takeovers.commits(self.opened.name)
        for batch in self.database.commits(0, until.commits):
            new = []
            for one in batch:
                path = self._path(one, found)
                if path and one.status != "SUCCESS":
                    found.logs.add(path)
                if path and one.is_purged:
                    found.purged.add(path)
                if path and _is_new(one, found.builds):
                    package = self.opened.packages.get(one.package)
                    upstream = package.only_upstream if package else ""
                    new.append(NewCommit(theirs=one, path=path, upstream=upstream))
                elif path:
                    found.known += 1
            if new:
                found.builds |= self._record(new)
                found.taken.update(f"commits-{one.theirs.status.lower()}" for one in new)
                log.info("%s: %d builds taken over", self.opened.name, found.taken.total())

    def _record(self, new: list[NewCommit]) -> dict[int, TakenCommit]:
        if self.dry_run:
            return {one.theirs.id: TakenCommit(0, *one.key, built=one.theirs.built) for one in new}
        with self.opened.store.write() as at:
            return at.takeovers.add_commits(self.opened.name, new, now=self.opened.now())

    def _path(self, one: DlrnBuild, found: TakenHistory) -> str:
        """Return the directory of a commit in the tree; record a fault instead of raising it."""
        fault = _fault(one)
        try:
            if not fault:
                return str(hash_directory(_commit(one), one.component))
        except ValueError as error:
            fault = str(error)
        found.faults.append(f"commit {one.id} is left out: {fault}")
        return ""

    def _votes(self, found: TakenHistory, kind: TakenKind, until: int) -> None:
        name, of_aggregates = self.opened.name, kind is TakenKind.AGGREGATE_VOTE
        with self.opened.store.read() as at:
            after = at.takeovers.last(name, kind)
        for batch in self.database.votes(after, until, on_aggregates=of_aggregates):
            if self.dry_run:
                number = sum(of_aggregates or one.commit_id in found.builds for one in batch)
            else:
                with self.opened.store.write() as at:
                    number = at.takeovers.add_votes(
                        name, kind, batch, found.builds, now=self.opened.now()
                    )
            found.taken[f"{kind}s"] += number
            _tell_unknown(found, kind, len(batch) - number)

    def _promotions(self, found: TakenHistory, until: int) -> None:
        with self.opened.store.read() as at:
            after = at.takeovers.last(self.opened.name, TakenKind.PROMOTION)
        for batch in self.database.promotions(after, until):
            if self.dry_run:
                number = sum(one.commit_id in found.builds for one in batch)
            else:
                with self.opened.store.write() as at:
                    number = at.takeovers.add_promotions(self.opened.name, batch, found.builds)
            found.taken[f"{TakenKind.PROMOTION}s"] += number
            _tell_unknown(found, TakenKind.PROMOTION, len(batch) - number)


def _fault(one: DlrnBuild) -> str:
    """Return why a row cannot become a build; empty if it can."""
    if one.kind != "rpm":
        return f"it is a {one.kind}"
    if one.status not in _STATES:
        return f"its status is {one.status!r}"
    return "" if one.package else "it belongs to no package"


def _is_new(one: DlrnBuild, known: Mapping[int, TakenCommit]) -> bool:
    return one.id not in known or not known[one.id].is_of(one)


def _tell_unknown(found: TakenHistory, kind: TakenKind, number: int) -> None:
    if number:
        found.faults.append(f"{number} rows ({kind}) are left out: their commits are")


def _commit(one: DlrnBuild) -> Commit:
    return Commit(
        package=one.package,
        upstream_hash=one.upstream_hash,
        distgit_hash=one.distgit_hash,
        upstream_time=_EPOCH + timedelta(seconds=one.upstream_time),
        distgit_time=_EPOCH + timedelta(seconds=one.distgit_time),
        upstream_branch=one.branch,
        extended_hash=one.extended_hash,
        component=one.component,
    )
