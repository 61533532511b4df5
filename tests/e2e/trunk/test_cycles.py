"""Eight packages in which nearly everything needs something, built in real roots.

alphamod's tests need betamod, which needs alphamod; gammamod and deltamod need each other to be
built at all; epsilonmod learns while it is built that it needs alphamod; zetamod needs what PyPI
has, etamod what nobody has, and thetamod needs etamod. PyPI is asked, as by every root build.
"""

import re
import subprocess
from collections import Counter
from typing import Any

import pytest

from tests.as_root import AS_ROOT
from tests.e2e.command import PLATFORM, needs_roots
from tests.e2e.distribution import TARGET, Distribution
from tests.fakes.index import FakeIndex, serve_index
from tests.wheels import wheel

pytestmark = [needs_roots, pytest.mark.slow]


def offer(index: FakeIndex, name: str, version: str, *requires: str) -> None:
    content = wheel(name, version, {f"{name}/__init__.py": f"version = {version!r}\n"}, *requires)
    file_name = f"{name}-{version}-py3-none-any.whl"
    index.add_file(name, file_name, content, uploaded="2026-01-02T03:04:05Z")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    made = Distribution(tmp_path_factory.mktemp("set"), looks_ahead=True)
    made.add("thetamod", "etamod")
    made.add("epsilonmod", "alphamod")
    made.add("alphamod", tests_need="betamod")
    made.add("betamod", "alphamod")
    made.add("gammamod", "deltamod", spec_needs="deltamod")
    made.add("deltamod", "gammamod", spec_needs="gammamod")
    made.add("zetamod", "iniconfig")
    made.add("etamod", "rdo-nobody-has-this")
    return made


@pytest.fixture(scope="module")
def first_round(packages: Distribution) -> tuple[int, Any]:
    return packages.run()


@pytest.fixture(scope="module")
def log(first_round: tuple[int, Any], packages: Distribution) -> str:
    assert first_round
    return packages.log


def built(report: Any) -> list[tuple[str, bool]]:
    return [(one["package"], one["bootstrap"]) for one in report["built"]]


# One story in steps: each test goes on where the one before it ended.


def test_1_a_cycle_through_tests_is_bootstrapped_and_built_a_second_time(
    first_round: tuple[int, Any],
) -> None:
    _, report = first_round

    order = [one for one in built(report) if one[0] in {"python-alphamod", "python-betamod"}]
    assert order == [
        ("python-alphamod", True),
        ("python-betamod", False),
        ("python-alphamod", False),
    ]
    first, second = (one for one in report["built"] if one["package"] == "python-alphamod")
    assert second["release"] > first["release"]


def test_2_what_the_set_or_pypi_provides_is_found_while_building(
    first_round: tuple[int, Any], packages: Distribution
) -> None:
    _, report = first_round

    assert ("python-epsilonmod", False) in built(report)
    assert ("python-zetamod", False) in built(report)
    lock = (packages.folder / "data" / TARGET / "bridge.json").read_text()
    assert "iniconfig" in lock
    assert "alphamod" not in lock


def test_2b_what_packages_need_is_read_before_the_first_is_started(
    first_round: tuple[int, Any], log: str
) -> None:
    _, report = first_round

    assert "reading what 8 new packages need" in log
    starts = Counter(re.findall(r"(python-\w+)@\w+: build \d+ started", log))
    for package in ("python-epsilonmod", "python-zetamod", "python-betamod"):
        assert starts[package] == 1, log
    assert starts["python-alphamod"] == 2
    assert starts.total() <= 1.5 * len({one for one, _ in built(report)} | set(starts))


def test_3_what_nobody_has_fails_and_its_dependent_waits(
    first_round: tuple[int, Any], packages: Distribution
) -> None:
    code, report = first_round

    failed = {one["package"]: (one["reason"], one["detail"]) for one in report["failed"]}
    assert failed["python-etamod"] == ("missing-dependency", "python3dist(rdo-nobody-has-this)")
    waiting = {one["package"]: one["for"] for one in report["waiting"]}
    assert waiting == {"python-thetamod": ["python-etamod"]}
    assert "python-thetamod" not in report["ftbfs"]
    assert code == 1
    (why,) = packages.why("python-thetamod")
    assert why["step"]["state"] == "waiting"
    assert [(one["package"], one["state"]) for one in why["chain"]] == [
        ("python-etamod", "missing dependency")
    ]
    (why,) = packages.why("iniconfig")
    assert (why["step"]["state"], why["needed_by"]) == ("bridged", ["python-zetamod"])


def test_4_a_cycle_that_nothing_breaks_fails_its_members_and_nobody_else(
    first_round: tuple[int, Any],
) -> None:
    _, report = first_round

    reasons = {one["package"]: one["reason"] for one in report["failed"]}
    assert reasons == {
        "python-etamod": "missing-dependency",
        "python-gammamod": "cycle",
        "python-deltamod": "cycle",
    }


def test_5_such_a_cycle_begins_with_what_pypi_has_and_ends_with_our_own(
    packages: Distribution,
) -> None:
    packages.release("gammamod", "1.1", "deltamod")
    packages.release("deltamod", "1.1", "gammamod")

    with serve_index() as index:
        offer(index, "gammamod", "0.9", "deltamod")
        offer(index, "deltamod", "0.9", "gammamod")
        packages.environment["PIP_EXTRA_INDEX_URL"] = f"{index.url}/simple"
        _, report = packages.run()
    del packages.environment["PIP_EXTRA_INDEX_URL"]

    assert report["failed"] == []
    published = [name for name, bootstrap in built(report) if not bootstrap]
    assert sorted(published) == ["python-deltamod", "python-gammamod"]
    assert any(bootstrap for _, bootstrap in built(report))


def test_6_nothing_that_was_only_there_to_begin_is_published(packages: Distribution) -> None:
    repos = packages.folder / "data" / TARGET / "repos"
    published = [path.name for path in repos.rglob("*.rpm") if "gammamod" in path.name]
    bridged = (packages.folder / "data" / TARGET / "bridge.json").read_text()

    assert published
    assert not any("-0.9-" in name or ".pypi" in name for name in published)
    assert "gammamod" not in bridged
    (why,) = packages.why("python-gammamod")
    assert why["step"]["state"] == "built"
    assert "bootstrap builds used version 0.9 from PyPI, to break a cycle" in why["notes"]


def test_7_dnf_installs_both_cycles(packages: Distribution) -> None:
    root = packages.folder / "root"
    options = ("--root", "root", "--target", TARGET, "--name", "current")
    made = packages.rdo("platform", "create", PLATFORM, *options)
    assert made.code == 0, made.stderr

    names = ["python3-betamod", "python3-gammamod", "python3-epsilonmod", "python3-zetamod"]
    install = [*AS_ROOT, "dnf", f"--installroot={root}", "-q", "-y", "install", *names]
    subprocess.run(install, check=True, capture_output=True)
    program = "import gammamod, deltamod; print(gammamod.version, deltamod.version)"
    command = [*AS_ROOT, "chroot", str(root), "python3", "-c", program]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert printed == "1.1 1.1\n"


def test_8_tests_that_are_turned_off_are_not_run_and_status_says_why(
    packages: Distribution,
) -> None:
    packages.release("zetamod", "1.1", "iniconfig", code="raise RuntimeError('untestable')")
    _, report = packages.run()
    assert [(one["package"], one["reason"]) for one in report["failed"]] == [
        ("python-zetamod", "test")
    ]
    place = packages.lines.index("  name: python-zetamod")
    packages.lines.insert(place + 1, "  skip-tests: it needs a network")
    packages.write_metadata()

    _, again = packages.run()

    assert built(again) == [("python-zetamod", False)]
    status = packages.rdo("trunk", "status").stdout
    (line,) = [line for line in status.splitlines() if line.startswith("python-zetamod ")]
    assert "built" in line
    assert line.endswith("its tests are skipped: it needs a network")
    (row,) = packages.rdo("trunk", "status", "--json").json
    reasons = {one["package"]: one["skip_tests"] for one in row["packages"]}
    assert reasons["python-zetamod"] == "it needs a network"
    assert reasons["python-alphamod"] == ""
