"""`rdo reproduce`: good builds byte for byte, failing ones with the same verdict."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import needs_roots, platforms
from tests.e2e.distribution import TARGET, Distribution

pytestmark = needs_roots


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """One package that was good and then broke, and one that nobody can build."""
    made = Distribution(tmp_path_factory.mktemp("reproduce"))
    made.add("lowermod")
    made.add("brokenmod", "rdo-nobody-has-this")
    made.run()
    broken = {"lowermod/__init__.py": "raise RuntimeError('broken here')\n"}
    made.upstreams["lowermod"].commit("Break it", broken)
    made.run()
    return made


def builds(factory: Distribution) -> dict[str, int]:
    """The numbers of the three builds."""
    folder = factory.folder / "data" / TARGET / "builds"
    found = {}
    for recipe in folder.glob("*/recipe.json"):
        job = json.loads(recipe.read_text())["job"]
        rpms = recipe.parent.glob("*.rpm")
        good = any(not rpm.name.endswith(".src.rpm") for rpm in rpms)
        name = job["commit"]["package"].removeprefix("python-")
        found["good" if good else name] = job["id"]
    return found


@pytest.mark.slow
def test_a_good_build_gives_the_same_bytes(factory: Distribution, tmp_path: Path) -> None:
    done = factory.rdo("reproduce", builds(factory)["good"], "-o", tmp_path / "r", "--json")

    assert done.code == 0, done.stdout + done.stderr
    assert done.json["same"]
    assert len(done.json["files"]) == 2
    assert all(file["is_same"] for file in done.json["files"])
    assert done.json["root"] > 3


def test_a_failing_build_gives_the_same_verdict_and_a_shell_where_it_failed(
    factory: Distribution, tmp_path: Path
) -> None:
    number = builds(factory)["lowermod"]
    command = [sys.executable, "-m", "rdo", "reproduce", str(number), "-o", str(tmp_path / "r")]
    done = subprocess.run(
        [*command, "--shell"],
        cwd=factory.folder,
        env={**os.environ, "RDO_PLATFORMS": platforms()},
        input="pwd; ls; cat /builddir/SPECS/*.spec | head -3; id -u; exit\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "fails again, with the same verdict\n  test: %check: " in done.stdout
    assert "broken here" in done.stdout
    assert "the same root: " in done.stdout
    assert "/builddir/BUILD\n" in done.stdout
    assert "\n0\n" not in done.stdout
    assert "run it again with: sh -ex /var/tmp/rpm-tmp." in done.stderr


def test_a_build_that_nobody_can_meet_asks_for_the_same(
    factory: Distribution, tmp_path: Path
) -> None:
    number = builds(factory)["brokenmod"]

    done = factory.rdo("reproduce", number, "-o", tmp_path / "r")

    assert done.code == 0, done.stdout + done.stderr
    assert (
        "waits again, with the same verdict\n  it asks for python3dist(rdo-nobody-has-this)"
        in done.stdout
    )


def test_a_folder_with_other_things_is_not_touched(factory: Distribution, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")

    done = factory.rdo("reproduce", builds(factory)["good"], "-o", tmp_path)

    assert done.code == 5
    assert "contains other files" in done.stderr
    assert (tmp_path / "mine").read_text() == "keep"


def test_a_build_whose_sources_are_gone_is_refused_by_name(
    factory: Distribution, tmp_path: Path
) -> None:
    number = builds(factory)["good"]
    recipe = factory.folder / "data" / TARGET / "builds" / str(number) / "recipe.json"
    text = recipe.read_text()
    recipe.write_text(text.replace("lowermod-", "gone-"))
    try:
        done = factory.rdo("reproduce", number, "-o", tmp_path / "r")
    finally:
        recipe.write_text(text)

    assert done.code == 4
    assert "are gone: " in done.stderr
    assert "rdo trunk recheck" in done.stderr
