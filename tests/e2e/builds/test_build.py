"""`rdo build` with the real root builder on the embedded platform."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.command import PLATFORM, needs_roots, platforms, rdo
from tests.fakes.operator import STUFF, TYPES_INTO, Operator

pytestmark = needs_roots

HEAD = """\
Name: {name}
Version: 1.0
Release: 1%{{?dist}}
Summary: A package of the tests
License: MIT
{more}
%description
A package of the tests.
"""

COMPILED = (
    HEAD.format(name="hello", more="Source0: hello.c\nBuildRequires: gcc\n")
    + """
%prep
%setup -q -c -T
cp %{SOURCE0} .
%build
gcc %{optflags} -o hello hello.c
%install
install -D hello %{buildroot}%{_bindir}/hello
%check
./hello
%files
%{_bindir}/hello
"""
)

PYTHON = (
    HEAD.format(
        name="python-example",
        more="BuildArch: noarch\nBuildRequires: python3-devel\nBuildRequires: pyproject-rpm-macros",
    )
    + """
%package -n python3-example
Summary: %{summary}
%description -n python3-example
A package of the tests.

%prep
%setup -q -c -T
cp %{_sourcedir}/pyproject.toml .
mkdir example
cp %{_sourcedir}/example.py example/__init__.py
%generate_buildrequires
%pyproject_buildrequires
%build
%pyproject_wheel
%install
%pyproject_install
%pyproject_save_files example
%check
%pyproject_check_import
%files -n python3-example -f %{pyproject_files}
%{_bindir}/example
"""
)

PYPROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "Example.Pkg"
version = "1.0"
dependencies = ["packaging>=20,!=21.0"]
[project.scripts]
example = "example:main"
[tool.setuptools]
packages = ["example"]
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def query(rpm: Path, *options: str) -> list[str]:
    command = ["rpm", "-qp", *options, str(rpm)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.rpm")
    }


def test_a_compiled_package_is_built_tested_and_knows_what_it_links(tmp_path: Path) -> None:
    write(tmp_path, hello__spec=COMPILED, hello__c='#include <stdio.h>\nint main(){puts("hi");}\n')

    done = rdo("build", "hello.spec", "--json", cwd=tmp_path)

    assert done.code == 0, done.stderr
    built = tmp_path / "results/hello-1.0-1.deb12.x86_64.rpm"
    assert done.json["outcome"] == "built"
    assert "libc.so.6()(64bit)" in query(built, "--requires")


def test_a_second_build_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write(tmp_path, hello__spec=COMPILED, hello__c="int main(){return 0;}\n")
    assert rdo("build", "hello.spec", cwd=tmp_path).code == 0
    first = hashes(tmp_path / "results")
    write(tmp_path, hello__c="int main(){return !1;}\n", hello__spec=COMPILED + "# again\n")

    done = rdo("build", "hello.spec", cwd=tmp_path)

    assert done.code == 0, done.stderr
    second = hashes(tmp_path / "results")
    assert second.keys() == first.keys()
    assert second["hello-1.0-1.deb12.src.rpm"] != first["hello-1.0-1.deb12.src.rpm"]
    write(tmp_path / "results", **{"other-1-1.noarch__rpm": "of another package"})
    (tmp_path / "hello.c").write_text("no C\n")
    assert rdo("build", "hello.spec", cwd=tmp_path).code == 1
    left = {path.name for path in (tmp_path / "results").glob("*.rpm")}
    assert left == {"other-1-1.noarch.rpm", "hello-1.0-1.deb12.src.rpm"}  # the failed build's own


OWNED = (
    HEAD.format(name="owned", more="BuildArch: noarch\nProvides: git-core = 99")
    + """
%install
install -D -m755 /dev/null %{buildroot}/usr/bin/owned
%files
"""
)


def test_without_a_target_what_one_would_refuse_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, owned__spec=OWNED + "%attr(4755,root,root) /usr/bin/owned\n")

    done = rdo("build", "owned.spec", "--json", cwd=tmp_path)

    assert done.code == 0, done.stderr
    assert done.json["outcome"] == "built"
    assert "a target refuses this: owned-1.0-1.deb12.noarch.rpm has /usr/bin/owned with setuid" in (
        done.stderr
    )
    assert 'owned = ["setuid /usr/bin/owned", "provides git-core"]' in done.stderr


def test_a_device_node_is_refused_everywhere(tmp_path: Path) -> None:
    write(tmp_path, owned__spec=OWNED + "%dev(b 7 0) /usr/bin/disk\n/usr/bin/owned\n")

    done = rdo("build", "owned.spec", "--json", cwd=tmp_path)

    assert done.code == 1
    assert done.json["reason"] == "refused"
    assert "/usr/bin/disk is a device node" in done.json["detail"]
    assert [*hashes(tmp_path / "results")] == ["owned-1.0-1.deb12.src.rpm"]


def test_a_python_package_asks_for_what_its_metadata_says(tmp_path: Path) -> None:
    write(
        tmp_path, example__spec=PYTHON, pyproject__toml=PYPROJECT, example__py="def main(): ...\n"
    )

    done = rdo("build", "example.spec", cwd=tmp_path)

    assert done.code == 0, done.stderr + done.stdout
    built = tmp_path / "results/python3-example-1.0-1.deb12.noarch.rpm"
    requires = query(built, "--requires")
    provides = query(built, "--provides")
    files = query(built, "--list")
    modules = "/usr/lib/python3.11/site-packages"
    assert (
        "(python3.11dist(packaging) >= 20 with"
        " (python3.11dist(packaging) < 21 or python3.11dist(packaging) > 21))"
    ) in requires
    assert {"python3dist(example-pkg) = 1", "python3.11dist(example.pkg) = 1"} <= set(provides)
    assert f"{modules}/example/__pycache__/__init__.cpython-311.opt-1.pyc" in files
    assert not any(name.endswith("/RECORD") for name in files)


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write(
            folder, example__spec=PYTHON, pyproject__toml=PYPROJECT, example__py="def main(): ...\n"
        )
        write(folder, hello__spec=COMPILED, hello__c="int main(){return 0;}\n")

    for name in ("one", "two"):
        for spec in ("example.spec", "hello.spec"):
            options = ("-D", "source_date_epoch_from_changelog 0", "--source-date", "1700000000")
            assert rdo("build", spec, *options, cwd=tmp_path / name).code == 0
        time.sleep(1.1)

    first, second = (hashes(tmp_path / name / "results") for name in ("one", "two"))
    assert len(first) == 6  # the compiled one has -debuginfo and -debugsource
    assert first == second


def test_what_nobody_provides_is_named(tmp_path: Path) -> None:
    text = COMPILED.replace("gcc\n", "gcc, libnosuch-devel >= 2\n", 1)
    write(tmp_path, hello__spec=text, hello__c="int main(){return 0;}\n")

    done = rdo("build", "hello.spec", "--json", cwd=tmp_path)

    assert done.code == 1
    assert done.json["reason"] == "missing-dependency"
    assert "libnosuch-devel >= 2" in done.json["detail"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("gcc %{optflags}", "gcc %{optflags} -include no-such-file.h", "compile"),
        ("./hello", "exit 3", "test"),
        ("%{_bindir}/hello\n", "%{_bindir}/hello\n%{_bindir}/absent\n", "install"),
        ("cp %{SOURCE0} .", "patch -p1 < absent.patch", "prep"),
        ("%prep", "%if (\n%prep", "spec"),
    ],
)
def test_the_reason_of_a_failure_is_where_it_failed(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    before, _, after = COMPILED.rpartition(old)
    write(tmp_path, hello__spec=before + new + after, hello__c="int main(){return 0;}\n")

    done = rdo("build", "hello.spec", "--json", cwd=tmp_path)

    assert (done.code, done.json["reason"]) == (1, reason), done.json
    kept = [path.name for path in (tmp_path / "results").glob("*.rpm")]
    assert kept == ([] if reason == "spec" else ["hello-1.0-1.deb12.src.rpm"])


def test_a_build_has_no_network_no_privileges_and_no_way_out(tmp_path: Path) -> None:
    escape = tmp_path / "escaped"
    probe = f"""
[ $(id -u) != 0 ]
[ "$(ulimit -S -c)" = 0 ]
[ "$(ulimit -H -c)" = {_hard_limit()} ]
! python3 -c 'import socket; socket.create_connection(("192.0.2.1", 80), 2)'
[ "$(ls /sys/class/net 2>/dev/null | grep -v lo)" = "" ]
! touch {escape}
! mount -t tmpfs none /mnt
! chroot / true
"""
    text = COMPILED.replace("%check\n", f"%check\n{probe}")
    text = f"%global at_parse %(touch {escape}; id -u > /builddir/parsed-by)\n%at_parse\n" + text
    write(tmp_path, hello__spec=text, hello__c="int main(){return 0;}\n")

    done = rdo("build", "hello.spec", "--json", cwd=tmp_path)

    assert done.code == 0, (tmp_path / "results/rpmbuild.log").read_text()[-3000:]
    assert not escape.exists()


def test_lower_limits_of_whoever_builds_stay_and_stop_nothing(tmp_path: Path) -> None:
    limits = [f"--{name}" for name in ("as=3500000000", "cpu=110", "fsize=900000000", "nproc=4000")]
    probe = '[ "$(ulimit -H -v)" = 3417968 ]\n[ "$(ulimit -H -u)" = 4000 ]\n'
    text = COMPILED.replace("%check\n", f"%check\n{probe}")
    needs = "BuildRequires: gcc\nBuildRequires: python3dist(iniconfig)"  # which is bridged
    write(
        tmp_path, hello__spec=text.replace("BuildRequires: gcc", needs), hello__c="int main(){}\n"
    )

    done = rdo("build", "hello.spec", "--json", cwd=tmp_path, before=["prlimit", *limits])

    assert done.code == 0, done.stderr


def test_nothing_is_left_of_a_build_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, hello__spec=COMPILED.replace("./hello", "sleep 600"), hello__c="int main(){}\n")
    data = tmp_path / "data"
    monkeypatch.setenv("RDO_DATA", str(data))
    assert rdo("platform", "create", PLATFORM, cwd=tmp_path).code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "rdo", "build", "hello.spec"],
        cwd=tmp_path,
        env={**os.environ, "RDO_PLATFORMS": platforms()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = tmp_path / "results/rpmbuild.log"
    deadline = time.monotonic() + 300
    while not (log.exists() and "sleep 600" in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.1)

    process.send_signal(signal.SIGKILL)
    process.wait()

    _wait_until_ended(data)
    assert str(data) not in Path("/proc/mounts").read_text()
    assert list((data / "roots").glob("root-*"))
    write(tmp_path, hello__spec=COMPILED)
    assert rdo("build", "hello.spec", cwd=tmp_path).code == 0
    assert not list((data / "roots").glob("root-*"))
    owners = {path.lstat().st_uid for path in (*data.rglob("*"), *(tmp_path / "results").iterdir())}
    assert owners == {os.getuid()}  # and nobody's who is only in namespaces


def _hard_limit() -> str:
    """That of core files here, as a shell says it."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return "unlimited" if most == resource.RLIM_INFINITY else str(most)


def _wait_until_ended(data: Path) -> None:
    """The kernel ends the processes of a namespace a moment after its first one."""
    deadline = time.monotonic() + 120
    while subprocess.run(["pgrep", "-f", str(data)], capture_output=True, check=False).stdout:
        assert time.monotonic() < deadline, "processes of the killed build go on"
        time.sleep(0.1)


@TYPES_INTO
def test_a_shell_in_a_failed_build_cannot_type_into_the_shell_of_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RDO_PLATFORMS", platforms())
    script = STUFF.replace("touch typed", f"touch {tmp_path}/typed")
    prep = (
        f"%prep\ncat > /builddir/stuff.py <<'END'\n{script}\nEND\n"
        "echo 'trap \"python3 /builddir/stuff.py\" EXIT; echo in-the-root' > /builddir/.bashrc\n"
        "exit 1\n%files\n"
    )
    write(tmp_path, evil__spec=HEAD.format(name="evil", more="BuildArch: noarch") + prep)
    operator = Operator(tmp_path, "sh", "-i")
    operator.see("$ ")

    operator.type(f"{sys.executable} -m rdo build evil.spec --shell; echo o''ver\n")
    operator.see("in-the-root", 120)
    operator.type("tty -s && echo a-ter''minal; exit\n")
    operator.see("over", 60)
    operator.type("echo still-he''re\n")
    operator.see("still-here")
    os.close(operator.terminal)

    assert "a-terminal" in operator.shown
    assert not (tmp_path / "typed").exists()
