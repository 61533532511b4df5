"""A farm that is given SRPMs, made in real roots; and distgits that make no sense."""

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM, rdo
from tests.rpms import make_rpms

CONFIG = f"""\
data = "data"
[metadata]
source = "info"
[targets.one]
release = "master"
platform = "{PLATFORM}"
builder = "command"
command = ["{sys.executable}", "-S", "FARM", "{{srpm}}", "{{resultdir}}", "{{package}}"]
workers = 2
"""
HEAD = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - name: deb12
    distrepos: []
package-default:
  distro-branch: rpm-master
  maintainers:
  - packager@example.test
packages:
"""
FARM = """\
import glob, pathlib, shutil, subprocess, sys
srpm, results, package = sys.argv[1:]
(pathlib.Path(__file__).parent / f"seen-{package}").write_text(srpm)
if package == "shell":  # a farm builds in its own roots; this one is only this machine
    sys.exit("not here")
define = ["--define", f"_rpmdir {results}", "--define", f"_topdir {results}/top"]
sys.exit(subprocess.run(["rpmbuild", "--rebuild", "--nodeps", *define, srpm]).returncode)
"""
SPEC = """\
Name: NAME
Version: XXX
Release: XXX
Summary: x
License: ASL
BuildArch: noarch
Source0: x.tar.gz
%description
x
%prep
%setup -q -n NAME
%files
"""
TAGS = r"Name: python3-other\nVersion: 9\nRelease: 1\nSummary: x\nLicense: ASL\nBuildArch: noarch"
SMUGGLED = f"""\
%build
printf '{TAGS}\\n%%%%description\\nx\\n%%%%files\\n' > other.spec
rpmbuild -bb -D "_topdir $PWD/top" -D "_rpmdir %{{_rpmdir}}" other.spec
%files
"""
SPECS: dict[str, dict[str, str]] = {
    "good": {"good.spec": SPEC.replace("NAME", "good")},
    "none": {"README": "no spec here"},
    "two": {"a.spec": SPEC, "b.spec": SPEC},
    "broken": {"broken.spec": "%if 1\nName: broken\n"},
    "smuggles": {"smuggles.spec": SPEC.replace("NAME", "smuggles").replace("%files\n", SMUGGLED)},
    "shell": {"shell.spec": "%global evil %(touch EVIL; id -u)\n" + SPEC.replace("NAME", "shell")},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


def prepare(site: Path) -> None:
    (site / "info").mkdir()
    (site / "farm.py").write_text(FARM)
    (site / "rdo.toml").write_text(CONFIG.replace("FARM", str(site / "farm.py")))
    text = HEAD
    for name, files in SPECS.items():
        upstream = GitRepository(site / "git" / name)
        upstream.commit("one", {"file": name})
        upstream.git("tag", "1.2.0")
        distgit = GitRepository(site / "git" / f"{name}-distgit", "rpm-master")
        distgit.commit("spec", {n: t.replace("EVIL", str(site / "evil")) for n, t in files.items()})
        text += (
            f"- project: {name}\n  name: {name}\n  upstream: {upstream.url}\n"
            f"  distgit: {distgit.url}\n  tags:\n    master:\n"
        )
    (site / "info/rdo.yml").write_text(text)


def test_a_farm_gets_srpms_and_bad_distgits_fail_alone(site: Path) -> None:
    prepare(site)

    done = rdo("trunk", "run", "--json", cwd=site)

    assert done.code == 1, done.stderr
    [row] = done.json
    failed = {one["package"]: (one["reason"], one["detail"]) for one in row["failed"]}
    assert sorted(one["package"] for one in row["built"]) == ["good"], done.stderr
    assert {name: reason for name, (reason, _) in failed.items()} == {
        "none": "spec",
        "two": "spec",
        "broken": "spec",
        "smuggles": "refused",
        "shell": "unknown",
    }
    assert "one .spec" in failed["none"][1]
    assert "a.spec, b.spec" in failed["two"][1]
    stranger = "python3-other-9-1.noarch.rpm"
    assert failed["smuggles"][1] == f"the build gave {stranger}, which the spec does not name"
    assert failed["shell"][1] == "exit status 1: not here"
    assert not (site / "evil").exists()  # the spec was read in a root alone
    srpm = Path((site / "seen-good").read_text()).name
    assert srpm.startswith("good-1.2.0-0.")
    current = (site / "data/one/repos/current").resolve()
    assert [rpm.name for rpm in current.glob("*.src.rpm")]
    assert json.loads(rdo("trunk", "verify", "--json", cwd=site).stdout)[0]["is_clean"]


ROOT = f"""\
data = "data"
[metadata]
source = "info"
[targets.one]
release = "master"
platform = "{PLATFORM}"
output-limit-mb = 1
disk-limit-mb = 40
"""


def test_in_a_root_what_writes_without_end_is_ended(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "rdo.toml").write_text(ROOT)
    text = HEAD
    endless = {"fill": "dd if=/dev/zero of=x bs=1M; sleep 600", "shout": "yes"}
    for name, act in endless.items():
        upstream = GitRepository(tmp_path / "git" / name)
        upstream.commit("one", {"file": name})
        distgit = GitRepository(tmp_path / "git" / f"{name}-distgit", "rpm-master")
        spec = SPEC.replace("NAME", name).replace("%files", f"%build\n{act}\n%files")
        distgit.commit("spec", {f"{name}.spec": spec})
        text += (
            f"- project: {name}\n  name: {name}\n  upstream: {upstream.url}\n"
            f"  distgit: {distgit.url}\n  tags:\n    master:\n"
        )
    (tmp_path / "info/rdo.yml").write_text(text)

    done = rdo("trunk", "run", "--json", cwd=tmp_path)

    assert done.code == 1, done.stderr
    [row] = done.json
    failed = {one["package"]: (one["reason"], one["detail"]) for one in row["failed"]}
    assert failed == {
        "fill": ("output-limit", "it wrote more to the disk than it is allowed"),
        "shout": ("output-limit", "its output is larger than the log limit"),
    }
    assert list((tmp_path / "data/roots").glob("root-*")) == []


COPIES = """\
import pathlib, shutil, sys
results, package = sys.argv[1:]
for rpm in (pathlib.Path(__file__).parent / package).glob("*.rpm"):
    shutil.copy(rpm, results)
"""
OF_TWO = """\
%global what NAME
Name: python-%{what}
Version: XXX
Release: XXX
Summary: x
License: MIT
BuildArch: noarch
%description
x
%package -n python3-%{what}
Summary: x
%description -n python3-%{what}
x
%files -n python3-%{what}
"""


def test_a_command_that_reads_the_distgit_itself_gives_what_the_spec_names(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "farm.py").write_text(COPIES)
    config = CONFIG.replace('"{srpm}", ', "")
    (tmp_path / "rdo.toml").write_text(config.replace("FARM", str(tmp_path / "farm.py")))
    specs = {name: OF_TWO.replace("NAME", name) for name in ("good", "evil", "scl")}
    specs["evil"] = specs["evil"].replace("python3-", "py3-")
    specs["scl"] = specs["scl"].replace("python3-", "%{?scl_prefix}py3-")
    text = HEAD
    for name, spec in specs.items():
        upstream = GitRepository(tmp_path / "git" / name)
        upstream.commit("one", {"file": name})
        distgit = GitRepository(tmp_path / "git" / f"{name}-distgit", "rpm-master")
        distgit.commit("spec", {f"python-{name}.spec": spec})
        text += (
            f"- project: {name}\n  name: python-{name}\n  upstream: {upstream.url}\n"
            f"  distgit: {distgit.url}\n  tags:\n    master:\n"
        )
        make_rpms(tmp_path / f"python-{name}", f"python-{name}")
    (tmp_path / "info/rdo.yml").write_text(text)

    done = rdo("trunk", "run", "--json", cwd=tmp_path)

    [row] = done.json
    failed = {one["package"]: (one["reason"], one["detail"]) for one in row["failed"]}
    assert failed.keys() == {"python-evil"}, failed
    reason, detail = failed["python-evil"]
    assert reason == "refused"
    rpm = "python3-evil-1.0-1.noarch.rpm"
    assert detail == f"the build gave {rpm}, which the spec does not name"
    built = sorted(one["package"] for one in row["built"])
    assert built == ["python-good", "python-scl"], done.stderr  # one is named by its platform
