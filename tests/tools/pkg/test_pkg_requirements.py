"""reqdiff, reqcheck, reqquery and query against real git, rpm, dnf and repositories."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import GitRepository
from tests.distgits import Distgit
from tests.e2e.command import rdo
from tests.rpms import make_rpms

SPEC = """\
Name:             foo
Epoch:            2077
Version:          1.2.3
Release:          42%{?dist}
Summary:          Some package
License:          Apache-2.0
Source0:          foo-%{version}.tar.gz
BuildArch:        noarch
BuildRequires:    python3-setuptools
Requires:         python3-argparse
Requires:         python3-iso8601 >= 1:1.7
Requires:         python3-sqlalchemy >= 0.9
Requires:         python3-old
Requires:         httpd

%description
foo

%prep
%setup -q
sed -i /gone/d requirements.txt
sed -i '/argparse/d' requirements.txt

%files

%changelog
* Mon Apr 07 2014 A <a@example.test> 1.2.3-42
- Update
"""

REQUIREMENTS = """\
# The order of packages is significant
SQLAlchemy!=1.1.5,>=1.0.10 # MIT
argparse>=0.8.10 # MIT
iso8601>=1.7.0
tooz>=1.28
enum34>=1; python_version < '3.4'
requests[socks]
"""


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    repository = Distgit(tmp_path / "foo", monkeypatch, capsys)
    repository.spec(text=SPEC, name="foo.spec")
    repository.upstream_version("1.2.3", {"requirements.txt": REQUIREMENTS})
    pyproject = '[build-system]\nrequires = ["pbr>=6"]\n'
    new = {"requirements.txt": "argparse>=1\ntooz>=1.28\nnew\n", "pyproject.toml": pyproject}
    repository.upstream_version("2.0.0", new, base="1.2.3")
    return repository


GROUPS = """\
MET:
  python-iso8601 >= 1.7.0  (>= 1.7 in .spec)

ANY:
  python-argparse >= 0.8.10

EXCESS:
  httpd
  python-old

MISMATCH:
  python-sqlalchemy >= 1.0.10  (>= 0.9 in .spec)

MISSING:
  python-requests
  python-tooz >= 1.28
"""


def test_reqcheck_tells_rdopkgs_groups(distgit: Distgit) -> None:
    assert distgit.rdopkg("reqcheck").out.startswith(GROUPS)


def test_reqcheck_for_a_person_begins_with_what_he_has_to_look_at(distgit: Distgit) -> None:
    said = distgit.pkg("reqcheck").out

    blocks = [block.splitlines()[0] for block in said.split("\n\n")]
    assert blocks[0] == "DRIFT:"
    assert blocks[1:3] == ["ANY:", "EXCESS:"]
    assert blocks[-1] == "MET: 1; rdo -v pkg reqcheck lists them"
    assert "python-old" in said
    assert "httpd" not in said
    assert rdo("-v", "pkg", "reqcheck", cwd=distgit.path).stdout.startswith(GROUPS)


def test_reqcheck_for_scripts_is_rdopkgs_json(distgit: Distgit) -> None:
    said = json.loads(distgit.rdopkg("reqcheck", "-o", "json").out)

    assert list(said) == ["met", "any", "excess", "mismatch", "missing", "removed"]
    assert said["mismatch"] == [{"name": "python-sqlalchemy", "vers": ">= 0.9"}]


def test_strict_ends_by_what_is_worse(distgit: Distgit) -> None:
    assert "There are missing dependencies" in distgit.rdopkg("reqcheck", "-S", code=2).out

    distgit.edit(
        "python3-old\n", "python3-old\nRequires: python3-tooz\nRequires: python3-requests\n"
    )

    assert "There are mismatching dependencies" in distgit.rdopkg("reqcheck", "-S", code=4).out
    distgit.pkg("reqcheck", "-S", code=5)


def test_lines_for_a_spec_are_printed(distgit: Distgit) -> None:
    assert "Requires:       python-tooz >= 1.28\n" in distgit.rdopkg("reqcheck", "-s").out


def test_markers_are_asked_for_the_python_that_is_meant(distgit: Distgit) -> None:
    assert "enum34" in distgit.rdopkg("reqcheck", "-p", "3.3").out
    assert "enum34" not in distgit.rdopkg("reqcheck", "-p", "3.11").out
    assert "wrong" in distgit.rdopkg("reqcheck", "-p", "wrong", code=1).out


def test_overrides_count_and_an_empty_version_ignores(distgit: Distgit, tmp_path: Path) -> None:
    file = tmp_path / "o.yml"
    rows = [{"name": "python-tooz"}, {"name": "python-requests", "version": ""}]
    own = [{"name": "python-sqlalchemy", "version": ">= 0.9"}]
    file.write_text(yaml.safe_dump({"packages": {"all": rows, "foo": own}}))

    said = distgit.rdopkg("reqcheck", "-S", "-O", str(file)).out

    assert "python-tooz" not in said
    assert "!= 1.1.5,>= 1.0.10 has been overridden in requirements file" in said


def test_a_malformed_override_is_one_clear_error(distgit: Distgit, tmp_path: Path) -> None:
    file = tmp_path / "o.yml"
    file.write_text("foo: [1]\n")

    assert "not well formatted" in distgit.rdopkg("reqcheck", "-O", str(file), code=1).out


def test_an_unknown_commit_is_named(distgit: Distgit) -> None:
    assert "Invalid git reference: 9.9" in distgit.rdopkg("reqcheck", "-R", "9.9", code=1).out


def test_what_stable_upstream_asked_for_is_removed(distgit: Distgit, tmp_path: Path) -> None:
    distgit.git("branch", "stable/old", "1.2.3")
    distgit.git("remote", "add", "upstream", str(distgit.path))
    distgit.git("fetch", "--quiet", "upstream")
    distgit.commit("later", {"x": "1"})

    said = distgit.rdopkg("reqcheck", "-R", "2.0.0").out

    assert "REMOVED:\n  python-iso8601  (>= 1.7 in .spec)\n  python-sqlalchemy" in said


def upstream_remote(distgit: Distgit) -> None:
    """A spec without a version of its own, and upstream's branches as a remote."""
    distgit.edit("Version:          1.2.3", "Version:          XXX")
    distgit.git("branch", "upstream-master", "2.0.0")
    distgit.git("remote", "add", "upstream", str(distgit.path))
    distgit.git(
        "config",
        "remote.upstream.fetch",
        "+refs/heads/upstream-master:refs/remotes/upstream/master",
    )
    distgit.git("fetch", "--quiet", "upstream")


def metadata(distgit: Distgit, pin: str) -> None:
    """rdopkg's metadata, in which the package is pinned to a commit of upstream."""
    tree = {
        "releases": [
            {
                "name": "master",
                "branch": "master",
                "status": "development",
                "repos": [{"name": "el10"}],
            }
        ],
        "packages": [
            {
                "project": "foo",
                "name": "foo",
                "maintainers": ["a@example.test"],
                "tags": {"master": None, "master-uc": {"source-branch": pin}},
            }
        ],
    }
    home = distgit.path.parent / "home"
    info = GitRepository(home / "info")
    info.commit("one", {"rdo-full.yml": yaml.safe_dump(tree)})
    settings = home / ".rdopkg/conf.d/info.py"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"RDOINFO_REPO = {info.url!r}\n")


def test_a_spec_without_version_is_for_what_the_metadata_pins(distgit: Distgit) -> None:
    upstream_remote(distgit)
    metadata(distgit, "1.2.3")

    assert "python-iso8601 >= 1.7.0" in distgit.rdopkg("reqcheck").out


def test_a_spec_without_version_is_for_upstreams_newest_else(distgit: Distgit) -> None:
    upstream_remote(distgit)
    metadata(distgit, "no-such-commit")

    assert "  python-new\n" in distgit.rdopkg("reqcheck").out


def test_in_a_tree_of_dlrn_the_source_lies_beside(distgit: Distgit, tmp_path: Path) -> None:
    distgit.edit("Version:          1.2.3", "Version:          XXX")
    distgit.git("commit", "-qam", "XXX")
    tree = tmp_path / "data"
    (tree / "foo").mkdir(parents=True)
    (tree / "foo/requirements.txt").write_text("beside>=3\n")
    distgit.path.rename(tree / "foo_distro")
    distgit.path = tree / "foo_distro"

    assert "MISSING:\n  python-beside >= 3" in distgit.rdopkg("reqcheck").out


def test_drift_is_reported_with_its_line(distgit: Distgit) -> None:
    said = json.loads(distgit.pkg("reqcheck", "--json").out)

    assert [(one["line"], one["text"]) for one in said["drift"]] == [
        (21, "sed -i /gone/d requirements.txt")
    ]
    assert [one["name"] for one in said["extras"]] == ["requests"]


def test_sed_on_a_file_of_the_distgit_is_no_drift(distgit: Distgit) -> None:
    distgit.edit("%description", "Source7: own.conf\n\n%description")
    distgit.edit("sed -i /gone/d requirements.txt", "sed -i s/a/b/ %{SOURCE7}")

    assert json.loads(distgit.pkg("reqcheck", "--json").out)["drift"] == []


def test_build_requirements_that_the_spec_lacks_are_reported(distgit: Distgit) -> None:
    assert "NOT IN BUILDREQUIRES:\n  pbr >= 6 (build)" in distgit.pkg("reqcheck", "-R", "2.0.0").out


def test_autosync_edits_and_shows_its_diff(distgit: Distgit) -> None:
    before = distgit.text
    dry = distgit.pkg("reqcheck", "--autosync", "--dry-run").out
    assert distgit.text == before

    said = distgit.rdopkg("reqcheck", "-a").out

    assert "  ~ python-sqlalchemy >= 1.0.10" in said
    assert "  + python-tooz >= 1.28" in said
    assert "+Requires:         python3-tooz >= 1.28" in dry
    assert "+Requires:         python3-tooz >= 1.28" in said
    assert "Requires:         python3-sqlalchemy >= 1.0.10\n" in distgit.text
    distgit.pkg("undo")
    assert distgit.text == before


def test_what_rpm_generates_is_not_missing(distgit: Distgit) -> None:
    distgit.edit("%files", "%install\n%pyproject_install\n\n%files")

    said = distgit.rdopkg("reqcheck", "-S", "-R", "2.0.0").out

    assert "python-tooz >= 1.28  (generated)" in said
    assert "upstream no longer requires it: Requires:         python3-sqlalchemy >= 0.9" in said


def test_reqdiff_tells_what_changed(distgit: Distgit) -> None:
    said = distgit.rdopkg("reqdiff", "1.2.3", "2.0.0")

    assert said.out == (
        "\nADDED:\n  new\n\nCHANGED:\n  argparse >= 1  (was >= 0.8.10)\n\n"
        "REMOVED:\n  iso8601 >= 1.7.0\n  requests\n  SQLAlchemy != 1.1.5,>= 1.0.10\n\n"
    )
    assert "requirements.txt diff between 1.2.3 and 2.0.0:" in said.err


def test_reqdiff_says_what_a_requirement_is_for(distgit: Distgit) -> None:
    said = distgit.pkg("reqdiff", "1.2.3", "2.0.0")

    assert "\nADDED:\n  new\n  pbr >= 6  (build)\n" in said.out


def test_reqdiff_with_one_commit_begins_at_the_specs(distgit: Distgit) -> None:
    assert distgit.pkg("reqdiff", "2.0.0").out == distgit.pkg("reqdiff", "1.2.3", "2.0.0").out
    assert "no version tag found" in distgit.rdopkg("reqdiff", code=1).out


def test_reqdiff_of_three_commits_is_refused_with_rdopkgs_exit_code(distgit: Distgit) -> None:
    assert "two commits at most, not 3" in distgit.rdopkg("reqdiff", "a", "b", "c", code=1).out
    assert "two commits at most, not 3" in distgit.pkg("reqdiff", "a", "b", "c", code=2).err


@pytest.fixture
def info(tmp_path: Path) -> Path:
    """Metadata whose release has two repositories here, one of which lacks a URL."""
    for name, version in (("old", "1.0"), ("new", "1.30")):
        folder = tmp_path / name
        make_rpms(folder, "python-tooz", version=version)
        subprocess.run(["createrepo_c", "--quiet", folder], check=True)
    repos = [{"name": name, "url": (tmp_path / name).as_uri()} for name in ("old", "new")]
    tree = {
        "releases": [
            {
                "name": "flamingo",
                "branch": "master",
                "status": "development",
                "repos": [{"name": "el10", "distrepos": [*repos, {"name": "no url"}]}],
            }
        ],
        "packages": [{"project": "foo", "name": "foo", "maintainers": ["a@example.test"]}],
    }
    folder = tmp_path / "info"
    folder.mkdir()
    (folder / "rdo.yml").write_text(yaml.safe_dump(tree))
    return folder


def test_query_tells_the_newest_first(distgit: Distgit, info: Path) -> None:
    where = ("-l", str(info), "-i", "rdo.yml")

    found = distgit.rdopkg("query", *where, "flamingo/el10", "python3-tooz").out
    none = distgit.rdopkg("query", *where, "flamingo", "nothing").out

    assert found == (
        "flamingo/el10\n    python3-tooz-1.30-1  @  new\n    python3-tooz-1.0-1  @  old\n"
    )
    assert none == "flamingo/el10\n    not available\n"


def test_a_repository_that_is_away_is_named(distgit: Distgit, info: Path, tmp_path: Path) -> None:
    text = (info / "rdo.yml").read_text()
    (info / "rdo.yml").write_text(text.replace("/old", "/away").replace("/new", "/away2"))
    where = ("-l", str(info), "-i", "rdo.yml")

    said = distgit.rdopkg("query", *where, "flamingo", "x", code=1)

    assert f"cannot read the repository {(tmp_path / 'away').as_uri()}" in said.out


def test_reqquery_guesses_the_release_and_is_dumped(distgit: Distgit, info: Path) -> None:
    where = ("--info", str(info), "-i", "rdo.yml")

    said = distgit.rdopkg("reqquery", *where, "-d").out
    again = distgit.rdopkg("reqquery", "-l").out

    assert said == again
    assert "  tooz\n    nvr:   python3-tooz-1.30-1\n    need:  >= 1.28\n    state: OK\n" in said
    assert "  SQLAlchemy\n    nvr:   python-sqlalchemy not available\n" in said
    dump = yaml.safe_load((distgit.path / "requirements.yml").read_text())
    assert dump[0]["packages"][-1]["repo_available"] == "new"


def test_reqcheck_looks_into_repositories(distgit: Distgit, info: Path, tmp_path: Path) -> None:
    said = distgit.pkg("reqcheck", "--repo", str(tmp_path / "old")).out

    assert "  tooz >= 1.28: too old, have 1.0 (python3-tooz-1.0-1)\n" in said
    assert "  SQLAlchemy != 1.1.5,>= 1.0.10: not packaged\n" in said


def test_a_folder_without_repodata_is_no_repository(distgit: Distgit, tmp_path: Path) -> None:
    said = distgit.pkg("reqcheck", "--repo", str(tmp_path), code=4)

    assert f"{tmp_path} cannot be read as a repository" in said.err
