"""A repository in a folder of its own, as clients use it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError, RefusedError
from rdo.promotion.compositions import find
from rdo.promotion.exporting import export
from rdo.tools.rpm.createrepo import CreateRepo
from tests.as_root import AS_ROOT
from tests.publishing import Factory
from tests.rpms import make_rpms

SNAPSHOT = "0123456789abcdef"


@pytest.fixture
def published(made: Factory) -> Factory:
    """python-b requires python-a, which requires a package of the dependency repository."""
    deps = made.tree.repos / "deps" / SNAPSHOT
    make_rpms(deps, "python-dep")
    shutil.rmtree(deps / "top")
    CreateRepo().create(deps)
    (deps.parent / "current").symlink_to(SNAPSHOT)
    url = f"http://127.0.0.1/master-deb12/repos/deps/{SNAPSHOT}"
    (made.tree.repos / "delorean-deps.repo").write_text(f"[deps]\nbaseurl={url}\n")
    made.publish("python-a", "a1", requires=("python3-dep",))
    made.publish("python-b", "b1", requires=("python3-a",))
    return made


def dnf(root: Path, repos: Path, *args: str) -> str:
    command = [
        *AS_ROOT,
        *("dnf", "--quiet", "--assumeyes", f"--installroot={root}", "--releasever=1"),
        *(f"--setopt=cachedir={root}-cache", f"--setopt=reposdir={repos}", "--nogpgcheck"),
        "--disableplugin=local",
        "--setopt=*.skip_if_unavailable=False",
        *args,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dnf_installs_from_an_exported_folder_alone(
    published: Factory, target: OpenTarget, tmp_path: Path
) -> None:
    done = export(target, find(target, "current"), tmp_path / "frozen")
    shutil.rmtree(published.tree.repos)

    dnf(tmp_path / "root", done.folder, "install", "python3-b")

    assert (done.rpms, done.dependencies) == (4, SNAPSHOT)
    installed = (tmp_path / "root/usr/share").iterdir()
    assert {"python-a", "python-b", "python-dep"} <= {path.name for path in installed}
    assert "python-b-1.0-1\n" in (done.folder / "versions.csv").read_text()


def test_the_rpms_of_a_scratch_build_replace_those_of_its_package(
    published: Factory, target: OpenTarget, tmp_path: Path
) -> None:
    make_rpms(tmp_path / "results", "python-a", version="9.0")

    done = export(
        target, find(target, "current"), tmp_path / "review", scratch=[tmp_path / "results"]
    )

    names = sorted(path.name for path in (done.folder / "rpms").iterdir())
    assert done.replaced == ("python-a",)
    assert names == [
        "python-a-9.0-1.src.rpm",
        "python-b-1.0-1.src.rpm",
        "python3-a-9.0-1.noarch.rpm",
        "python3-b-1.0-1.noarch.rpm",
    ]
    query = ("repoquery", "--whatprovides", "python3-a", "--qf", "%{version}")
    assert dnf(tmp_path / "root", done.folder, *query).split() == ["9.0"]


def test_a_folder_is_exported_whole_or_not_at_all(
    published: Factory, target: OpenTarget, tmp_path: Path
) -> None:
    [rpm] = (published.tree.repos / "pool").glob("*/python3-a-*.rpm")
    content = rpm.read_bytes()
    rpm.write_bytes(content[:-1])

    with pytest.raises(NotFoundError, match=r"python3-a-1.0-1.noarch.rpm is not intact"):
        export(target, find(target, "current"), tmp_path / "out/frozen")

    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_exists_is_left_alone(
    published: Factory, target: OpenTarget, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=r" exists$"):
        export(target, find(target, "current"), tmp_path)


@pytest.mark.parametrize("name", ["liar-1.0-1.noarch.rpm", "python3-a-1.0-1.noarch.rpm.rpm"])
def test_a_scratch_rpm_whose_name_lies_is_refused(
    published: Factory, target: OpenTarget, tmp_path: Path, name: str
) -> None:
    [rpm] = (published.tree.repos / "pool").glob("*/python3-a-*.rpm")
    shutil.copy(rpm, tmp_path / name)

    with pytest.raises(RefusedError, match=f"cannot publish {name}: its header names"):
        export(target, find(target, "current"), tmp_path / "x", scratch=[tmp_path / name])


def test_a_corrupt_scratch_rpm_is_refused(
    published: Factory, target: OpenTarget, tmp_path: Path
) -> None:
    (tmp_path / "bad-1-1.noarch.rpm").write_bytes(b"no rpm")

    with pytest.raises(RefusedError, match=r"bad-1-1\.noarch\.rpm"):
        export(
            target,
            find(target, "current"),
            tmp_path / "x",
            scratch=[tmp_path / "bad-1-1.noarch.rpm"],
        )
