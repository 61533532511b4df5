"""The criteria of a target in rdo.toml, validated before they are used."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from rdo.checks.findings import CHEAP, EXPENSIVE
from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.promotion.checked import outside_jobs
from rdo.promotion.deciding.criteria import Criteria, CriteriaFaults
from rdo.publish.names import PREVIOUS, check_promotion_name

if TYPE_CHECKING:
    from rdo.app.targets import OpenTarget
    from rdo.config.settings import PromotionSection, Target


def configured(opened: "OpenTarget", section: "Target") -> dict[str, Criteria]:
    """Return the criteria of a target in rdo.toml, by promotion name.

    Raises one ConfigError with all faults that make criteria impossible to meet.
    """
    found = {name: criteria_from(name, one) for name, one in section.promotions.items()}
    require_sound(opened, found, f"targets.{opened.name}.promotions", known_checks(section))
    return found


def known_checks(section: "Target") -> tuple[str, ...]:
    """Return the names of checks that criteria may use: rdo's and the target's jobs."""
    return (*CHEAP, *EXPENSIVE, *outside_jobs(section))


def require_sound(
    opened: "OpenTarget",
    criteria: Mapping[str, Criteria],
    where: str,
    checks: Collection[str],
) -> None:
    """Raise one ConfigError with every fault in criteria; `where` is their place in the file."""
    components = [one for one in opened.members.components(opened.tree.site) if one]
    judge = CriteriaFaults(checks, components, _why_no_name)
    faults = [f"{where}.{name}: {fault}" for name, fault in judge.of(criteria)]
    if faults:
        raise ConfigError("\n".join(faults), hint="fix the criteria; nothing was promoted")


def chosen(criteria: Mapping[str, Criteria], names: Collection[str]) -> tuple[Criteria, ...]:
    """Return the criteria of the names, or all; NotFoundError for a name without criteria."""
    for name in names:
        if name not in criteria:
            raise NotFoundError(
                f"{name} has no criteria{did_you_mean(name, criteria)}",
                hint=f"add [targets.NAME.promotions.{name}] to rdo.toml",
            )
    wanted = names or criteria
    return tuple(one for name, one in criteria.items() if name in wanted)


def criteria_from(name: str, section: "PromotionSection") -> Criteria:
    """Return the criteria of one section of rdo.toml."""
    return Criteria(
        name=name,
        candidate=section.candidate,
        jobs=tuple(section.jobs),
        alternatives={job: tuple(others) for job, others in section.alternatives.items()},
        minimum_age=timedelta(hours=section.minimum_age_hours),
        checks=None if section.checks is None else tuple(section.checks),
        each=section.components == "each",
        component_jobs={key: tuple(jobs) for key, jobs in section.component_jobs.items()},
        any_success=section.verdict == "any",
        most=section.most_candidates,
    )


def _why_no_name(name: str) -> str:
    if name.startswith(PREVIOUS):
        return f"{name} is kept by rdo itself"
    try:
        check_promotion_name(name)
    except RefusedError as error:
        return str(error)
    return ""
