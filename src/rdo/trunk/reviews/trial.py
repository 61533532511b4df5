"""Build one review: the changes it needs, its own packages, then their dependents."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.app import App
from rdo.errors import CancelledError, UserError, in_short
from rdo.logs.reader import one_line
from rdo.model.build import Built, Failed, Outcome, Waiting
from rdo.model.review import BuildRole, Change, ReviewBuild, ReviewVerdict
from rdo.trunk.context import Trunk, open_trunk
from rdo.trunk.reviews.gathering import GatheredChanges, UnusableChangeError
from rdo.trunk.reviews.places import ConfiguredForge
from rdo.trunk.scratch import ScratchRequest
from rdo.trunk.try_change import try_change
from rdo.trunk.views.dependents import direct_dependents

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """How a review ended: the verdict, and the reason in one line."""

    verdict: ReviewVerdict
    detail: str


@dataclass(frozen=True, slots=True)
class WantedBuild:
    """A package to build for a review, and why."""

    request: ScratchRequest
    role: BuildRole


@dataclass(frozen=True, slots=True)
class ReviewTrial:
    """Builds the packages of a review into folders in `results`; `note` stores each result."""

    app: App
    target: str
    results: Path
    most_dependents: int
    note: Callable[[ReviewBuild], None]

    def run(self, gathered: GatheredChanges, places: Mapping[str, ConfiguredForge]) -> TrialEnd:
        """Build everything and return the verdict.

        Raises CancelledError if it is cancelled, UnusableChangeError if nothing is built from it.
        """
        trunk = open_trunk(self.app, self.target)
        wanted = wanted_of(gathered, places, trunk)
        own = {one.request.package for one in wanted if one.role is BuildRole.CHANGE}
        if not own:
            raise UnusableChangeError(f"{self.target} builds nothing from this project")
        done: list[Path] = []
        for one in wanted:
            built = self._build(one, done)
            if (end := judged(built)) is not None:
                return end
            done.append(self.results / built.package)
        left_out = {one.request.package for one in wanted}
        checked = 0
        for one in dependents_of(trunk, own, left_out, self.most_dependents):
            if (end := judged(self._build(one, done))) is not None:
                return end
            checked += 1
        plural = "s" if checked != 1 else ""
        return TrialEnd(
            ReviewVerdict.SUCCESS,
            f"{', '.join(sorted(own))} built, and {checked} package{plural} that need it",
        )

    def _build(self, wanted: WantedBuild, done: Sequence[Path]) -> ReviewBuild:
        package = wanted.request.package
        try:
            tried = try_change(
                self.app,
                self.target,
                wanted.request,
                results=self.results / package,
                more=[str(folder) for folder in done],
            )
            built = as_build(package, wanted.role, tried.outcome, int(tried.seconds))
        except (CancelledError, UnusableChangeError):
            raise
        except UserError as error:
            built = ReviewBuild(package, wanted.role, "untried", "", one_line(str(error)), 0)
        except Exception as error:
            log.exception("a bug in rdo")
            built = ReviewBuild(package, wanted.role, "untried", "", in_short(error), 0)
        self.note(built)
        return built


def wanted_of(
    gathered: GatheredChanges, places: Mapping[str, ConfiguredForge], trunk: Trunk
) -> list[WantedBuild]:
    """Return the packages that the changes belong to, in the order of the changes.

    Changes of both sides of a package are built together; of two on the same side the later one is
    used.
    """
    found: dict[str, WantedBuild] = {}
    for change in gathered.changes:
        is_own = change.id == gathered.change.id
        role = BuildRole.CHANGE if is_own else BuildRole.DEPENDENCY
        for request in _requests(change, places, trunk):
            before = found.pop(request.package, None)
            both = _joined(before.request, request) if before else request
            found[request.package] = WantedBuild(both, role)
    return list(found.values())


def _joined(before: ScratchRequest, after: ScratchRequest) -> ScratchRequest:
    source, distgit = after.source or before.source, after.distgit or before.distgit
    return replace(after, source=source, distgit=distgit)


def _requests(
    change: Change, places: Mapping[str, ConfiguredForge], trunk: Trunk
) -> list[ScratchRequest]:
    return places[change.id.place].requests(change, trunk.packages)


def dependents_of(
    trunk: Trunk, packages: Collection[str], left_out: set[str], most: int
) -> Iterator[WantedBuild]:
    """Yield the packages whose builds require these, each at its last good build.

    A package that already fails to build shows nothing about the change.
    """
    with trunk.store.read() as at:
        states = {state.package: state for state in at.packages.states(trunk.name)}
    count = 0
    for name in sorted(direct_dependents(trunk, packages) - left_out):
        state = states.get(name)
        if state is None or state.good is None or state.broken_by is not None:
            continue
        if count == most:
            log.info("%s: only %d dependents are built", trunk.name, most)
            return
        count += 1
        commit = state.good.commit
        request = ScratchRequest(name, commit.upstream_hash, commit.distgit_hash)
        yield WantedBuild(request, BuildRole.DEPENDENT)


def as_build(package: str, role: BuildRole, outcome: Outcome, seconds: int) -> ReviewBuild:
    """Return the result of a build in the form that is stored."""
    match outcome:
        case Built():
            return ReviewBuild(package, role, "built", "", "", seconds)
        case Failed(reason, detail):
            word = "untried" if reason.is_spurious else "failed"
            return ReviewBuild(package, role, word, reason.value, one_line(detail), seconds)
        case Waiting(needs):
            detail = f"the target has no {', '.join(needs)}"
            return ReviewBuild(package, role, "untried", "", one_line(detail), seconds)


def judged(build: ReviewBuild) -> TrialEnd | None:
    """Return the verdict that a build means for its review; None if it is good.

    >>> judged(ReviewBuild("python-b", BuildRole.DEPENDENT, "failed", "test", "x", 1)).detail
    'it breaks python-b (test): x'
    """
    if build.outcome == "built":
        return None
    why = f"{build.package} ({build.reason}): " if build.reason else f"{build.package}: "
    if build.outcome != "failed":
        return TrialEnd(ReviewVerdict.UNTRIED, f"not built to the end: {why}{build.detail}")
    words = {
        BuildRole.CHANGE: "it does not build: ",
        BuildRole.DEPENDENCY: "what it depends on does not build: ",
        BuildRole.DEPENDENT: "it breaks ",
    }
    return TrialEnd(ReviewVerdict.FAILURE, f"{words[build.role]}{why}{build.detail}")
