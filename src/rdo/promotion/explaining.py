"""Explain why a promotion name does not move: the shortest list of blockers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, Defect
from rdo.promotion import checked, checking
from rdo.promotion.compositions import Composition, find
from rdo.promotion.deciding.candidates import judge, of_repositories
from rdo.promotion.deciding.criteria import Condition, Criteria
from rdo.promotion.holding_back import held_back
from rdo.promotion.simulating import (
    SECONDS,
    PromotionStart,
    Simulation,
    disliked,
    promotion_start,
    simulate,
)
from rdo.publish.names import CONSISTENT, CURRENT
from rdo.store.given.held_back import HeldBack


class BlockerKind(StrEnum):
    """The kind of a blocker of a promotion."""

    CRITERIA = "criteria"
    DEFECT = "defect"
    BUILD = "build"
    HOLD = "hold"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class PromotionBlocker:
    """One reason why a name does not move.

    `package` is empty for a blocker of the whole target. `owners` look after it, `since` is when it
    began, and `command` lifts it. `others` is the number of further findings with this cause.
    """

    kind: BlockerKind
    package: str
    what: str
    command: str
    owners: tuple[str, ...] = ()
    since: datetime | None = None
    chain: tuple[str, ...] = ()
    others: int = 0
    held: HeldBack | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a name points, how far it is behind its candidate, and what blocks it.

    `newer` are the packages of which the candidate has another build; `held` what the name holds
    back. `command` moves the name, or lifts the first blocker.
    """

    name: str
    leads: tuple[str, ...]
    since: datetime | None
    candidate: str
    newer: tuple[str, ...]
    blockers: tuple[PromotionBlocker, ...]
    held: tuple[HeldBack, ...]
    command: str


@dataclass(frozen=True, slots=True)
class WhyNotNewer:
    """Why a name is not newer, and which part of its candidate would pass, if requested."""

    explanation: Explanation
    simulation: Simulation | None = None


def why_not_newer(
    opened: OpenTarget, name: str, criteria: Criteria | None, candidate: str = ""
) -> WhyNotNewer:
    """Explain from stored answers of checks only; run no check.

    Unless one is named, the candidate is that of the criteria, or consistent. Raises NotFoundError
    for an unknown candidate, RefusedError for one that is in no repository.
    """
    start = _start(opened, name, criteria, candidate)
    answers = checked.known_answers(opened, start.candidate) if start.sets.changed else ()
    return WhyNotNewer(explain(opened, start, answers, _unmet(opened, start, criteria)))


def why_not_newer_checked(
    app: App,
    opened: OpenTarget,
    name: str,
    criteria: Criteria | None,
    candidate: str = "",
    *,
    simulates: bool = False,
    seconds: float = SECONDS,
    by: str = "",
) -> WhyNotNewer:
    """Explain after checking the candidate; with `simulates`, search for the part that passes.

    Answers that are still valid are reused; new ones are stored, with `by` as their author. Raises
    the errors of `why_not_newer`.
    """
    start = _start(opened, name, criteria, candidate)
    around = checking.surroundings(app, opened)
    answers: tuple[CheckAnswer, ...] = ()
    if start.sets.changed:
        subject = checking.Subject(opened, start.candidate, around, start.before)
        asked = checked.wanted(app.settings.target(opened.name))
        answers = checked.check(subject, asked, by=by or app.user)
    found = explain(opened, start, answers, _unmet(opened, start, criteria))
    simulation = None
    if simulates:
        also = disliked(start, answers)
        simulation = simulate(opened, start, around, also=also, seconds=seconds)
    return WhyNotNewer(found, simulation)


def _start(
    opened: OpenTarget, name: str, criteria: Criteria | None, candidate: str
) -> PromotionStart:
    wanted = candidate or (criteria.candidate if criteria else CONSISTENT)
    return promotion_start(opened, name, find(opened, wanted))


def _unmet(
    opened: OpenTarget, start: PromotionStart, criteria: Criteria | None
) -> tuple[Condition, ...]:
    """Return the conditions of the criteria that the candidate does not meet."""
    if criteria is None:
        return ()
    one = of_repositories(opened, start.candidate.repositories)
    with opened.store.read() as at:
        return judge(at, opened, criteria, one).unmet


def explain(
    opened: OpenTarget,
    start: PromotionStart,
    answers: Iterable[CheckAnswer],
    unmet: Iterable[Condition] = (),
) -> Explanation:
    """Return why a name is not newer.

    `answers` are the checks of its candidate, `unmet` the conditions of the criteria that it does
    not meet.
    """
    newer = start.sets.changed
    held = held_back(opened, start.name)
    promote = _promote(opened, start)
    if newer:
        findings = [one for answer in answers for one in answer.findings]
        lacks = _of_criteria(opened, start, unmet)
        blockers = (*lacks, *_of_defects(opened, start, findings, held))
    else:
        blockers = tuple(_of_builds(opened, start.candidate))
    command = blockers[0].command if blockers else promote if newer else ""
    return Explanation(
        name=start.name,
        leads=tuple(one.path for one in start.promoted.repositories),
        since=_last_move(opened, start.name),
        candidate=start.candidate.label,
        newer=newer,
        blockers=blockers,
        held=tuple(held.values()),
        command=command,
    )


def _of_criteria(
    opened: OpenTarget, start: PromotionStart, unmet: Iterable[Condition]
) -> Iterator[PromotionBlocker]:
    """Yield the blockers from criteria other than checks: votes of jobs, and an age."""
    where = f"--target {opened.name}"
    for one in unmet:
        vote = f"rdo promotion vote {start.candidate.label} --job {one.what} --success {where}"
        yield PromotionBlocker(
            BlockerKind.CRITERIA,
            "",
            str(one),
            vote if one.what != "age" else f"rdo promotion promote {start.name} {where}",
            (one.vote.user,) if one.vote and one.vote.user else (),
            one.vote.timestamp if one.vote else None,
        )


def _of_defects(
    opened: OpenTarget, start: PromotionStart, findings: Iterable[Defect], held: dict[str, HeldBack]
) -> Iterator[PromotionBlocker]:
    """Yield one blocker for each package to fix, the one with the most findings first."""
    by_package: dict[str, list[Defect]] = {}
    for one in findings:
        by_package.setdefault(one.package, []).append(one)
    changed = set(start.sets.changed)
    for package, all_of_it in sorted(by_package.items(), key=lambda row: (-len(row[1]), row[0])):
        first, build = all_of_it[0], start.candidate.builds.get(package)
        can_be_held = package in changed
        yield PromotionBlocker(
            BlockerKind.DEFECT,
            package,
            first.what,
            f"{_promote(opened, start)} --hold-back"
            if can_be_held
            else f"rdo why {package} --target {opened.name}",
            first.maintainers,
            build.release_date if build and can_be_held else None,
            first.chain,
            len(all_of_it) - 1,
            held.get(package),
        )


def _of_builds(opened: OpenTarget, candidate: Composition) -> Iterator[PromotionBlocker]:
    """Yield the reasons why the candidate itself does not contain newer builds."""
    with opened.store.read() as at:
        holds, pause = at.holds.all(opened.name), at.holds.pause_of(opened.name)
    where = f"--target {opened.name}"
    if pause:
        yield PromotionBlocker(
            BlockerKind.PAUSE, "", str(pause), f"rdo trunk resume {where}", (pause.by,), pause.since
        )
    if candidate.label == CONSISTENT:
        for blocked in opened.tree.blockers(opened.members_now()).values():
            for one in blocked:
                yield PromotionBlocker(
                    BlockerKind.BUILD,
                    one.package,
                    f"{one.package} {one.reason}",
                    f"rdo why {one.package} {where}",
                    _maintainers(opened, one.package),
                    one.since,
                )
    if candidate.label in {CONSISTENT, CURRENT}:
        for package, hold in holds.items():
            command = f"rdo trunk release {package} {where}"
            yield PromotionBlocker(
                BlockerKind.HOLD, package, f"{package} is {hold}", command, (hold.by,), hold.since
            )


def _maintainers(opened: OpenTarget, package: str) -> tuple[str, ...]:
    known = opened.packages.get(package)
    return known.maintainers if known else ()


def _promote(opened: OpenTarget, start: PromotionStart) -> str:
    return (
        f"rdo promotion promote {start.name} {start.candidate.label} --target {opened.name} "
        "--because WHY"
    )


def _last_move(opened: OpenTarget, name: str) -> datetime | None:
    with opened.store.read() as at:
        moves = [move for move, _ in at.names.last_moves(opened.name) if move.name == name]
    return max((move.moved for move in moves), default=None)
