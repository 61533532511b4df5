from pathlib import Path

import pytest

from rdo import starter
from rdo.app import App
from rdo.cli import main
from tests.conftest import GitRepository


def test_a_new_project_loads_and_has_a_target_with_a_package(tmp_path: Path) -> None:
    assert main.run(["init", str(tmp_path / "new")]) == 0

    app = App(tmp_path / "new")
    packages = app.packages("master-deb12")

    assert [package.name for package in packages.packages] == ["python-debtcollector"]
    assert packages.repo is not None
    assert packages.repo.name == "deb12"


def test_a_name_is_that_of_the_repositories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["init", str(tmp_path / "new"), "--name", "mydistro"]) == 0
    refused = main.run(["init", str(tmp_path / "other"), "--name", "my distro"])

    target = App(tmp_path / "new").settings.target("master-deb12")
    assert (target.reponame, target.project_name) == ("mydistro", "mydistro")
    assert refused == 2
    assert "'my distro' cannot be the name of a repository" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("remotes", "url", "expected"),
    [
        pytest.param(
            {"upstream": "https://example.test/demo.git", "origin": "https://a:b@example.test/d"},
            "https://example.test",
            ("https://example.test/demo.git", "https://example.test/d"),
            id="remotes",
        ),
        pytest.param(
            {}, "https://github.com/x/demo", ("https://github.com/x/demo", "file://HERE"), id="url"
        ),
        pytest.param({}, "https://example.test", None, id="no upstream is known"),
    ],
)
def test_the_distgit_that_it_is_called_in_is_the_first_package(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    remotes: dict[str, str],
    url: str,
    expected: tuple[str, str] | None,
) -> None:
    distgit = GitRepository(tmp_path / "demo", branch="rpm#1")
    distgit.commit("Import", {"python-demo.spec": f"Name: python-demo\nURL: {url}\n"})
    for name, address in remotes.items():
        distgit.git("remote", "add", name, address)
    monkeypatch.chdir(distgit.path)

    assert main.run(["init", "../new"]) == 0

    [package] = App(tmp_path / "new").packages("master-deb12").packages
    said = capsys.readouterr().out
    if expected is None:
        assert package.name == "python-debtcollector"
        return
    assert package.name == "python-demo"
    upstream, place = expected
    assert list(package.upstreams) == [upstream]
    assert package.distgit == place.replace("HERE", str(distgit.path))
    assert package.distgit_branch == "rpm#1"
    assert "its first package is python-demo, whose distgit is here" in said


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
