"""The report of a round: as text, as JSON data, and as an exit code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rdo.logs.reader import one_line
from rdo.model.build import Built, Failed, Outcome
from rdo.model.commit import Commit
from rdo.model.release_number import ReleaseNumber
from rdo.model.text.dates import minute
from rdo.model.text.short_list import short_list
from rdo.publish.backwards import Backwards
from rdo.store.work.builds import Build
from rdo.trunk.plan import RoundPlan

ALL_WELL, FTBFS, OUTSIDE = 0, 1, 6


@dataclass(frozen=True, slots=True)
class Ended:
    """A build that ended in this round; `will_retry` means that its failure was spurious.

    `backwards` are RPMs of it that are older than the ones they replace, which users must know.
    """

    build: Build
    release: ReleaseNumber
    outcome: Outcome
    seconds: float
    folder: Path
    will_retry: bool = False
    backwards: tuple[Backwards, ...] = ()

    @property
    def is_final_failure(self) -> bool:
        """Whether it failed and is not tried again automatically."""
        return isinstance(self.outcome, Failed) and not self.will_retry


@dataclass(frozen=True, slots=True)
class Held:
    """A build that this round could not start or finish, and the packages it waits for."""

    build: Build
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One round of one target; `dropped` are the builds that left the queue untried.

    `faulty` has the metadata faults of packages that it did not work on, and `kept_back` is the
    number of held packages. `failed_before` are packages whose failure was recorded by a round that
    did not end.
    """

    target: str
    packages: int
    seconds: float
    plan: RoundPlan
    ended: tuple[Ended, ...] = ()
    held: tuple[Held, ...] = ()
    dropped: tuple[Build, ...] = ()
    ftbfs: tuple[str, ...] = ()
    dry_run: bool = False
    faulty: Mapping[str, str] = field(default_factory=dict)
    kept_back: int = 0
    failed_before: tuple[str, ...] = ()

    @property
    def built(self) -> tuple[Ended, ...]:
        return tuple(one for one in self.ended if isinstance(one.outcome, Built))

    @property
    def failed(self) -> tuple[Ended, ...]:
        return tuple(one for one in self.ended if one.is_final_failure)

    @property
    def to_retry(self) -> tuple[Ended, ...]:
        return tuple(one for one in self.ended if one.will_retry)

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        work = self.ended or self.held or self.dropped or self.failed_before or self.plan.commits
        return not (work or self.plan.problems or self.faulty)

    @property
    def exit_code(self) -> int:
        """1 if a package fails, 6 if only external problems are left, else 0."""
        if self.faulty:
            return FTBFS
        if self.dry_run:
            return OUTSIDE if self.plan.problems else ALL_WELL
        awaited = {name for one in self.held for name in one.packages}
        if self.failed or self.failed_before or awaited & set(self.ftbfs):
            return FTBFS
        return OUTSIDE if self.plan.problems or self.to_retry or self.held else ALL_WELL


def as_row(report: Report) -> dict[str, object]:
    """Return a report for programs."""
    return {
        "target": report.target,
        "exit_code": report.exit_code,
        "dry_run": report.dry_run,
        "packages": report.packages,
        "seconds": round(report.seconds, 1),
        "planned": [_commit_row(commit) for commit in report.plan.commits],
        "built": [_ended_row(one) for one in report.built],
        "failed": [_ended_row(one) for one in report.failed],
        "to_retry": [_ended_row(one) for one in report.to_retry],
        "waiting": [
            {**_commit_row(one.build.commit), "build": one.build.id, "for": one.packages}
            for one in report.held
        ],
        "dropped": [
            {**_commit_row(build.commit), "build": build.id, "why": build.dropped}
            for build in report.dropped
        ],
        "stale": report.plan.problems,
        "notes": report.plan.notes,
        "faulty": dict(report.faulty),
        "failed_before": report.failed_before,
        "ftbfs": report.ftbfs,
    }


def _commit_row(commit: Commit) -> dict[str, object]:
    return {
        "package": commit.package,
        "upstream_hash": commit.upstream_hash,
        "distgit_hash": commit.distgit_hash,
        "extended_hash": commit.extended_hash,
    }


def _ended_row(one: Ended) -> dict[str, object]:
    row = _commit_row(one.build.commit) | {
        "build": one.build.id,
        "release": str(one.release),
        "bootstrap": one.build.bootstrap,
        "seconds": round(one.seconds, 1),
        "folder": one.folder,
    }
    match one.outcome:
        case Failed(reason, detail):
            return row | {"reason": reason, "detail": detail}
        case Built(rpms):
            backwards = [str(rpm) for rpm in one.backwards]
            return row | {"rpms": [rpm.name for rpm in rpms], "backwards": backwards}
    return row


def summary(report: Report) -> str:
    """Return the last lines of a round, for people."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (f"note: {note}" for note in report.plan.notes)
    if report.dry_run:
        yield from (f"would build {commit}" for commit in report.plan.commits)
    for one in report.built:
        bootstrap = " (bootstrap)" if one.build.bootstrap else ""
        yield f"built    {one.build.commit}  {duration(one.seconds)}{bootstrap}"
        yield from (f"older    {rpm}" for rpm in one.backwards)
    for one in report.failed:
        assert isinstance(one.outcome, Failed)
        yield f"FAILED   {one.build.commit}  {one.outcome.reason}: {one_line(one.outcome.detail)}"
        yield f"         logs: {one.folder}; rdo trunk log {one.build.id}"
    for package in report.failed_before:
        yield f"FAILED   {package}  in a round that did not end; rdo why {package}"
    for package, fault in report.faulty.items():
        yield f"FAILED   {package}  metadata: {one_line(fault)}"
    for one in report.to_retry:
        assert isinstance(one.outcome, Failed)
        yield f"again    {one.build.commit}  {one.outcome.reason}: {one_line(one.outcome.detail)}"
    yield from (f"dropped  {build.commit}  {build.dropped}" for build in report.dropped)
    for held in report.held:
        yield _held_line(held, dry_run=report.dry_run)
    for package, problems in report.plan.problems.items():
        yield from (f"stale    {package}  {one_line(problem)}" for problem in problems)
    yield _headline(report)
    if report.ftbfs:
        yield f"does not build: {short_list(report.ftbfs)}"
    yield from _next(report)


def _next(report: Report) -> Iterator[str]:
    """Return what to do next: another round, if that helps; else look at what is left."""
    rest = {one.build.package: one for one in report.held}
    if report.to_retry or report.dry_run or any(not one.packages for one in report.held):
        if report.to_retry or report.held or report.plan.problems:
            yield f"next: rdo trunk run --target {report.target} retries what is left"
        return
    left = dict.fromkeys((*report.faulty, *report.plan.problems, *rest))
    yield from (f"next: rdo why {name} says what to do about it" for name in list(left)[:1])


def _held_line(held: Held, *, dry_run: bool) -> str:
    if dry_run:
        return f"queued   {held.build.commit}  since {minute(held.build.created)}"
    return f"waiting  {held.build.commit}  for {short_list(held.packages) or 'its next try'}"


def _headline(report: Report) -> str:
    start = f"{report.target}: {report.packages} package{'s' if report.packages != 1 else ''}"
    start += f" ({report.kept_back} held)" if report.kept_back else ""
    if report.is_idle:
        return f"{start}, nothing new, nothing to build ({duration(report.seconds)})"
    if report.dry_run:
        counts = [(len(report.plan.commits), "to build"), (len(report.held), "in the queue")]
    else:
        counts = [
            (len(report.built), "built"),
            (len(report.failed) + len(report.faulty), "failed"),
            (len(report.to_retry), "to try again"),
            (len(report.held), "waiting"),
            (len(report.dropped), "dropped"),
        ]
    counts.append((len(report.plan.problems), "stale"))
    shown = ", ".join(f"{count} {what}" for count, what in counts if count or what == "built")
    return f"{start}: {shown} ({duration(report.seconds)})"


def duration(seconds: float) -> str:
    """Return a duration as text.

    >>> duration(0.34), duration(75), duration(4000)
    ('0.3 s', '1 min 15 s', '1 h 6 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
