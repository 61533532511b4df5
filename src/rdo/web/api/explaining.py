"""Explain why a promotion name is not newer: what blocks it, and what lifts each blocker."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from rdo.app.targets import OpenTarget
from rdo.checks.findings import Defect
from rdo.promotion import explaining
from rdo.promotion.deciding import configured
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.explaining import WhyNotNewer
from rdo.promotion.simulating import SECONDS, Simulation
from rdo.trunk.views.package_page import without_domain
from rdo.web.api.asked import ERRORS, Promoter, Reader, TargetRead

PromotionName = Annotated[str, Path(pattern=r"^[a-z0-9-]+$", max_length=100)]
_Place = Annotated[str, Query(max_length=300, description="What the name could lead to.")]


class BlockerAnswer(BaseModel):
    """One thing that keeps a name where it is; `command` lifts it."""

    kind: str
    package: str = Field(description="Empty for what concerns the whole target.")
    what: str
    command: str
    owners: list[str]
    since: datetime | None
    chain: Sequence[str]
    others: int = Field(description="How many further findings have this cause.")


class HeldBackAnswer(BaseModel):
    """A package that the name has at an older build than its candidate."""

    model_config = ConfigDict(from_attributes=True)

    package: str
    build_id: int | None
    newer_id: int | None
    since: datetime
    until: datetime
    by: str
    why: str


class LeftBehindAnswer(BaseModel):
    """A package that has to be held back; `breaks` is what is wrong if it is taken after all."""

    package: str
    stays_at: str
    instead_of: str
    maintainers: list[str]
    breaks: list[str]


class SimulationAnswer(BaseModel):
    """The largest set of newer builds that passes the checks, and what is held back for it."""

    passes: bool
    taken: Sequence[str]
    held: list[LeftBehindAnswer]
    is_minimal: bool = Field(description="Whether no smaller choice passes.")
    defects: list[str] = Field(description="What the checks find, if no set passes.")
    seconds: float


class ExplainAnswer(BaseModel):
    """Where a name leads, what its candidate has newer, and what blocks it."""

    name: str
    leads: Sequence[str]
    since: datetime | None
    candidate: str
    newer: Sequence[str]
    blockers: list[BlockerAnswer]
    held: list[HeldBackAnswer]
    command: str = Field(description="Moves the name, or lifts the first blocker.")
    simulation: SimulationAnswer | None

    @classmethod
    def of(cls, why: WhyNotNewer) -> "ExplainAnswer":
        """Return an explanation in the API's form."""
        found = why.explanation
        return cls(
            name=found.name,
            leads=found.leads,
            since=found.since,
            candidate=found.candidate,
            newer=found.newer,
            blockers=[
                BlockerAnswer(
                    kind=one.kind.value,
                    package=one.package,
                    what=one.what,
                    command=one.command,
                    owners=_people(one.owners),
                    since=one.since,
                    chain=one.chain,
                    others=one.others,
                )
                for one in found.blockers
            ],
            held=[HeldBackAnswer.model_validate(one) for one in found.held],
            command=found.command,
            simulation=_simulation(why.simulation) if why.simulation else None,
        )


class ExplainQuestion(BaseModel):
    """What a name could lead to, and whether to search for the largest part that passes."""

    model_config = ConfigDict(extra="forbid")

    candidate: Annotated[str, Field(max_length=300)] = ""
    simulate: bool = False
    seconds: Annotated[float, Field(ge=1, le=SECONDS)] = SECONDS


def router() -> APIRouter:
    """Return the routes; running checks needs the role promoter, because they take time."""
    routes = APIRouter(prefix="/api/v1/targets/{target}/promotions/{name}", responses=ERRORS)

    @routes.get("/explain")
    def explain(asked: Reader, name: PromotionName, candidate: _Place = "") -> ExplainAnswer:
        """Explain why a name is not newer, with the checks that its candidate has had."""
        with asked.opened() as opened:
            criteria = _criteria(asked, opened, name)
            return ExplainAnswer.of(explaining.why_not_newer(opened, name, criteria, candidate))

    @routes.post("/explain")
    def explain_checked(
        asked: Promoter, name: PromotionName, wanted: ExplainQuestion
    ) -> ExplainAnswer:
        """Check the candidate, and explain why the name is not newer; no name moves.

        With `simulate`, the answer also has the largest set of newer builds that passes.
        """
        with asked.opened() as opened:
            found = explaining.why_not_newer_checked(
                asked.server.app,
                opened,
                name,
                _criteria(asked, opened, name),
                wanted.candidate,
                simulates=wanted.simulate,
                seconds=wanted.seconds,
                by=asked.login.user,
            )
        return ExplainAnswer.of(found)

    return routes


def _criteria(asked: TargetRead, opened: OpenTarget, name: str) -> Criteria | None:
    section = asked.server.settings.target(asked.target)
    return configured.configured(opened, section).get(name)


def _simulation(found: Simulation) -> SimulationAnswer:
    return SimulationAnswer(
        passes=found.passes,
        taken=found.taken,
        held=[
            LeftBehindAnswer(
                package=one.package,
                stays_at=one.stays_at,
                instead_of=one.instead_of,
                maintainers=_people(one.maintainers),
                breaks=_sentences(one.breaks),
            )
            for one in found.held
        ],
        is_minimal=found.is_minimal,
        defects=_sentences(found.defects),
        seconds=found.seconds,
    )


def _people(names: Iterable[str]) -> list[str]:
    return list(map(without_domain, names))


def _sentences(defects: Iterable[Defect]) -> list[str]:
    return [f"{one.package}: {one.what}" for one in defects]
