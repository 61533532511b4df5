"""Results of checks are stored and reused while they hold; a killed check leaves none."""

import multiprocessing
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CHEAP, CheckAnswer, CheckName
from rdo.checks.outside_jobs import OutsideJob
from rdo.config.settings import CheckSection, Target
from rdo.errors import CommandError, ConfigError, NoSpaceError, RefusedError
from rdo.promotion import checked
from rdo.promotion.checked import CheckWish, known_answers, wanted
from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import find
from tests.disk import Disk
from tests.publishing import Factory, open_target

ALONE = Surroundings("x86_64")


def subject(target: OpenTarget, name: str = "current") -> Subject:
    return Subject(target, find(target, name), ALONE)


def job(script: str, name: str = "tempest", *, junit: str = "", seconds: float = 30) -> OutsideJob:
    return OutsideJob(name, ("sh", "-c", script), seconds, junit)


def run(target: OpenTarget, one: OutsideJob, *, again: bool = False) -> CheckAnswer:
    [answer] = checked.check(
        subject(target), CheckWish((one.name,), {one.name: one}, again), by="me"
    )
    return answer


@pytest.fixture
def target(made: Factory) -> OpenTarget:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1", requires=("libnothing.so",))
    return open_target(made)


def test_an_answer_is_used_again_until_something_it_depends_on_changes(
    target: OpenTarget, made: Factory
) -> None:
    ask = CheckWish((CheckName.INSTALLABLE,))
    [first] = checked.check(subject(target), ask, by="me")
    [second] = checked.check(subject(target), ask, by="you")
    other = replace(subject(target), around=Surroundings("x86_64", keys=("k",)))
    [elsewhere] = checked.check(other, ask, by="you")
    [anew] = checked.check(subject(target), replace(ask, again=True), by="you")
    made.publish("python-a", "a2", "2.0")
    [newer] = checked.check(subject(target), ask, by="you")

    assert first.findings
    assert (second.by, second.findings) == ("me", first.findings)
    assert second.checked
    assert [one.checked for one in (first, elsewhere, anew, newer)] == [None] * 4


def test_what_is_known_is_shown_without_asking(target: OpenTarget) -> None:
    assert known_answers(target, find(target, "current")) == ()

    checked.check(subject(target), CheckWish((CheckName.INSTALLABLE, "backwards")), by="me")

    known = {one.check: one for one in known_answers(target, find(target, "current"))}
    assert set(known) == {"installable", "vanished", "backwards"}
    assert known["backwards"].skipped == "there is nothing to compare with"
    assert known["installable"].findings[0].package == "python-b"


def test_a_job_is_told_of_the_repository_and_its_log_is_kept(target: OpenTarget) -> None:
    answer = run(target, job("env | grep ^RDO_ | sort; pwd; touch here"))

    text = (target.folder / answer.log).read_text()
    [repository] = find(target, "current").repositories
    assert answer.passed
    assert f"RDO_URL={target.tree.site.url(PurePosixPath(repository.path))}\n" in text
    assert f"RDO_PATH={target.tree.repos / repository.path}" in text
    assert f"RDO_HASH={repository.digest}" in text
    assert f"RDO_TARGET={target.name}" in text
    assert "RDO_NAME=current" in text
    assert not (target.folder / "checks/.tempest").exists()


def test_a_job_that_fails_is_reported_with_its_last_words(target: OpenTarget) -> None:
    answer = run(target, job("echo nova does not start; exit 3"))

    [found] = answer.findings
    assert found.what == "tempest ended with exit status 3: nova does not start"
    assert known_answers(target, find(target, "current"))[0].log == answer.log


def test_the_failures_of_a_report_are_reported(target: OpenTarget) -> None:
    report = (
        '<testsuites><testsuite><testcase classname="nova" name="boots"/>'
        '<testcase classname="nova" name="stops"><failure message="too late">line &lt;1&gt;'
        '</failure></testcase><testcase name="odd"><skipped/></testcase></testsuite></testsuites>'
    )
    answer = run(target, job(f"mkdir out; printf '%s' '{report}' > out/a.xml", junit="out/*.xml"))

    [found] = answer.findings
    assert (found.what, found.chain) == ("nova.stops failed: too late", ("line <1>",))
    assert answer.said == "3 cases"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("true", "the job has left no such file"),
        ("ln -s /etc/passwd a.xml", "the job has left no such file"),
        ("echo hello > a.xml", "syntax error"),
        ("echo '<html/>' > a.xml", "it begins with 'html', not with a test suite"),
        (
            """printf '<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>' > a.xml""",
            "it has a document type",
        ),
        (
            "(printf '<testsuite>'; yes '<a>' | head -200) > a.xml",
            "its elements are nested more than 50 times",
        ),
        ("truncate -s 30M a.xml", "more than 20000000 bytes"),
    ],
    ids=["none", "link", "text", "page", "entities", "deep", "large"],
)
def test_a_hostile_report_is_one_clear_finding(target: OpenTarget, script: str, told: str) -> None:
    [found] = run(target, job(script, junit="*.xml")).findings

    assert told in found.what


@pytest.mark.slow
def test_a_job_that_hangs_ends_with_all_it_has_started(target: OpenTarget) -> None:
    script = "setsid sh -c 'sleep 60; touch /tmp/escaped' & sleep 60 & trap '' TERM; sleep 60"
    started = time.monotonic()

    answer = run(target, job(script, seconds=1))

    assert time.monotonic() - started < 40
    assert answer.findings[0].what == "tempest did not end within 0.0166667 minutes"
    mark = f"RDO_CHECK_FOLDER={target.folder}/checks/.tempest".encode()
    assert not [one for one in Path("/proc").glob("[0-9]*/environ") if mark in _content(one)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_job_that_fills_its_folder_is_ended(target: OpenTarget) -> None:
    one = replace(job("head -c 20000000 /dev/zero > big; sleep 60"), disk_bytes=1_000_000)

    assert run(target, one).findings[0].what == "tempest wrote more than 1 MB to its folder"


def test_a_job_that_prints_without_end_is_ended(target: OpenTarget) -> None:
    answer = run(target, replace(job("yes"), log_bytes=1_000_000))

    assert answer.findings[0].what == "tempest printed more than 1 MB"
    assert (target.folder / answer.log).stat().st_size < 3_000_000


def test_a_full_disk_is_one_clear_error_and_no_answer(target: OpenTarget) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: a file system is mounted")
    disk = Disk(target.folder / "checks")
    disk.mount("2m")
    try:
        with pytest.raises(NoSpaceError, match="no space left for the check tempest"):
            run(target, job("cat /dev/zero > big"))
        with pytest.raises(NoSpaceError, match="no space left for the check tempest"):
            run(target, job("yes"))

        assert known_answers(target, find(target, "current")) == ()
        assert run(target, job("true")).passed
    finally:
        subprocess.run(["umount", str(disk.place)], check=True)


def test_a_program_that_is_not_there_is_one_clear_error_and_no_answer(target: OpenTarget) -> None:
    with pytest.raises(CommandError, match="no-such-program"):
        run(target, OutsideJob("tempest", ("no-such-program",), 10))

    assert known_answers(target, find(target, "current")) == ()


def test_a_second_process_is_told_who_runs_the_job(target: OpenTarget) -> None:
    other = multiprocessing.get_context("fork").Process(
        target=run, args=(target, job("touch ../begun; sleep 60"))
    )
    other.start()
    try:
        _wait_for(target.folder / "checks/begun")
        with pytest.raises(RefusedError, match=f"the check tempest, process {other.pid}"):
            run(target, job("true"))
    finally:
        other.kill()
        other.join()


def test_a_check_that_is_killed_leaves_no_answer(target: OpenTarget) -> None:
    other = multiprocessing.get_context("fork").Process(
        target=run, args=(target, job("touch ../begun; sleep 60"))
    )
    other.start()
    _wait_for(target.folder / "checks/begun")
    os.kill(other.pid or 0, signal.SIGKILL)
    other.join()

    assert known_answers(target, find(target, "current")) == ()
    assert run(target, job("true")).passed


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


SECTION = Target(
    release="r", platform="p", checks={"tempest": CheckSection(command=["tempest", "run"])}
)


def test_the_cheap_checks_are_asked_unless_somebody_chooses() -> None:
    assert wanted(SECTION).names == CHEAP
    assert "install" in wanted(SECTION, everything=True).names
    assert wanted(SECTION, everything=True).names[-1] == "tempest"
    assert wanted(SECTION, only=["tempest", "intact"]).names == ("intact", "tempest")
    assert wanted(SECTION, also=["tempest"]).names == (*CHEAP, "tempest")
    assert "files" not in wanted(SECTION, skip=["files"]).names


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"only": ["instalable"]}, "there is no check instalable.*installable"),
        ({"skip": ["nothing"]}, "there is no check nothing"),
        ({"only": ["files"], "skip": ["files"]}, "no check is left"),
    ],
)
def test_a_check_that_is_not_there_is_one_clear_error(
    options: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        wanted(SECTION, **options)  # type: ignore[arg-type]


def test_a_job_with_the_name_of_a_check_of_ours_is_refused() -> None:
    section = SECTION.model_copy(update={"checks": {"install": CheckSection(command=["x"])}})

    with pytest.raises(
        ConfigError, match="the job install has the name of one of rdo's own checks"
    ):
        wanted(section)
