"""Faults that rdopkg 1.8.0 has on real specs, and `rdo pkg` does not have."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    return Distgit(tmp_path / "foo-bar", monkeypatch, capsys)


def with_patches(distgit: Distgit) -> None:
    distgit.upstream_version("1.0.0", {"a.py": "1\n2\n3\n", "b.py": "one\ntwo\n"})
    distgit.patch_commits(
        ("Mend a", {"a.py": "1\n2 mended\n3\n"}), ("Mend b", {"b.py": "one\n2\n"})
    )


def srpm_patches(distgit: Distgit, *defines: str) -> set[str]:
    """The patches that the SRPM would hold, as rpm says."""
    options = [part for define in defines for part in ("--define", define)]
    command = ["rpmspec", "-q", "--srpm", *options, "--qf", "[%{PATCH}\n]", "foo-bar.spec"]
    done = subprocess.run(command, cwd=distgit.path, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


OURS = {"0001-Mend-a.patch", "0002-Mend-b.patch"}

SHAPES = {
    "a comment above a command in %build": {
        "prep": "%setup -q\n\n%build\n# Generate config file\n"
        "PYTHONPATH=. oslo-config-generator --config-file=etc/x.conf",
    },
    "%setup": {"prep": "%setup -q"},
    "%setup -n": {"prep": "%setup -q -n foo-bar-%{version}\n\nsed -i s/x/y/ setup.cfg"},
    "%autosetup": {"prep": "%autosetup -n %{name}-%{version} -S git"},
    "%autosetup -N, %autopatch": {"prep": "%autosetup -N\n%autopatch -p1"},
    "git am": {"prep": "%setup -q\ngit init\ngit am %{patches}"},
    "magic comments": {"extra": "\n#\n# patches_base=1.0.0\n#\n"},
    "a source under a condition": {
        "extra": "%if 0%{?rhel}\nSource1:          el.conf\n%endif\nSource2:          x.conf",
    },
    "sources at the end in a condition": {
        "extra": "# Required for tarball sources verification\n%if 0%{?sources_gpg} == 1\n"
        "Source101:        https://example.test/%{name}.asc\n%endif",
    },
    "a macro's body of several lines": {
        "extra": "%global common_desc \\\nfoo \\\n# x=y \\\nbar\n\n"
        "%{?python_provide:%python_provide python3-foo}",
    },
    "a patch of somebody else": {
        "extra": "Patch0:           fix.patch",
        "prep": "%setup -q\n%patch -P 0 -p1",
    },
    "patches under a condition": {
        "extra": "%if 0%{?rhel}\nPatch10:          el.patch\n%else\nPatch11:          other.patch\n"
        "%endif",
        "prep": "%setup -q\n%if 0%{?rhel}\n%patch10 -p1\n%else\n%patch11 -p1\n%endif",
    },
    "a patch without a number": {"extra": "Patch:            fix.patch"},
    "%patchlist": {},
    "CRLF": {"prep": "%autosetup -p1\r\n"},
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_no_patch_is_lost_and_none_of_somebody_else(distgit: Distgit, shape: str) -> None:
    """Defects 1, 2 and 3: lost patches, foreign patches deleted, a second commit for nothing."""
    distgit.spec(**SHAPES[shape])
    if shape == "%patchlist":
        distgit.edit("%description\n", "%patchlist\nfix.patch\n\n%description\n")
        distgit.git("commit", "--quiet", "-am", "A list of patches")
    if shape == "CRLF":
        spec = distgit.path / "foo-bar.spec"
        spec.write_bytes(spec.read_text().replace("\r", "").replace("\n", "\r\n").encode())
        distgit.git("-c", "core.autocrlf=false", "commit", "-qam", "CRLF")
    for name in ("fix.patch", "el.patch", "other.patch"):
        (distgit.path / name).write_text("--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n")
    with_patches(distgit)
    spec = distgit.path / "foo-bar.spec"
    before, foreign = spec.read_bytes(), srpm_patches(distgit)
    on_el = srpm_patches(distgit, "rhel 9")

    distgit.rdopkg("patch", "-l", "-B")
    with_ours = (srpm_patches(distgit), srpm_patches(distgit, "rhel 9"))
    second = distgit.rdopkg("patch", "-l", "-B")
    distgit.git("branch", "--force", "master-patches", "1.0.0")
    distgit.rdopkg("patch", "-l", "-B")

    assert with_ours == (OURS | foreign, OURS | on_el)
    assert "No changes to patches found" in second.out
    assert spec.read_bytes() == before


def test_blank_lines_are_no_change(distgit: Distgit) -> None:
    """Defect 3."""
    distgit.spec(extra="\n\n\n\n", prep="%setup -q\n\n\n\ntrue")
    with_patches(distgit)

    distgit.rdopkg("patch", "-l")
    said = distgit.rdopkg("patch", "-l")

    assert "No changes to patches found" in said.out


def test_settings_are_read_and_never_run(distgit: Distgit) -> None:
    """Defect 5: any configuration file crashed it."""
    distgit.spec()
    folder = Path.home() / ".rdopkg/conf.d"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text("import os\nDISTRO = 'MINE'\nMINEINFO_FILE = 'x' + '.yml'\n")

    said = distgit.rdopkg("conf")

    assert f"Following config files were read:\n- {folder}/mine.py" in said.out
    assert "MINEINFO_FILE: x.yml" in said.out

    (folder / "mine.py").write_text("X = open('/tmp/x', 'w')\n")
    assert "X is not a literal value" in distgit.rdopkg("conf", code=1).out


def test_ignored_patches_need_no_base(distgit: Distgit) -> None:
    """Defect 11: a traceback with patches_ignore and no patches_base."""
    distgit.spec(extra="# patches_ignore=Mend.b")
    with_patches(distgit)

    said = distgit.rdopkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-a.patch"]
    assert "2 patches on top of 1.0.0, 0 excluded by base, 1 filtered out by regex." in said.err


def test_the_same_version_leaves_no_state(distgit: Distgit) -> None:
    """Defect 12."""
    distgit.spec()
    distgit.git("tag", "1.0.0")

    said = distgit.rdopkg("new-version", "-bU", "1.0.0")

    assert "Package is already at version 1.0.0" in said.out
    assert "No action in progress." in distgit.rdopkg("status").out


def test_a_source_that_cannot_be_had_is_an_error(distgit: Distgit, tmp_path: Path) -> None:
    """Defect 13: exit 0, and advice to go on that could not work."""
    distgit.spec(source=f"{tmp_path.as_uri()}/not-there-%{{version}}.tar.gz")

    said = distgit.rdopkg("get-source", code=1)

    assert f"cannot read {tmp_path.as_uri()}/not-there-1.0.0.tar.gz" in said.out
    assert "Action required" not in said.out


@pytest.mark.parametrize("extra", ["", "# a_magic=1", "#\n# patches_base=1\n#", "Patch0: x.patch"])
def test_a_magic_comment_set_and_dropped_gives_the_spec_back(distgit: Distgit, extra: str) -> None:
    """Defect 14."""
    distgit.spec(extra=extra)
    before = distgit.text

    distgit.rdopkg("set-magic-comment", "patches_ignore", "DROP")
    assert "# patches_ignore=DROP\n" in distgit.text
    distgit.rdopkg("set-magic-comment", "patches_ignore", "")

    assert distgit.text == before


INFO = """\
releases:
- name: epoxy
  branch: rpm-master
  status: maintained
  repos:
  - name: el9
    buildsys: cbs/cloud9
packages:
- project: foo
  name: foo-bar
  distgit: https://example.test/foo
  upstream: https://example.test/up
  maintainers:
  - me@example.test
  tags:
    epoxy:
"""


def test_the_metadata_stay_on_their_branch(distgit: Distgit) -> None:
    """Defect 15: a detached HEAD after info-tags-diff."""
    distgit.commit("Metadata", {"rdo-full.yml": INFO})
    distgit.commit("A tag", {"rdo-full.yml": f"{INFO}    flamingo:\n"})

    said = distgit.rdopkg("info-tags-diff", str(distgit.path))

    assert said.out == "foo-bar ['flamingo']\n"
    assert distgit.git("rev-parse", "--abbrev-ref", "HEAD") == "master"


def test_questions_about_metadata_have_rdopkgs_layout(distgit: Distgit) -> None:
    distgit.commit("Metadata", {"rdo-full.yml": INFO})
    here = ("-l", str(distgit.path), "-i", "rdo-full.yml")

    assert "  epoxy in maintained phase\n    el9 built in cbs/cloud9 from" in (
        distgit.rdopkg("info", *here).out
    )
    assert "1 packages found:\n\nname: foo-bar\nproject: foo\n" in (
        distgit.rdopkg("info", "foo", *here).out
    )
    assert "maintainers: \n- me@example.test" in distgit.rdopkg("findpkg", "foo", *here).out
    assert "No packages match your filter." in distgit.rdopkg("info", "zzz", *here).out
    assert distgit.rdopkg("release", "-s", "maintained", *here).out == "epoxy\n"
    found = json.loads(distgit.pkg("findpkg", "foo", *here, "--json").out)
    assert found["name"] == "foo-bar"


def test_remotes_are_compared_and_mended(
    distgit: Distgit, upstream: GitRepository, tmp_path: Path
) -> None:
    upstream.commit("One", {"a": "1"})
    distgit.spec()
    (tmp_path / "info").mkdir()
    metadata = INFO.replace("https://example.test/up", upstream.url)
    (tmp_path / "info/rdo-full.yml").write_text(metadata)
    here = ("-l", str(tmp_path / "info"))
    before = distgit.state

    missing = distgit.pkg("remotes", "--check", *here, code=1)
    dry = distgit.pkg("remotes", "--fix", "--dry-run", *here)
    after_dry = distgit.state
    distgit.pkg("remotes", "--fix", *here)
    fixed = distgit.pkg("remotes", "--check", *here)
    distgit.pkg("undo")

    assert "upstream  missing" in missing.out
    assert f"git remote add upstream {upstream.url}" in dry.err
    assert after_dry == before
    assert "upstream  ok" in fixed.out
    assert distgit.state == before


def test_a_distgit_is_cloned_by_its_name_with_its_remotes(
    distgit: Distgit, upstream: GitRepository, tmp_path: Path
) -> None:
    upstream.commit("One", {"a": "1"})
    distgit.spec()
    (tmp_path / "info").mkdir()
    metadata = INFO.replace("https://example.test/up", upstream.url)
    metadata = metadata.replace("https://example.test/foo", distgit.url)
    (tmp_path / "info/rdo-full.yml").write_text(metadata)
    here = Distgit(tmp_path / "elsewhere", distgit._monkeypatch, distgit._capsys)

    said = here.rdopkg("clone", "foo-bar", "-g", "-l", str(tmp_path / "info"))
    unknown = here.rdopkg("clone", "nobody", "-l", str(tmp_path / "info"), code=1)

    assert set(said.out.split()[::2]) == {"origin", "upstream", "gerrit-origin"}
    assert "'patches' remote information not available in distroinfo." in said.err
    assert "Package not found in distroinfo: nobody" in unknown.out


def test_a_distgit_is_cloned_from_a_url(distgit: Distgit, tmp_path: Path) -> None:
    distgit.spec()
    here = Distgit(tmp_path / "elsewhere", distgit._monkeypatch, distgit._capsys)

    here.pkg("clone", distgit.url)
    again = here.pkg("clone", distgit.url, code=5)

    assert (here.path / "foo-bar/foo-bar.spec").is_file()
    assert "already exists" in again.err


@pytest.mark.parametrize(
    "name",
    [
        *("ext::sh -c touch% RAN", "fd::17", "transport::x", "--upload-pack=touch RAN", "-x"),
        *("-oProxyCommand=touch RAN", "ssh://-oProxyCommand=touch RAN/x", "../../etc"),
        *("git@-oProxyCommand=touch:x", "a;touch RAN", "https://u@e.invalid/../.."),
    ],
)
def test_a_hostile_name_is_not_cloned_and_runs_nothing(distgit: Distgit, name: str) -> None:
    (distgit.path / "info").mkdir()
    (distgit.path / "info/rdo-full.yml").write_text(INFO)
    before = sorted(distgit.path.parent.iterdir())

    for arguments in (("clone", name), ("clone", "--", name)):
        said = distgit.tried(*arguments, "-l", "info")
        assert said.code != 0
        assert "Traceback" not in said.err

    assert not list(distgit.path.parent.rglob("RAN"))
    assert sorted(distgit.path.parent.iterdir()) == before
