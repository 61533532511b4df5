"""`rdo builder` lists the configured builders and whether they can be used."""

import sys
from pathlib import Path

import pytest

from tests.e2e.command import PLATFORM, needs_roots, rdo
from tests.long.builders.engines import FARM

CONFIGURATION = """\
data = "data"
[metadata]
source = "info"
[builders.farm]
kind = "command"
workers = 4
command = [{python!r}, "-S", "{folder}/farm.py", "{{srpm}}", "{{resultdir}}"]
[builders.gone]
kind = "command"
command = ["/no/such/program", "{{resultdir}}"]
[targets.t]
release = "master"
platform = "{platform}"
builder = "farm"
[targets.t.package-builders.python-a]
builder = "root"
reason = "it needs this machine"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "farm.py").write_text(FARM)
    (tmp_path / "info").mkdir()
    (tmp_path / "info/rdo.yml").write_text(
        "releases:\n- name: master\n  status: development\n  branch: rpm-master\n"
        "  repos:\n  - name: deb12\n    distrepos: []\npackages: []\n"
    )
    text = CONFIGURATION.format(python=sys.executable, folder=tmp_path, platform=PLATFORM)
    (tmp_path / "rdo.toml").write_text(text)
    return tmp_path


def test_builders_are_listed_with_what_they_build(folder: Path) -> None:
    found = {one["name"]: one for one in rdo("builder", "list", "--json", cwd=folder).json}

    assert found["farm"]["targets"] == ["t"]
    assert found["farm"]["workers"] == 4
    assert found["root"]["packages"] == [
        {"target": "t", "package": "python-a", "reason": "it needs this machine"}
    ]


@needs_roots
def test_a_builder_is_checked_with_a_trivial_build(folder: Path) -> None:
    done = rdo("builder", "check", "farm", "--json", cwd=folder)

    assert done.code == 0, done.stderr
    assert done.json["seconds"] > 0
    assert done.json["rpms"][0].startswith("rdo-trial-")
    assert "runs" in done.json["rights"][0]


@needs_roots
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("gone", 3, "/no/such/program is not installed"),
        ("fram", 4, 'there is no builder fram; did you mean "farm"?'),
    ],
)
def test_a_builder_that_cannot_be_used(folder: Path, name: str, code: int, said: str) -> None:
    done = rdo("builder", "check", name, cwd=folder)

    assert done.code == code
    assert said in done.stderr
