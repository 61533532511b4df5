"""From DLRN's projects.ini with the downstream driver to RPMs, in real roots."""

import subprocess
from pathlib import Path

from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM, needs_roots, rdo
from tests.unit.docs.pages import DOCS, fences

pytestmark = needs_roots

PAGE = (DOCS / "how-to/follow-git.md").read_text()
OURS = "Name: ours\n%changelog\n* Mon Nov 23 2026 Me <me@example.test> - 1-1\n- ours\n"
METADATA = """\
releases:
- {name: master, status: development, branch: rpm-master, repos: [{name: deb12}]}
packages:
- project: greet
  name: python-greet
  upstream: GIT/upstream
  distgit: GIT/there
  own-distgit: GIT/ours
  own-sources: GIT/sources
  maintainers: [packager@example.test]
  tags: {master: }
"""
VERSIONS = """\
Project,Source Repo,Source Sha,Dist Repo,Dist Sha,Status,Last Success Timestamp,Component
python-greet,x,UPSTREAM,x,THERE,SUCCESS,1785000000,None
"""
PROJECTS = f"""\
[DEFAULT]
datadir = data
source = main
target = {PLATFORM}
tags = master
release_numbering = minor.date.hash
release_minor = 3
keep_changelog = true
pkginfo_driver = dlrn.drivers.downstream.DownstreamInfoDriver
[downstream_driver]
repo = info
info_files = rdo.yml
versions_url = file://FOLDER/versions.csv
downstream_distro_branch = ours-1
downstream_distgit_key = own-distgit
downstream_source_git_key = own-sources
downstream_source_git_branch = ours-1
use_upstream_spec = true
downstream_spec_replace_list = ^(License: +)Apache-2.0/\\1MIT
"""
FORMAT = "%{VERSION} %{RELEASE} %{LICENSE} %{CHANGELOGTEXT}"


def commit(folder: Path, branch: str, files: dict[str, str]) -> str:
    return GitRepository(folder, branch).commit("one", files)


def test_a_downstream_configuration_of_dlrn_builds(tmp_path: Path) -> None:
    [pyproject] = [block for block in fences(PAGE, "toml") if "[project]" in block]
    [spec] = fences(PAGE, "spec")
    program = "def main() -> None:\n    print('hello')\n"
    sources = {"pyproject.toml": pyproject, "greet/__init__.py": program}
    upstream = commit(tmp_path / "git/upstream", "main", sources)
    there = commit(tmp_path / "git/there", "rpm-master", {"python-greet.spec": spec})
    ours = commit(tmp_path / "git/ours", "ours-1", {"python-greet.spec": OURS})
    own_sources = commit(tmp_path / "git/sources", "ours-1", {"x": ""})
    (tmp_path / "info").mkdir()
    git = (tmp_path / "git").as_uri()
    (tmp_path / "info/rdo.yml").write_text(METADATA.replace("GIT", git))
    versions = VERSIONS.replace("UPSTREAM", upstream).replace("THERE", there)
    (tmp_path / "versions.csv").write_text(versions)
    (tmp_path / "projects.ini").write_text(PROJECTS.replace("FOLDER", str(tmp_path)))

    imported = rdo("config", "import", "projects.ini", "--into", ".", cwd=tmp_path)
    built = rdo("trunk", "run", cwd=tmp_path)

    assert imported.code == 0, imported.stderr
    assert built.code == 0, built.stderr
    current = (tmp_path / "data/master-deb12/repos/current").resolve()
    assert current.name == f"{upstream}_{there[:8]}_{ours[:8]}_{own_sources[:8]}"
    [rpm] = current.glob("python3-greet-*.rpm")
    query = ["rpm", "-qp", "--queryformat", FORMAT, str(rpm)]
    told = subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()
    version, release, licence, *changelog = told
    assert (version, licence, changelog) == ("1.0", "MIT", ["-", "ours"])
    assert release.startswith("3.2")
    assert release.endswith(f".{upstream[:7]}.deb12")
