"""Results of the checks of repositories; each is stored completely or not at all."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rdo.store.batches import batches
from rdo.store.moments import moment, seconds
from rdo.store.schema import CheckedRepositoryRow, CheckResultRow, RepositoryRow


class ResultState(StrEnum):
    """How a check ended: without findings, with findings, or skipped."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check of a set of repositories, one per component.

    `context` names what the answer depends on besides the repositories: a result is valid only
    where both are the same. `against` are the paths of the repositories that it compared with.
    `findings` is JSON, which `rdo.promotion` writes and reads. `owners` look after what was found.
    `log` is relative to the target's folder, empty if there is none.
    """

    check: str
    context: str
    state: ResultState
    reason: str
    findings: str
    owners: tuple[str, ...]
    checked: datetime
    by: str
    seconds: float
    against: tuple[str, ...] = ()
    log: str = ""


@dataclass(frozen=True, slots=True)
class CheckResults:
    """The tables of results and of the repositories they are about, within one transaction."""

    session: Session

    def keep(self, target: str, repositories: Collection[int], result: CheckResult) -> None:
        """Record a result; it replaces the one of the same check, repositories and context."""
        subject = _subject(repositories)
        for old in self.session.scalars(
            select(CheckResultRow).where(
                CheckResultRow.target == target,
                CheckResultRow.subject == subject,
                CheckResultRow.check_name == result.check,
                CheckResultRow.context == result.context,
            )
        ):
            self._drop([old.id])
        row = CheckResultRow(
            target=target,
            subject=subject,
            check_name=result.check,
            context=result.context,
            state=result.state,
            reason=result.reason,
            findings=result.findings,
            owners="\n".join(result.owners),
            against="\n".join(result.against),
            checked=seconds(result.checked),
            checked_by=result.by,
            milliseconds=round(result.seconds * 1000),
            log=result.log,
        )
        self.session.add(row)
        self.session.flush()
        self.session.add_all(
            CheckedRepositoryRow(result_id=row.id, repository_id=one) for one in set(repositories)
        )
        self.session.flush()

    def of(self, target: str, repositories: Collection[int]) -> tuple[CheckResult, ...]:
        """Return the results about exactly these repositories, oldest first."""
        query = select(CheckResultRow).where(
            CheckResultRow.target == target, CheckResultRow.subject == _subject(repositories)
        )
        rows = self.session.scalars(query.order_by(CheckResultRow.checked, CheckResultRow.id))
        return tuple(map(_result, rows))

    def about(self, repository: int) -> tuple[CheckResult, ...]:
        """Return the results in which a repository was checked, alone or with others."""
        query = (
            select(CheckResultRow)
            .join(CheckedRepositoryRow, CheckedRepositoryRow.result_id == CheckResultRow.id)
            .where(CheckedRepositoryRow.repository_id == repository)
            .order_by(CheckResultRow.checked, CheckResultRow.id)
        )
        return tuple(map(_result, self.session.scalars(query)))

    def of_removed(self, target: str) -> tuple[int, ...]:
        """Return the repositories that have results and are no longer in the tree."""
        query = (
            select(RepositoryRow.id)
            .join(CheckedRepositoryRow, CheckedRepositoryRow.repository_id == RepositoryRow.id)
            .where(RepositoryRow.target == target, RepositoryRow.removed.is_not(None))
            .distinct()
        )
        return tuple(self.session.scalars(query))

    def forget(self, repositories: Collection[int]) -> tuple[str, ...]:
        """Remove every result about one of these repositories; return the paths of their logs."""
        ids: set[int] = set()
        for part in batches(repositories):
            query = select(CheckedRepositoryRow.result_id)
            ids.update(
                self.session.scalars(query.where(CheckedRepositoryRow.repository_id.in_(part)))
            )
        logs = [self.session.get_one(CheckResultRow, one).log for one in sorted(ids)]
        self._drop(ids)
        return tuple(filter(None, logs))

    def _drop(self, ids: Iterable[int]) -> None:
        for one in ids:
            self.session.execute(
                delete(CheckedRepositoryRow).where(CheckedRepositoryRow.result_id == one)
            )
            self.session.execute(delete(CheckResultRow).where(CheckResultRow.id == one))
        self.session.expire_all()


def _subject(repositories: Collection[int]) -> str:
    return ",".join(map(str, sorted(set(repositories))))


def _result(row: CheckResultRow) -> CheckResult:
    return CheckResult(
        check=row.check_name,
        context=row.context,
        state=ResultState(row.state),
        reason=row.reason,
        findings=row.findings,
        owners=tuple(filter(None, row.owners.split("\n"))),
        checked=moment(row.checked),
        by=row.checked_by,
        seconds=row.milliseconds / 1000,
        against=tuple(filter(None, row.against.split("\n"))),
        log=row.log,
    )
