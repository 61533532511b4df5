"""Koji hubs that are absent, slow, wrong or forgetful, and the order of rdo's calls."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rdo.builders.farms.remote import Record
from rdo.builders.protocol import build_and_wait
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.build import Built, Failed, FailureReason
from rdo.tools.farms.koji_hub import HubLogin, KojiHub
from tests.long.builders.engines import KojiEngine, in_a_process_to_kill, numbered_job
from tests.patience import until

pytest.importorskip("koji")
# Koji's client never closes the file that it has uploaded.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io.FileIO.*src.rpm:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def koji(tmp_path: Path) -> Iterator[KojiEngine]:
    engine = KojiEngine(tmp_path / "engine", tmp_path)
    yield engine
    engine.gate.touch()
    engine.close()


@pytest.mark.parametrize("trouble", ["away", "slow", "offline", 502])
def test_a_hub_that_does_not_answer_is_waited_for(koji: KojiEngine, trouble: str | int) -> None:
    job = numbered_job(koji, script=koji.waiting())
    koji.hub.trouble = trouble
    builder = koji.open()
    ticket = builder.start(job)
    until(lambda: builder.is_farm_away)
    koji.hub.trouble = ""
    until(lambda: koji.is_at_work(job))
    koji.hub.trouble = trouble
    until(lambda: builder.is_farm_away)
    assert builder.poll([ticket]) == {}
    koji.gate.touch()
    koji.hub.trouble = ""

    until(lambda: builder.poll([ticket]))

    assert isinstance(builder.poll([ticket])[ticket], Built)
    assert koji.begun() == 1


def test_a_build_whose_answer_was_lost_is_found_and_not_begun_twice(koji: KojiEngine) -> None:
    koji.hub.swallowed = {"build"}

    outcome = build_and_wait(koji.open(), numbered_job(koji))

    assert isinstance(outcome, Built)
    assert koji.begun() == 1
    assert "listTasks" in koji.hub.calls


def test_a_process_killed_before_it_kept_the_number_begins_nothing_twice(koji: KojiEngine) -> None:
    job = numbered_job(koji)
    koji.hub.swallowed = {"build", "listTasks"}

    def start() -> None:
        koji.open().start(job)

    pid = in_a_process_to_kill(start)
    until(koji.begun)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    record = Record.read(job.folder)
    assert record is not None

    if not record.number:
        koji.hub.swallowed = set()
    found = koji.open().find(job.id, job.folder)
    assert found is not None
    builder = koji.open()
    until(lambda: builder.poll([found]))

    assert isinstance(builder.poll([found])[found], Built)
    assert koji.begun() == 1


def test_a_lost_task_is_not_the_package_s_fault(koji: KojiEngine) -> None:
    job = numbered_job(koji, script=koji.waiting())
    builder = koji.open()
    ticket = builder.start(job)
    until(lambda: koji.is_at_work(job))

    koji.hub.lose_tasks()
    until(lambda: builder.poll([ticket]))

    assert builder.poll([ticket])[ticket] == Failed(FailureReason.BUILDER, "koji has lost build 1")


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"payloadhash": "0" * 32}, "and koji says 00000000000000000000000000000000"),
        ({"size": 17}, "bytes, and koji says 17"),
        ({"version": "9.9"}, "does not give rdo-trial-9.9-"),
    ],
)
def test_a_result_that_is_not_what_the_hub_says_is_refused(
    koji: KojiEngine, lie: dict[str, Any], said: str
) -> None:
    koji.hub.lies = lambda rpm: rpm | lie

    outcome = build_and_wait(koji.open(), numbered_job(koji))

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.REFUSED
    assert said in outcome.detail
    assert not list((koji.folder / "jobs/1/build").glob("*.noarch.rpm"))


def test_rpms_are_taken_from_the_build_where_the_files_of_its_task_have_expired(
    koji: KojiEngine,
) -> None:
    koji.hub.has_expired = True

    outcome = build_and_wait(koji.open(), numbered_job(koji))

    assert isinstance(outcome, Built), outcome
    assert {path.name.rsplit(".", 2)[1] for path in outcome.rpms} == {"noarch", "src"}


def test_a_lie_about_an_expired_build_is_refused(koji: KojiEngine) -> None:
    koji.hub.has_expired = True
    koji.hub.lies = lambda rpm: rpm | {"payloadhash": "0" * 32}

    outcome = build_and_wait(koji.open(), numbered_job(koji))

    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.REFUSED


def test_a_build_waits_for_a_repository_that_has_what_was_built_before(koji: KojiEngine) -> None:
    koji.hub.repo_event = None  # expired

    first = build_and_wait(koji.open(), numbered_job(koji, 1))
    asked = koji.hub.calls.count("repo.request")
    second = build_and_wait(koji.open(), numbered_job(koji, 2))

    assert isinstance(first, Built)
    assert isinstance(second, Built)
    assert asked >= 1
    assert koji.hub.calls.count("repo.request") > asked
    assert koji.hub.repo_event == 101, "the repository of the second build has the first"


def test_what_the_hub_has_built_before_is_taken_and_not_built_again(koji: KojiEngine) -> None:
    job = numbered_job(koji)

    first = build_and_wait(koji.open(), job)
    again = build_and_wait(koji.open(), job)  # the folder is emptied, the ticket lost

    assert isinstance(first, Built)
    assert again == first
    assert len(koji.hub.builds) == 1


def test_a_scratch_build_needs_no_tag(koji: KojiEngine) -> None:
    outcome = build_and_wait(koji.open(is_scratch=True), numbered_job(koji))

    assert isinstance(outcome, Built)
    assert len(outcome.rpms) == 2
    assert koji.hub.builds == []


def test_it_says_as_whom_and_with_which_rights_it_builds(koji: KojiEngine) -> None:
    said = " ".join(koji.open().examine())

    assert "logged in as rdo" in said
    assert "permissions: build" in said
    assert "builds tagged rdo-el9-candidate, in roots of rdo-el9-build" in said


def test_missing_rights_are_no_package_s_fault(koji: KojiEngine) -> None:
    koji.hub.password = "another"

    with pytest.raises(RefusedError, match="refuses the login of rdo: invalid username"):
        koji.open().examine()
    outcome = build_and_wait(koji.open(), numbered_job(koji))
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailureReason.BUILDER


def test_a_locked_tag_and_an_unknown_target_are_reported(koji: KojiEngine) -> None:
    koji.hub.is_locked = True
    with pytest.raises(RefusedError, match=r"tag rdo-el9-candidate of http.* is locked"):
        koji.open().examine()

    with pytest.raises(NotFoundError, match="has no build target rdo-el8"):
        koji.open("rdo-el8").examine()


@pytest.mark.parametrize(
    "said",
    [
        "package rdo-trial not in list for tag rdo-el9-candidate",
        "Bad repo: 7 (DELETED)",
    ],
)
def test_what_the_hub_lacks_is_no_package_s_fault(koji: KojiEngine, said: str) -> None:
    koji.hub.refusal = said

    outcome = build_and_wait(koji.open(), numbered_job(koji))

    assert outcome == Failed(FailureReason.BUILDER, said)


def test_a_missing_client_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "koji", None)

    with pytest.raises(ConfigError, match="need its client library") as caught:
        KojiHub("http://127.0.0.1:1/kojihub", HubLogin())

    assert caught.value.hint.endswith("-m pip install koji")
