"""Targets share the noarch RPMs that one target of the release built, where metadata allows it."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.patience import until
from tests.rounds.several import Several

DEB12, DEB13 = "master-deb12", "master-deb13"


@pytest.fixture
def site(tmp_path: Path) -> Several:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    return Several(tmp_path)


def finish(site: Several, *args: str) -> Any:
    with site.start("--json", *args) as run:
        output, errors = run.communicate(timeout=240)
    assert run.returncode in {0, 1}, errors
    return json.loads(output), errors


def rpms(site: Several, target: str) -> dict[str, int]:
    """The RPMs that a target publishes, each with its inode."""
    current = site.folder / "data" / target / "repos/current"
    return {
        one.name: one.stat().st_ino for one in (current / "pool").resolve().rglob("*.noarch.rpm")
    }


def test_only_one_target_builds_what_is_shared(site: Several) -> None:
    site.add("a", "b", shares=True)
    site.add("c")
    site.lines = "workers = 4\n"

    rows, errors = finish(site)

    assert [row["failed"] for row in rows] == [[], []], errors
    began = sorted(line.split()[1] for line in site.noted("began"))
    assert began == ["python-a", "python-b", "python-c", "python-c"]
    assert rpms(site, DEB12).keys() == rpms(site, DEB13).keys()
    takers = [line.split()[0] for line in site.noted("began") if "python-a" in line]
    (taker,) = {DEB12, DEB13} - set(takers)
    why = json.loads(site.ask("why", "python-a", "--target", taker, "--json"))
    (maker,) = takers
    assert f"of {maker}" in json.dumps(why)
    page = next((site.folder / "data" / taker / "repos").glob("packages/python-a*")).read_text()
    assert f"of {maker}" in page


def test_a_target_waits_for_the_build_of_another_and_builds_itself_if_that_fails(
    site: Several,
) -> None:
    site.add("a", shares=True)
    for target in (DEB12, DEB13):
        site.plan(target, "a", "until go")
    site.lines = "workers = 4\n"

    with site.start("--json") as run:
        until(lambda: site.noted("began"))
        (first,) = {line.split()[0] for line in site.noted("began")}
        (second,) = {DEB12, DEB13} - {first}
        until((site.folder / "data" / second / "round.lock").exists)
        assert len(site.noted("began")) == 1
        site.fail_now(first, "go")
        until(lambda: len(site.noted("began")) == 2)
        (site.folder / "go").touch()
        output, errors = run.communicate(timeout=240)

    failed = {
        row["target"]: [one["package"] for one in row["failed"]] for row in json.loads(output)
    }
    assert failed == {first: ["python-a"], second: []}, errors


def test_a_package_that_is_not_wholly_noarch_is_built_and_says_why(site: Several) -> None:
    site.add("a", shares=True, noarch=False)

    rows, errors = finish(site)

    assert [row["failed"] for row in rows] == [[], []], errors
    assert len(site.noted("began")) == 2
    second = site.noted("began")[1].split()[0]
    why = site.ask("why", "python-a", "--target", second)
    assert "is not noarch" in why
    assert why.count("is not noarch") == 1


def test_what_requires_another_python_is_built(site: Several) -> None:
    site.add("a", requires=("python(abi) = 3.11",), shares=True)
    finish(site, "--target", DEB12)

    finish(site, "--target", DEB13)

    assert [line.split()[0] for line in site.noted("began")] == [DEB12, DEB13]
    assert "requires python(abi) = 3.11, and the Python here is 3.13" in site.ask(
        "why", "python-a", "--target", DEB13
    )


def test_of_several_the_target_with_the_same_python_is_asked_first(site: Several) -> None:
    site.platforms = ("deb12-x86_64", "deb13-x86_64", "deb11-x86_64")  # deb11 has 3.11, too
    site.add("a", requires=("python(abi) = 3.11",), shares=True)
    for target in (DEB12, DEB13, "master-deb11"):
        finish(site, "--target", target)

    assert [line.split()[0] for line in site.noted("began")] == [DEB12, DEB13]


def test_an_rpm_that_has_changed_since_is_not_taken(site: Several) -> None:
    site.add("a", shares=True)
    finish(site, "--target", DEB12)
    (rpm,) = (site.folder / "data" / DEB12 / "builds").glob("*/*.noarch.rpm")
    content = rpm.read_bytes()
    rpm.unlink()
    rpm.write_bytes(content[:-1] + b"?")

    finish(site, "--target", DEB13)

    assert [line.split()[0] for line in site.noted("began")] == [DEB12, DEB13]
    assert "is not what was built" in site.ask("why", "python-a", "--target", DEB13)


def test_a_target_that_was_killed_delays_no_other(site: Several) -> None:
    site.add("a", shares=True)
    site.plan(DEB12, "a", "until go")
    with site.start("--target", DEB12) as run:
        until(lambda: site.noted("began"))
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()

    rows, errors = finish(site, "--target", DEB13)

    assert len(rows[0]["built"]) == 1, errors
    (site.folder / "go").touch()
    finish(site)
    assert rpms(site, DEB12).keys() == rpms(site, DEB13).keys()


def test_a_build_whose_rpms_were_taken_cannot_be_reproduced(site: Several) -> None:
    site.add("a", shares=True)
    finish(site, "--target", DEB12)
    finish(site, "--target", DEB13)

    said = site.ask("reproduce", "2", code=5)

    assert "build 2 took the noarch RPMs of build 1" in said
    assert "rdo reproduce 1" in said
