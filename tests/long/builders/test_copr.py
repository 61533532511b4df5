"""Copr frontends that are absent, slow, wrong or forgetful, and what rdo creates there."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.builders.farms.copr import CoprFarm, CoprPlan
from rdo.builders.farms.farm import FarmState
from rdo.builders.farms.remote import Pace, Record
from rdo.builders.protocol import build_and_wait
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.build import Built, Failed, FailureReason
from rdo.tools.farms.copr_frontend import CoprFrontend, CoprLogin
from tests.fakes.copr_frontend import USER
from tests.long.builders.engines import CoprEngine, in_a_process_to_kill, numbered_job
from tests.patience import until

PROJECT = (USER, "rdo-el9")


@pytest.fixture
def copr(tmp_path: Path) -> Iterator[CoprEngine]:
    engine = CoprEngine(tmp_path / "engine", tmp_path)
    yield engine
    engine.gate.touch()
    engine.close()


@pytest.mark.parametrize("trouble", ["away", "slow", 503])
def test_a_frontend_that_does_not_answer_is_waited_for(
    copr: CoprEngine, trouble: str | int
) -> None:
    job = numbered_job(copr, script=copr.waiting())
    copr.server.trouble = trouble
    builder = copr.open()
    ticket = builder.start(job)
    until(lambda: builder.is_farm_away)
    copr.server.trouble = ""
    until(lambda: copr.is_at_work(job))
    copr.server.trouble = trouble
    until(lambda: builder.is_farm_away)
    assert builder.poll([ticket]) == {}
    copr.gate.touch()
    copr.server.trouble = ""

    until(lambda: builder.poll([ticket]))

    assert isinstance(builder.poll([ticket])[ticket], Built)
    assert copr.begun() == 1


def test_a_build_whose_answer_was_lost_is_found_and_not_begun_twice(copr: CoprEngine) -> None:
    copr.server.swallowed = {"build/create/upload"}

    outcome = build_and_wait(copr.open(), numbered_job(copr))

    assert isinstance(outcome, Built)
    assert copr.begun() == 1
    assert "GET build/list" in copr.server.calls


def test_a_process_killed_before_it_kept_the_number_begins_nothing_twice(copr: CoprEngine) -> None:
    job = numbered_job(copr)
    copr.server.swallowed = {"build/create/upload", "build/list"}

    def start() -> None:
        copr.open(pace=Pace(30)).start(job)

    pid = in_a_process_to_kill(start)
    until(copr.begun)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    record = Record.read(job.folder)
    assert record is not None
    assert not record.number
    copr.server.swallowed = set()

    found = copr.open().find(job.id, job.folder)

    assert found is not None
    builder = copr.open()
    until(lambda: builder.poll([found]))
    assert isinstance(builder.poll([found])[found], Built)
    assert copr.begun() == 1


def test_a_lost_build_is_not_the_package_s_fault(copr: CoprEngine) -> None:
    job = numbered_job(copr, script=copr.waiting())
    builder = copr.open()
    ticket = builder.start(job)
    until(lambda: copr.is_at_work(job))

    copr.server.lose_builds()
    until(lambda: builder.poll([ticket]))

    assert builder.poll([ticket])[ticket] == Failed(FailureReason.BUILDER, "copr has lost build 1")


def test_a_build_is_done_when_its_repository_has_it(copr: CoprEngine) -> None:
    copr.server.lags = 9
    builder = copr.open()

    outcome = build_and_wait(builder, numbered_job(copr))

    assert isinstance(outcome, Built)
    assert copr.server.lags == 0
    asked = [one for one in copr.server.calls if "regenerate" in one]
    assert len(asked) == 1


def test_a_repository_that_never_has_a_build_is_not_the_package_s_fault(copr: CoprEngine) -> None:
    copr.server.lags = -1

    outcome = build_and_wait(copr.open(lag_seconds=1), numbered_job(copr))

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.BUILDER
    assert "centos-stream-9-x86_64 still lacks it" in outcome.detail


def test_an_rpm_that_is_not_what_the_repository_says_is_refused(copr: CoprEngine) -> None:
    copr.server.lies = lambda content: content[:-1] + b"x"

    outcome = build_and_wait(copr.open(), numbered_job(copr))

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.REFUSED
    assert "has the checksum" in outcome.detail
    assert "and copr says" in outcome.detail
    assert not list((copr.folder / "jobs/1/build").glob("*.noarch.rpm"))


def test_a_project_is_made_for_the_target_and_keeps_what_others_added(copr: CoprEngine) -> None:
    own = ("https://trunk.example.org/t/deps",)
    assert isinstance(build_and_wait(copr.open(repositories=own), numbered_job(copr, 1)), Built)
    assert copr.server.projects[PROJECT] == {
        "chroots": ["centos-stream-9-x86_64"],
        "repos": list(own),
    }
    copr.server.projects[PROJECT]["chroots"] = ["custom-1-x86_64"]

    outcome = build_and_wait(copr.open(), numbered_job(copr, 2))

    assert isinstance(outcome, Built)
    assert copr.server.projects[PROJECT] == {
        "chroots": ["centos-stream-9-x86_64", "custom-1-x86_64"],
        "repos": [],
    }


def test_a_build_in_two_chroots_has_the_logs_of_both(copr: CoprEngine) -> None:
    chroots = ("centos-stream-9-x86_64", "custom-1-x86_64")

    outcome = build_and_wait(copr.open(chroots=chroots), numbered_job(copr))

    assert isinstance(outcome, Built)
    logs = {path.name for path in (copr.folder / "jobs/1/build").glob("*.log")}
    assert {"rpmbuild.log", "build.log", "custom-1-x86_64-build.log"} <= logs


def test_a_source_package_that_is_not_imported_fails_with_its_log(copr: CoprEngine) -> None:
    copr.server.import_fails = True

    outcome = build_and_wait(copr.open(), numbered_job(copr))

    assert isinstance(outcome, Failed)
    assert "not an rpm package" in (copr.folder / "jobs/1/build/rpmbuild.log").read_text()


def test_it_says_as_whom_and_with_which_rights_it_builds(copr: CoprEngine) -> None:
    assert "is made with the first build" in " ".join(copr.open().examine())
    build_and_wait(copr.open(), numbered_job(copr))

    said = " ".join(copr.open().examine())

    assert "logged in as rdo" in said
    assert "may build in project rdo/rdo-el9" in said


def test_missing_rights_are_no_package_s_fault(copr: CoprEngine) -> None:
    build_and_wait(copr.open(), numbered_job(copr, 1))
    copr.server.may_build = False

    with pytest.raises(RefusedError, match="rdo may not build in rdo/rdo-el9"):
        copr.open().examine()
    outcome = build_and_wait(copr.open(), numbered_job(copr, 2))
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.BUILDER
    assert "is not allowed to build" in outcome.detail


def test_an_old_token_and_unknown_places_are_reported(copr: CoprEngine) -> None:
    with pytest.raises(NotFoundError, match="has no chroot el8"):
        copr.open(chroots=("el8",)).examine()
    outcome = build_and_wait(copr.open(owner="@nobody"), numbered_job(copr, 1))
    assert isinstance(outcome, Failed)
    assert "No such user `@nobody'" in outcome.detail
    copr.server.token = "renewed"
    with pytest.raises(RefusedError, match="refuses the login") as caught:
        copr.open().examine()
    assert "/api" in caught.value.hint


def test_a_cancelled_build_that_has_just_ended_is_no_error(copr: CoprEngine) -> None:
    login = CoprLogin.read(copr.folder / "copr.conf")
    farm = CoprFarm("copr", CoprFrontend(login), CoprPlan(*PROJECT, ("centos-stream-9-x86_64",)))
    build_and_wait(copr.open(), numbered_job(copr))

    farm.cancel("1")

    assert farm.look("1").state is FarmState.BUILT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a configuration of Copr's tools"),
        ("[copr-cli]\nlogin = a\ntoken = b\n", "copr_url"),
        ("[copr-cli]\nlogin = a\ntoken = b\ncopr_url = http://c.example\n", "in clear text"),
    ],
)
def test_a_file_without_a_usable_token_is_reported(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "copr"
    with pytest.raises(ConfigError, match="cannot read"):
        CoprLogin.read(file)
    file.write_text(text)

    with pytest.raises(ConfigError, match=said):
        CoprLogin.read(file)
