"""Submitting a build to a farm that is away, or that waits for something, begins one build."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rdo.builders.farms.farm import FarmBuild, FarmState
from rdo.builders.farms.remote import Pace, RemoteBuilder
from rdo.builders.protocol import build_and_wait
from rdo.builders.trial import trial_job
from rdo.errors import OutsideError
from rdo.model.build import BuildJob, Failed


class LateFarm:
    """A farm that gets a build, loses the answer, and lists the build only some time later."""

    name, server = "late", "https://late.example.test"

    def __init__(self) -> None:
        self.builds: list[str] = []
        self.searches = 0
        self.lacking = iter(["", "a repository", "a repository", ""])

    def examine(self) -> Sequence[str]:
        return ()

    def lacks(self, job: BuildJob) -> str:
        return next(self.lacking, "")

    def submit(self, job: BuildJob, srpm: Path | None, key: str) -> str:
        self.builds.append(key)
        if len(self.builds) == 1:
            raise OutsideError("the answer was lost")
        return str(len(self.builds))

    def search(self, key: str, since: float) -> str | None:
        self.searches += 1
        is_listed = self.searches > 2 and key in self.builds
        return str(self.builds.index(key) + 1) if is_listed else None

    def look(self, number: str) -> FarmBuild:
        return FarmBuild(FarmState.FAILED, f"build {number} is looked at")

    def new_log(self, number: str, known: int) -> bytes:
        return b""

    def fetch(self, number: str, results: Path, *, has_rpms: bool) -> None: ...

    def cancel(self, number: str) -> None: ...

    def page(self, number: str) -> str:
        return ""


def test_a_lost_answer_is_searched_for_until_the_build_is_found(tmp_path: Path) -> None:
    farm = LateFarm()
    builder = RemoteBuilder(farm, lambda _job, _is_cancelled: None, Pace(0.01))

    outcome = build_and_wait(builder, trial_job(tmp_path, now=datetime(2026, 8, 1, tzinfo=UTC)))

    assert isinstance(outcome, Failed)
    assert farm.searches == 3
    assert len(farm.builds) == 1
