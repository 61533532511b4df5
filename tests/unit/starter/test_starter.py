from pathlib import Path

import pytest

from rdo import starter
from rdo.app import App
from rdo.cli import main


def test_a_new_project_loads_and_has_a_target_with_a_package(tmp_path: Path) -> None:
    assert main.run(["init", str(tmp_path / "new")]) == 0

    app = App(tmp_path / "new")
    packages = app.packages("master-deb12")

    assert [package.name for package in packages.packages] == ["python-debtcollector"]
    assert packages.repo is not None
    assert packages.repo.name == "deb12"


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "info/rdo.yml"
    mine.parent.mkdir()
    mine.write_text("mine")

    assert main.run(["init", str(tmp_path)]) == 5

    assert mine.read_text() == "mine"
    assert "exists" in capsys.readouterr().err
    assert not (tmp_path / "rdo.toml").exists()


def test_every_commented_setting_is_known(tmp_path: Path) -> None:
    starter.write(tmp_path)
    file = tmp_path / "rdo.toml"
    lines = file.read_text().splitlines()
    settings = [
        line.removeprefix("# ") if line.startswith("# [") or " = " in line else line
        for line in lines
    ]
    file.write_text("\n".join(settings))

    settings_read = App(tmp_path).settings

    assert settings_read.bridge.constraints == tmp_path / "upper-constraints.txt"
    assert settings_read.mail is not None
