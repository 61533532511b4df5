"""Missing dependencies from PyPI and Debian: a real sdist with C, and real Debian packages."""

import json
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from tests.e2e.command import PLATFORM, Result, needs_roots, rdo

pytestmark = [needs_roots, pytest.mark.slow]

TARGET = "master-deb12"
# What is taken in the factory below, at versions that stay the same.
PINS = "pbr==7.1.3\npyasn1_modules==0.4.2\npython-ldap==3.4.4\n"
SPEC = """\
Name: asks
Version: 1
Release: 1
Summary: It asks for what nobody packages
License: MIT
BuildRequires: gcc, openssl-devel, pkgconfig(openssl)
BuildRequires: python3dist(python-ldap), /usr/bin/virsh, /usr/bin/automake
%description
It asks for what nobody packages.
%prep
%build
cat > tls.c <<'END'
#include <openssl/ssl.h>
int main(void) { return !OPENSSL_init_ssl(0, 0); }
END
gcc %{optflags} -o tls tls.c $(pkg-config --libs openssl)
./tls
%install
%check
%{python3} -c 'import ldap; print(ldap.initialize("ldap://localhost"))'
virsh --version
automake --version
%files
"""


OLD_SPEC = """\
Name: old
Version: 1
Release: 1
Summary: Its tests are run as they were until 2024
License: MIT
BuildArch: noarch
%description
%{summary}.
%check
echo 'from setuptools import setup; setup(name="old")' > setup.py
python3 setup.py test
%files
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A factory with one target, in which some things have been bridged."""
    place = tmp_path_factory.mktemp("bridge")
    (place / "constraints.txt").write_text(PINS + "pyasn1==0.6.5\n")
    (place / "rdo.toml").write_text(
        f'[metadata]\nsource = "info"\n[bridge]\nconstraints = "constraints.txt"\n'
        f'[targets.{TARGET}]\nrelease = "master"\nplatform = "{PLATFORM}"\n'
    )
    (place / "info").mkdir()
    (place / "info/rdo.yml").write_text(
        "releases:\n- name: master\n  status: development\n  branch: rpm-master\n"
        "  repos:\n  - name: deb12\npackages:\n"
        "- project: cinderclient\n  name: python-cinderclient\n  tags: {master: }\n"
        "  upstream: file:///none/openstack/python-cinderclient\n"
        "  distgit: file:///none/python-cinderclient\n"
        "  distro-branch: rpm-master\n  maintainers: [m@example.test]\n"
    )
    needs = ("python3dist(python-ldap)", "openssl-devel >= 1", "libyaml-0.so.2()(64bit)")
    done = deps(place, "add", *needs)
    assert done.code == 0, done.stderr
    return place


def deps(folder: Path, *args: str) -> Result:
    return rdo("platform", "deps", *args, cwd=folder, constraints=None)


def versions(folder: Path) -> dict[str, str]:
    return {row["name"]: row["version"] for row in deps(folder, "list", "--json").json}


def test_a_spec_gets_an_sdist_with_c_and_debian_packages(tmp_path: Path) -> None:
    (tmp_path / "asks.spec").write_text(SPEC)

    done = rdo("build", "asks.spec", "--json", cwd=tmp_path)

    assert done.code == 0, done.stdout + done.stderr + _log(tmp_path)


def _log(folder: Path) -> str:
    path = folder / "results/rpmbuild.log"
    return path.read_text()[-2000:] if path.exists() else ""


def test_folders_of_debian_packages_stay_as_they_leave_them(folder: Path) -> None:
    assert deps(folder, "add", "deb(cron)", "deb(rabbitmq-server)").code == 0
    current = folder / f"data/{TARGET}/repos/deps/current"

    listed = [line for rpm in current.glob("*.rpm") for line in _query(rpm, "-lv")]
    rows = [row for line in listed if len(row := line.split()) > 3]  # an extra has no files
    found = {row[-1]: [row[0], row[2], row[3]] for row in rows}
    [rabbitmq] = current.glob("rabbitmq-server-*.rpm")
    script = "\n".join(_query(rabbitmq, "--scripts"))

    assert found["/var/spool/cron/crontabs"] == ["drwx-wx--T", "root", "crontab"]
    assert found["/var/lib/rabbitmq/mnesia"] == ["drwxr-x---", "rabbitmq", "rabbitmq"]
    assert "useradd -r -g rabbitmq -d /var/lib/rabbitmq " in script


def test_what_is_bridged_has_a_reason(folder: Path) -> None:
    found = versions(folder)
    why = deps(folder, "why", "pyasn1").stdout.splitlines()

    assert found["python-ldap"] == "3.4.4"
    assert {"pyasn1", "libssl-dev", "libyaml-0-2"} <= found.keys()
    assert "libldap-dev" in found  # also where its wheel was built before, for another target
    assert any("python-ldap 3.4.4 requires pyasn1" in line for line in why)
    assert deps(folder, "why", "python3-ldap").stdout == (
        "python-ldap 3.4.4: a build requires python3dist(python-ldap)\n"
    )


def test_a_compiled_wheel_asks_for_the_libraries_it_links(folder: Path) -> None:
    (rpm,) = folder.glob(f"data/{TARGET}/repos/deps/current/python3-python-ldap-3.4.4-*.x86_64.rpm")

    requires = _query(rpm, "--requires")

    assert any(line.startswith("libldap-2.5.so.0") for line in requires)
    assert "libc.so.6(GLIBC_2.4)(64bit)" in requires


def _query(rpm: Path, *options: str) -> list[str]:
    command = ["rpm", "-qp", *options, str(rpm)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_ruby_gems_come_from_debian_under_their_names_of_el(folder: Path) -> None:
    done = deps(folder, "add", "rubygem(hocon) >= 1.3", "rubygem-hocon")

    assert done.code == 0, done.stderr
    current = folder / f"data/{TARGET}/repos/deps/current"
    [hocon], [ruby] = (current.glob(f"{name}-*.rpm") for name in ("ruby-hocon", "libruby3.1"))
    assert {"rubygem(hocon) = 1.3.1", "rubygem-hocon = 1.3.1"} <= {*_query(hocon, "--provides")}
    assert "rubygem(rexml) = 3.2.5" in _query(ruby, "--provides")


def test_what_nobody_has_is_named_and_changes_nothing(folder: Path) -> None:
    before = versions(folder)

    done = deps(folder, "add", "libnosuch-devel", "python3dist(rdo-no-such-project)")

    assert done.code == 4
    assert "libnosuch-devel" in done.stderr
    assert "python3dist(rdo-no-such-project)" in done.stderr
    assert versions(folder) == before


@pytest.mark.parametrize(
    "need",
    ["python3dist(python-cinderclient)", "python3dist(cinderclient)", "python3-cinderclient"],
)
def test_what_the_release_packages_is_not_bridged_under_any_name(folder: Path, need: str) -> None:
    before = versions(folder)

    done = deps(folder, "add", need)

    assert done.code == 4
    assert f"cannot bridge {need}: the release packages it itself" in done.stderr
    assert versions(folder) == before


def test_one_good_name_makes_no_other_name_good(folder: Path) -> None:
    before = versions(folder)

    done = deps(folder, "add", "no-such-tool", "bc")

    assert done.code == 4
    assert done.stdout == "provided: bc\n"
    assert "neither PyPI nor Debian provides no-such-tool" in done.stderr
    assert versions(folder).keys() >= before.keys() | {"bc"}


def test_the_newest_snapshot_has_an_address_that_stays(folder: Path) -> None:
    deps_folder = folder / f"data/{TARGET}/repos/deps"
    lock = json.loads((folder / f"data/{TARGET}/bridge.json").read_text())

    assert (deps_folder / "current").is_symlink()
    assert (deps_folder / "current").resolve().name == lock["snapshot"]


def test_dropping_takes_what_only_it_needed(folder: Path) -> None:
    assert deps(folder, "add", "python3dist(pyasn1)").code == 0

    done = deps(folder, "drop", "python-ldap", "--yes")

    left = versions(folder)
    assert "dropped python-ldap 3.4.4" in done.stdout
    assert "dropped pyasn1_modules" in done.stdout
    assert "pyasn1" in left  # asked for by itself
    assert "python-ldap" not in left
    assert deps(folder, "drop", "python-ldap", "--yes").code == 4


def test_an_update_moves_to_what_the_constraints_say_now(folder: Path) -> None:
    (folder / "constraints.txt").write_text(PINS + "pyasn1==0.5.1\n")

    changed = rdo("platform", "update", "--json", cwd=folder, constraints=None)
    again = rdo("platform", "update", cwd=folder, constraints=None)

    assert changed.code == 0, changed.stderr
    assert {row["name"]: row["after"] for row in changed.json}["pyasn1"] == "0.5.1"
    assert versions(folder)["pyasn1"] == "0.5.1"
    assert again.stdout == "nothing has changed\n"


def test_what_an_earlier_choice_needed_gives_way_to_a_new_wish(folder: Path) -> None:
    assert deps(folder, "add", "python3dist(flake8) = 7.1.1").code == 0
    before = versions(folder)

    wish = "(python3dist(flake8) >= 6 with python3dist(flake8) < 7)"
    done = deps(folder, "add", wish)  # whose pycodestyle is an older one

    after = versions(folder)
    assert done.code == 0, done.stderr
    assert (before["flake8"][0], after["flake8"][0]) == ("7", "6")
    assert after["pycodestyle"] != before["pycodestyle"]


def test_the_default_of_a_platform_gives_way_to_a_wish_alone(folder: Path) -> None:
    assert deps(folder, "add", "python3dist(pbr)").code == 0
    before = Version(versions(folder)["setuptools"])

    done = deps(folder, "add", "python3dist(setuptools) = 81")

    assert done.code == 0, done.stderr
    assert before < Version("81") <= Version(versions(folder)["setuptools"])


def test_a_spec_that_counts_on_an_older_setuptools_gets_it(tmp_path: Path) -> None:
    """setuptools has `setup.py test` no more; specs of EL 9 do not ask for one that has."""
    (tmp_path / "old.spec").write_text(OLD_SPEC)

    done = rdo("build", "old.spec", "--json", cwd=tmp_path)

    assert done.code == 0, done.stdout + done.stderr + _log(tmp_path)


def test_one_name_has_one_source_unless_somebody_asks_for_both(folder: Path) -> None:
    current = folder / f"data/{TARGET}/repos/deps/current"

    def zipp() -> list[str]:
        return sorted("pypi" if "pypi" in one.name else "debian" for one in _named(current, "zipp"))

    # Debian's importlib-metadata needs zipp, and either source will do
    assert deps(folder, "add", "deb(python3-importlib-metadata)").code == 0
    before = zipp()
    assert deps(folder, "add", "python3dist(zipp)").code == 0
    with_wheel = zipp()
    assert deps(folder, "add", "deb(python3-zipp)").code == 0

    assert (before, with_wheel, zipp()) == (["debian"], ["pypi"], ["debian", "pypi"])


def _named(current: Path, module: str) -> list[Path]:
    return [one for one in current.iterdir() if one.name.startswith(f"python3-{module}-")]
