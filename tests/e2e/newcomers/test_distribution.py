"""A mini distribution from real git, built in real roots and installed by real dnf."""

import subprocess
from typing import Any

import pytest

from tests.as_root import AS_ROOT
from tests.e2e.command import PLATFORM, needs_roots
from tests.e2e.distribution import TARGET, Distribution

pytestmark = needs_roots


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    made = Distribution(tmp_path_factory.mktemp("distribution"))
    made.add("gamma", "beta", "packaging")  # last in the order, first in the metadata
    made.add("beta", "alpha")
    made.add("alpha")
    return made


def ended(report: Any) -> dict[str, str]:
    return {one["package"]: what for what in ("built", "failed") for one in report[what]}


# One story in steps: each test goes on where the one before it ended.


def test_1_packages_that_need_each_other_are_built_in_the_order_of_their_needs(
    distribution: Distribution,
) -> None:
    code, report = distribution.run()

    assert code == 0, report
    assert [one["package"] for one in report["built"]] == [
        "python-alpha",
        "python-beta",
        "python-gamma",
    ]
    assert distribution.name("current") == distribution.name("consistent") != ""


def test_2_an_unchanged_round_builds_nothing_and_says_so(distribution: Distribution) -> None:
    before = distribution.name("current")

    done = distribution.rdo("trunk", "run")

    assert done.code == 0
    assert "nothing to build" in done.stdout
    assert distribution.name("current") == before


def test_3_a_new_upstream_commit_is_built(distribution: Distribution) -> None:
    hash_ = distribution.release("alpha", "1.1")

    code, report = distribution.run()

    assert (code, ended(report)) == (0, {"python-alpha": "built"})
    assert hash_ in distribution.name("current")


def test_4_a_distgit_change_is_built_with_a_new_release_date(distribution: Distribution) -> None:
    distgit = distribution.distgits["beta"]
    spec = (distgit.path / "python-beta.spec").read_text()
    hash_ = distgit.commit("say more", {"python-beta.spec": spec.replace("beta of", "Beta of")})

    code, report = distribution.run()

    assert (code, ended(report)) == (0, {"python-beta": "built"})
    assert distribution.name("current").endswith(hash_[:8])


def test_5_a_package_that_fails_is_named_and_its_log_can_be_read(
    distribution: Distribution,
) -> None:
    before = distribution.name("consistent")
    distribution.release("beta", "1.2", "alpha", code="raise RuntimeError('broken')")

    code, report = distribution.run()

    assert (code, ended(report)) == (1, {"python-beta": "failed"})
    assert distribution.name("consistent") == before
    status = distribution.rdo("trunk", "status")
    assert "consistent is blocked by python-beta" in status.stdout
    log = distribution.rdo("trunk", "log", "python-beta")
    assert "RuntimeError: broken" in log.stdout


def test_6_a_package_that_fails_stops_no_other_and_holds_consistent(
    distribution: Distribution,
) -> None:
    before = distribution.name("consistent")
    hash_ = distribution.release("alpha", "1.2")

    code, report = distribution.run()

    assert (code, ended(report)) == (0, {"python-alpha": "built"})
    assert report["ftbfs"]
    assert hash_ in distribution.name("current")
    assert distribution.name("consistent") == before


def test_7_its_mend_moves_consistent_on(distribution: Distribution) -> None:
    distribution.release("beta", "1.3", "alpha")

    code, report = distribution.run()

    assert (code, ended(report)) == (0, {"python-beta": "built"})
    assert distribution.name("consistent") == distribution.name("current")


def test_8_dnf_installs_the_whole_chain_from_consistent(distribution: Distribution) -> None:
    root = distribution.folder / "root"
    made = distribution.rdo("platform", "create", PLATFORM, "--root", "root", "--target", TARGET)
    assert made.code == 0, made.stderr

    install = [*AS_ROOT, "dnf", f"--installroot={root}", "-q", "-y", "install", "python3-gamma"]
    subprocess.run(install, check=True, capture_output=True)
    code = "import gamma, beta, alpha; print(beta.version)"
    program = [*AS_ROOT, "chroot", str(root), "python3", "-c", code]
    printed = subprocess.run(program, check=True, capture_output=True, text=True).stdout

    assert printed == "1.3\n"
