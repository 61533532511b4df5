"""The commands of docs/how-to/release-day.md, run: from an upstream tag to RPMs for dnf."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import COMMITTER, GitRepository
from tests.e2e.command import Result, needs_roots, rdo
from tests.unit.docs.pages import DOCS, fences

pytestmark = needs_roots

PAGE = (DOCS / "how-to/release-day.md").read_text()
FOLLOW_GIT = (DOCS / "how-to/follow-git.md").read_text()
PROGRAM = "def main() -> None:\n    print('hello')\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The starting point of the page: a factory that has built 1.0, and clones."""
    [pyproject] = [block for block in fences(FOLLOW_GIT, "toml") if "[project]" in block]
    [spec] = fences(FOLLOW_GIT, "spec")
    [metadata] = fences(FOLLOW_GIT, "yaml")
    upstream = GitRepository(tmp_path / "upstream/greet", "main")
    upstream.commit("Say hello", {"pyproject.toml": pyproject, "greet/__init__.py": PROGRAM})
    upstream.git("tag", "1.0")
    spec = spec.replace("Version:        XXX", "Version:        1.0")
    spec = spec.replace("Release:        XXX", "Release:        1%{?dist}")
    made = GitRepository(tmp_path / "made", "rpm-master")
    made.commit("Package it", {"python-greet.spec": spec})
    (tmp_path / "distgit").mkdir()
    made.git("clone", "-q", "--bare", str(made.path), str(tmp_path / "distgit/python-greet"))
    made.git("clone", "-q", str(tmp_path / "distgit/python-greet"), str(tmp_path / "greet-distgit"))
    clone = GitRepository(tmp_path / "greet-distgit", "rpm-master")
    for key, value in (("name", "Test"), ("email", "test@example.test")):
        clone.git("config", f"user.{key}", value)
    clone.git("remote", "add", "-f", "upstream", str(upstream.path))
    assert rdo("init", "factory", cwd=tmp_path).code == 0
    (tmp_path / "factory/info/rdo.yml").write_text(metadata.replace("/srv/example", str(tmp_path)))
    shutil.rmtree(tmp_path / "factory/info/tags")
    GitRepository(tmp_path / "updates").commit("Begin", {"README": "updates"})

    pyproject = pyproject.replace('version = "1.0"', 'version = "1.1"')
    upstream.commit("Release 1.1", {"pyproject.toml": pyproject})
    upstream.git("tag", "1.1")
    clone.git("fetch", "-q", "--tags", "upstream")
    return tmp_path


def typed(line: str, folder: Path) -> Result:
    words = shlex.split(line)
    if words[0] == "rdo":
        return rdo(*words[1:], cwd=folder)
    env = {**COMMITTER, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def dnf_sees(users: Path) -> str:
    command = ["dnf", "-q", "--repofrompath", f"u,{users.as_uri()}", "--repo", "u", "repoquery"]
    command += ["--setopt=reposdir=/dev/null", f"--setopt=cachedir={users}/../dnf", "*"]
    command += ["--refresh", "--qf", "%{name}-%{version}\n"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_page_from_tag_to_users(place: Path) -> None:
    here, name = place, "k3f9"
    for line in (line for block in fences(PAGE, "") for line in block.splitlines()):
        if line.startswith("cd "):
            here = (here / line.removeprefix("cd ")).resolve()
            continue
        if " rollback " in line:
            assert "python3-greet-1.1" in dnf_sees(place / "users/openstack-master/deb12")
        done = typed(line.replace("k3f9", name), here)
        assert done.code == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if " submit " in line:
            [name] = re.findall(r"^(\w{4}): updates/", done.stdout, re.MULTILINE)
        if " list pushed " in line:
            assert f"{name}  pushed  python-greet-1.1-" in done.stdout
    assert dnf_sees(place / "users/openstack-master/deb12") == ""
