"""Packages in DLRN's other layouts: folders of one repository, or one distgit for all."""

from dataclasses import replace
from pathlib import Path

import pytest

from rdo.app import App
from rdo.app.workplaces import Workplace
from rdo.cli import main
from rdo.model.build import BuildJob
from rdo.trunk.context import open_trunk
from rdo.trunk.round import RoundOptions, run_round
from tests.conftest import GitRepository
from tests.fakes.builder import ScriptedBridge, ScriptedBuilder

TARGET = """\
[targets.t]
release = "master"
platform = "deb12-x86_64"
"""


def a_round(folder: Path) -> dict[str, BuildJob]:
    """One round of the target; the jobs that it gave to the builder, by package."""
    builder = ScriptedBuilder()
    app = App(folder)
    trunk = open_trunk(app, "t")
    trunk = replace(trunk, open_workplace=lambda: Workplace(builder, ScriptedBridge()))
    run_round(trunk, RoundOptions())
    app.close()
    return {job.commit.package: job for job in builder.jobs}


@pytest.fixture
def packaging(tmp_path: Path) -> GitRepository:
    """Three folders with a spec; `a` and `b` have an upstream."""
    for name in ("a", "b"):
        GitRepository(tmp_path / f"git/{name}").commit("one")
    repository = GitRepository(tmp_path / "git/rpm-packaging")
    names = ("a", "b", "without-upstream")
    specs = {f"openstack/{name}/{name}.spec": f"Name: {name}\n" for name in names}
    repository.commit("specs", specs)
    (tmp_path / "rdo.toml").write_text(
        f"""\
[metadata]
layout = "folders"
source = "{repository.url}"
directories = ["/openstack"]
upstreams = ["{(tmp_path / "git").as_uri()}/%s", "{(tmp_path / "gone").as_uri()}/%s"]
{TARGET}"""
    )
    return repository


def test_a_folder_of_a_repository_is_followed_by_itself(
    packaging: GitRepository, tmp_path: Path
) -> None:
    first = a_round(tmp_path)
    changed = packaging.commit("better", {"openstack/b/b.spec": "Name: b\nVersion: 1\n"})
    GitRepository(tmp_path / "git/a").commit("two")

    second = a_round(tmp_path)

    assert sorted(first) == ["a", "b"]
    assert first["a"].distgit_path == "openstack/a"
    assert (second["b"].commit.distgit_hash, second["b"].commit.upstream_hash) == (
        changed,
        first["b"].commit.upstream_hash,
    )
    assert second["a"].commit.distgit_hash == first["a"].commit.distgit_hash
    assert a_round(tmp_path) == {}


def test_what_the_packages_are_can_be_asked_and_not_edited(
    packaging: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["-C", str(tmp_path), "info", "project:.", "--names"]) == 0
    assert capsys.readouterr().out == "a\nb\n"

    assert main.run(["-C", str(tmp_path), "info", "set", "a", "component", "x"]) == 5
    assert "has no file to edit" in capsys.readouterr().err


@pytest.mark.parametrize("question", [["verify"], ["why", "a"], ["review", "a", "--offline"]])
def test_what_is_said_of_them_names_the_repository(
    packaging: GitRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    question: list[str],
) -> None:
    code = main.run(["-C", str(tmp_path), "info", *question])

    told = capsys.readouterr().out
    if question[0] == "verify":
        assert (code, told) == (0, "no faults found\n")
    elif question[0] == "why":
        assert f"package   {packaging.url}" in told
    else:
        assert "done   entry" in told


def test_one_distgit_is_followed_with_its_own_commits(tmp_path: Path) -> None:
    distgit = GitRepository(tmp_path / "distgit")
    first = distgit.commit("spec", {"python-x.spec": "Name: python-x\n"})
    (tmp_path / "rdo.toml").write_text(
        f'[metadata]\nlayout = "local"\nsource = "{distgit.path}"\n{TARGET}'
    )

    jobs = a_round(tmp_path)
    second = distgit.commit("better")

    assert [(job.commit.upstream_hash, job.commit.distgit_hash) for job in jobs.values()] == [
        (first, first)
    ]
    assert a_round(tmp_path)["python-x"].commit.distgit_hash == second
