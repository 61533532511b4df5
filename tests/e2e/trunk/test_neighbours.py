"""Cloud depends on Virtualization, a target of the same factory: built, listed, checked."""

from pathlib import Path

import pytest

from tests.e2e.command import PLATFORM
from tests.e2e.distribution import TARGET, Distribution

NEIGHBOUR = f"""
[targets.{TARGET}.dependencies.virtualization]
target = "virt-deb12"
name = "current"
contract = "virtualization.toml"
[targets.virt-deb12]
release = "virt"
platform = "{PLATFORM}"
look-ahead = false
"""
CONTRACT = """\
name = "virtualization"
contact = "virt@example.test"
promises = ["python3dist(virtlike)"]
"""


@pytest.fixture
def sigs(tmp_path: Path) -> Distribution:
    """`cloudy` of the one target requires `virtlike` of the other, which PyPI does not have."""
    made = Distribution(tmp_path, settings=("", NEIGHBOUR))
    made.add("virtlike")
    made.lines = [line.replace("{master: }", "{virt: }") for line in made.lines]
    made.add("cloudy", "virtlike<2")
    (tmp_path / "virtualization.toml").write_text(CONTRACT)
    info = tmp_path / "info/rdo.yml"
    release = (
        "- name: {0}\n  status: development\n  branch: rpm-master\n  repos:\n  - name: deb12\n"
    )
    packages = info.read_text().partition("packages:")[2]
    text = f"releases:\n{release.format('master')}{release.format('virt')}packages:{packages}"
    info.write_text(text)
    return made


def test_a_target_is_built_from_another_one_and_learns_of_its_breaks(sigs: Distribution) -> None:
    early = sigs.rdo("trunk", "run", "--target", TARGET)
    assert early.code == 4, early.stdout + early.stderr
    assert f"{TARGET} depends on virt-deb12, which has no repository current yet" in early.stderr

    assert sigs.rdo("trunk", "run", "--target", "virt-deb12").code == 0
    done = sigs.rdo("trunk", "run", "--target", TARGET)
    assert done.code == 0, done.stdout + done.stderr

    deps = sigs.rdo("repo", "deps", "--target", TARGET, "--json").json
    [taken] = [one for one in deps["packages"] if one["side"] == "virtualization"]
    states = {one["side"]: one["holds"] for one in deps["repositories"]}
    assert (taken["name"], taken["origin"]) == ("python3-virtlike", "virt-deb12")
    assert states["virtualization"] is True
    shown = sigs.rdo("repo", "deps", "--target", TARGET).stdout
    assert "virtualization: its contract holds" in shown
    contract = sigs.rdo("repo", "deps", "--target", TARGET, "--contract").stdout
    assert "[consumes.virtualization]" in contract

    check = ("promotion", "contract", "check", "--target", TARGET)
    candidate = (*check, "--candidate", "virtualization=current")
    assert sigs.rdo(*check).code == 0
    assert sigs.rdo(*candidate).code == 0
    sigs.release("virtlike", "2.0")
    assert sigs.rdo("trunk", "run", "--target", "virt-deb12").code == 0
    broken = sigs.rdo(*candidate)
    assert broken.code == 1
    assert f"{TARGET}: python3-cloudy-" in broken.stdout
    assert "fault: virtualization (virt@example.test)" in broken.stdout
    assert sigs.rdo(*check).code == 0  # what is named already stays as it was
