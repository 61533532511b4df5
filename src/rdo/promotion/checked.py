"""Run the checks of a composition once: answers are stored, and reused while they are valid.

An answer is stored when its check has ended, in one transaction, so a killed check has none. Only
one process at a time runs a check that needs a folder of its own; a second process gets an error
that names the first.
"""

import contextlib
import errno
import hashlib
import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rdo import lock
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CHEAP, EXPENSIVE, CheckAnswer, CheckName, no_space, question
from rdo.checks.outside_jobs import CheckedRepository, OutsideJob, run_job
from rdo.checks.results import from_result, to_result
from rdo.errors import ConfigError, did_you_mean
from rdo.promotion import checking
from rdo.promotion.checking import Subject, require_repository, with_maintainers
from rdo.promotion.compositions import Composition
from rdo.promotion.in_roots import ask_in_root
from rdo.publish.references import has_repodata
from rdo.store.given.check_results import CheckResult, ResultState

if TYPE_CHECKING:
    from rdo.config.settings import Target

log = logging.getLogger(__name__)

FOLDER = "checks"
"""The subfolder of a target's folder with the logs of checks."""

_RESULTS_LOCK = "results.lock"


@dataclass(frozen=True, slots=True)
class CheckWish:
    """The requested checks: `names` in order, with the outside jobs of the target.

    With `again` no stored answer is used.
    """

    names: tuple[str, ...] = CHEAP
    jobs: Mapping[str, OutsideJob] = field(default_factory=dict)
    again: bool = False


def outside_jobs(section: "Target") -> Mapping[str, OutsideJob]:
    """Return the outside jobs of a target; ConfigError if one is named like a check of ours."""
    found = {}
    for name, job in section.checks.items():
        if name in set(CheckName):
            raise ConfigError(
                f"the job {name} has the name of one of rdo's own checks",
                hint=f"choose another name for [targets.NAME.checks.{name}]",
            )
        found[name] = OutsideJob(
            name,
            tuple(job.command),
            job.time_limit_minutes * 60.0,
            job.junit or "",
            log_bytes=section.output_limit_mb * 1_000_000,
            disk_bytes=section.disk_limit_mb * 1_000_000,
        )
    return found


def wanted(
    section: "Target",
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    everything: bool = False,
    also: Collection[str] = (),
    again: bool = False,
) -> CheckWish:
    """Return the requested checks: by default the cheap ones and `also`.

    Raises ConfigError for a name that no check has.
    """
    jobs = outside_jobs(section)
    known = (*CHEAP, *EXPENSIVE, *jobs)
    for name in (*only, *skip, *also):
        if name not in known:
            raise ConfigError(
                f"there is no check {name}{did_you_mean(name, known)}",
                hint=f"the checks are {', '.join(known)}",
            )
    asked = known if everything else only or (*CHEAP, *also)
    names = tuple(name for name in known if name in asked and name not in skip)
    if not names:
        raise ConfigError("no check is left to run")
    return CheckWish(names, jobs, again)


def check(
    subject: Subject,
    wanted: CheckWish,
    *,
    by: str,
) -> tuple[CheckAnswer, ...]:
    """Return the answers of checks: stored ones if still valid, else new ones, which are stored.

    Raises RefusedError for a composition that is in no repository, and if another process runs the
    same job of a target; NoSpaceError for a full disk.
    """
    require_repository(subject.composition)
    kept = {} if wanted.again else _holding(subject, wanted)
    answers: dict[str, CheckAnswer] = {name: kept[name] for name in wanted.names if name in kept}
    missing = [name for name in wanted.names if name not in answers]
    for step in checking.steps(missing):
        log.info("checking: %s", ", ".join(question(one) for one in step if one in missing))
        given = checking.ask(subject, step)
        _keep(subject, wanted, given, by)
        answers |= {one.check: one for one in given if one.check in missing}
    for name in missing:
        if name in wanted.jobs or name in EXPENSIVE:
            log.info("checking: %s", question(name))
            answers[name] = _with_log(subject, wanted, name, by)
    return tuple(answers[name] for name in wanted.names if name in answers)


def known_answers(opened: OpenTarget, composition: Composition) -> tuple[CheckAnswer, ...]:
    """Return the newest stored answer of each check of exactly these repositories."""
    with opened.store.read() as at:
        rows = at.check_results.of(opened.name, [one.id for one in composition.repositories])
    return newest(rows)


def newest(rows: Sequence[CheckResult]) -> tuple[CheckAnswer, ...]:
    """Return the newest of several results of each check."""
    found = {row.check: row for row in sorted(rows, key=lambda row: row.checked)}
    return tuple(from_result(row) for _, row in sorted(found.items()))


def _holding(subject: Subject, wanted: CheckWish) -> dict[str, CheckAnswer]:
    """Return the stored answers that are still valid."""
    with subject.opened.store.read() as at:
        rows = at.check_results.of(subject.opened.name, _ids(subject))
    return {
        row.check: from_result(row)
        for row in rows
        if row.state is not ResultState.SKIPPED
        and row.context == _context(subject, wanted, row.check)
    }


def _context(subject: Subject, wanted: CheckWish, check: str) -> str:
    job = wanted.jobs.get(check)
    if job is None:
        return checking.context(subject, check)
    return hashlib.sha256("\0".join(job.identity).encode()).hexdigest()[:16]


def _ids(subject: Subject) -> list[int]:
    return [one.id for one in subject.composition.repositories]


def _keep(subject: Subject, wanted: CheckWish, answers: Sequence[CheckAnswer], by: str) -> None:
    """Store answers, unless a repository was removed meanwhile; delete those of removed ones."""
    opened, ids = subject.opened, _ids(subject)
    against = tuple(one.path for one in subject.against.repositories) if subject.against else ()
    if opened.store.reads_only:
        return
    with (
        lock.hold(opened.folder / FOLDER / _RESULTS_LOCK, purpose="recording checks", wait=True),
        opened.store.write() as at,
    ):
        gone = at.check_results.of_removed(opened.name)
        for answer in answers:
            context = _context(subject, wanted, answer.check)
            result = to_result(answer, context, now=opened.now(), by=by, against=against)
            at.check_results.keep(opened.name, ids, result)
        logs = at.check_results.forget(gone)
    for name in logs:
        (opened.folder / name).unlink(missing_ok=True)


def _with_log(subject: Subject, wanted: CheckWish, name: str, by: str) -> CheckAnswer:
    """Run one check that has a log, store its answer and return it; only one process may run it."""
    folder = subject.opened.folder / FOLDER
    purpose = f"the check {name}"
    with _on_disk(name), lock.hold(folder / f"{name}.lock", purpose=purpose):
        new = folder / f".{name}.log"
        new.unlink(missing_ok=True)  # leftover of a killed check
        new.touch(mode=0o644)
        started = time.monotonic()
        if job := wanted.jobs.get(name):
            answer = run_job(job, _job_facts(subject), folder / f".{name}", new)
        else:
            answer = with_maintainers(subject, ask_in_root(subject, name, new))
        names = f"{_ids(subject)} {_context(subject, wanted, name)}"
        digest = hashlib.sha256(names.encode()).hexdigest()[:16]
        kept = folder / f"{name}-{digest}.log"
        new.replace(kept)
        shown = str(kept.relative_to(subject.opened.folder))
        answer = replace(answer, log=shown, seconds=time.monotonic() - started)
        _keep(subject, wanted, [answer], by)
    return answer


@contextlib.contextmanager
def _on_disk(name: str) -> Iterator[None]:
    """Raise NoSpaceError if one of our disks is full while a check runs."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise no_space(name) from error


def _job_facts(subject: Subject) -> CheckedRepository:
    """Return the facts about a composition that an outside job gets."""
    opened, repositories = subject.opened, subject.composition.repositories
    tree = opened.tree
    folders = [tree.repos / one.path for one in repositories if has_repodata(tree.repos / one.path)]
    return CheckedRepository(
        url="\n".join(tree.site.url(PurePosixPath(one.path)) for one in repositories),
        path="\n".join(map(str, folders)),
        target=opened.name,
        name=subject.composition.label,
        hash=hashlib.sha256(",".join(one.digest for one in repositories).encode()).hexdigest()
        if len(repositories) > 1
        else repositories[0].digest,
    )
