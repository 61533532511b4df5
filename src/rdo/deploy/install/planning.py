"""Find out what would change on hosts, by comparing their answers with the wanted steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from rdo.deploy.install.steps import Step
from rdo.deploy.wanted import Service, Wanted, WantedFile, WantedLink, WantedSettings

_FILES = (WantedFile, WantedLink, WantedSettings)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step on one host.

    `changes` are what would be changed there, `follows` the consequences, such as a restart of a
    service that reads a changed file. `until` is the condition that must be met before it can be
    compared. A `fault` blocks the whole plan.
    """

    number: int
    host: str
    role: str
    title: str
    changes: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    fault: str = ""
    remedy: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether the step must be carried out."""
        return bool(self.changes or self.follows or self.until)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an installation would do, in order."""

    steps: tuple[PlannedStep, ...]

    @property
    def changes(self) -> int:
        """The number of differences, without those that only follow from others."""
        return sum(len(step.changes) for step in self.steps)

    @property
    def faults(self) -> list[PlannedStep]:
        """The steps that cannot be carried out."""
        return [step for step in self.steps if step.fault]

    @property
    def needed(self) -> list[PlannedStep]:
        """The steps that have to be carried out."""
        return [step for step in self.steps if step.is_needed]

    def chosen(self, count: int) -> list[list[str]]:
        """Return for each of `count` steps the hosts on which it must be carried out."""
        found: list[list[str]] = [[] for _ in range(count)]
        for step in self.needed:
            found[step.number].append(step.host)
        return found


def plan_of(steps: Sequence[Step], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Plan:
    """Return the plan; `found` has, for each host, an answer for each wanted thing."""
    answers = {host: iter(some) for host, some in found.items()}
    changed: dict[str, list[str]] = {host: [] for host in found}
    planned = [
        _planned(number, host, step, list(_pairs(step.wants[host], answers[host])), changed[host])
        for number, step in enumerate(steps)
        for host in step.wants
    ]
    return Plan(tuple(planned))


def _pairs(
    wants: Sequence[Wanted], answers: Iterator[Mapping[str, Any]]
) -> Iterator[tuple[Wanted, Mapping[str, Any]]]:
    for want in wants:
        yield want, next(answers)


def _planned(
    number: int,
    host: str,
    step: Step,
    pairs: list[tuple[Wanted, Mapping[str, Any]]],
    changed: list[str],
) -> PlannedStep:
    """Return the plan of one step; `changed` are the paths that earlier ones change."""
    planned = PlannedStep(number, host, step.role, step.title)
    for want, answer in pairs:
        if answer.get("said"):
            planned = replace(planned, fault=answer["said"], remedy=answer.get("remedy", ""))
        if answer.get("until"):
            planned = replace(planned, until=(*planned.until, answer["until"]))
        if isinstance(want, Service) and _is_read(want, changed) and _only_restarts(answer):
            planned = replace(planned, follows=(*planned.follows, *answer["changes"]))
        elif answer["changes"]:
            planned = replace(planned, changes=(*planned.changes, *answer["changes"]))
        if answer["changes"] and isinstance(want, _FILES):
            changed.extend(want.path.split("|"))
        if isinstance(want, Service) and not answer["changes"]:
            follows = tuple(_restarts(want, changed))
            planned = replace(planned, follows=(*planned.follows, *follows))
    return planned


def _restarts(service: Service, changed: list[str]) -> Iterator[str]:
    """Yield the restart of a service, if one of its files is among those that change."""
    if _is_read(service, changed):
        yield f"{service.unit.split('|')[0]}: restart"


def _is_read(service: Service, changed: list[str]) -> bool:
    watched = [pattern for one in service.watches for pattern in one.split("|")]
    return any(fnmatch(path, pattern) for path in changed for pattern in watched)


def _only_restarts(answer: Mapping[str, Any]) -> bool:
    """Whether a service only needs a restart, because somebody has changed a file of it."""
    return bool(answer["changes"]) and all(map(is_restart, answer["changes"]))


def is_restart(change: str) -> bool:
    """Whether a change is only a restart, so that a service reads its files again."""
    return ": restart, for " in change
