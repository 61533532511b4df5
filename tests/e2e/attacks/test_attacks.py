"""Attacks of upstreams and specs on the machine, all in one round; each attempt fails alone."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import rdo
from tests.e2e.hostile import SECRET, TARGET, Hostile
from tests.fakes.folder_index import FolderIndex

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

PLAIN = "%prep\n%build\n%install\n%files\n"
LOOT = """\
%prep
%build
%install
install -D -m644 %{{_sourcedir}}/{file} %{{buildroot}}/usr/share/{name}/loot
%files
/usr/share/{name}
"""
DEEP = """\
%prep
%build
python3 -c "
import os
for i in range(3000):
    os.mkdir('d'); os.chdir('d')
os.mkdir('closed', 0)
"
%install
%files
"""
UNLINKED = """\
%prep
%build
python3 -c "
import os, time
f = open('x', 'wb'); os.unlink('x')
for i in range(600): f.write(bytes(10**6))
f.flush(); time.sleep(60)
"
%install
%files
"""
DEVICE = """\
%prep
%build
%install
%files
%dev(b 7 1) %attr(0666, root, root) /usr/share/disk
"""
RIGHTS = """\
%prep
%build
%install
install -D /dev/null %{buildroot}/usr/bin/rights
%files
%attr(4755, root, root) /usr/bin/rights
"""
HIJACK = """\
%package -n python3-setuptools
Epoch: 9
Summary: not setuptools
Provides: python3dist(setuptools) = 99
%description -n python3-setuptools
x
%prep
%build
%install
%files -n python3-setuptools
"""
OBSOLETES = """\
%prep
%build
%install
%files
"""
SMUGGLED = """\
%prep
%build
%install
rpmbuild -bb -D "_topdir $PWD/top" -D "_rpmdir /builddir/RPMS" %{SOURCE1}
%files
"""
OTHER = """\
Name: python3-setuptools
Epoch: 9
Version: 99
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%files
"""
LINGERS = """\
%prep
%build
for i in $(seq 600); do (setsid sleep 987653 >/dev/null 2>&1 &); done
python3 -c "
import os, signal
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.closerange(0, 200)
    os.execve('/bin/sleep', ['sleep', '987654'], {})
"
%install
%files
"""
TALKS = """\
%prep
%build
yes
%install
%files
"""
PROBE = """\
%prep
%build
python3 %{SOURCE1}
%install
%post
true
%files
"""
PROBES = r"""
import ctypes, os, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)
def probe(name, act):
    try:
        said = act()
    except OSError as error:
        said = f"NO {error.strerror}"
    print(f"PROBE {name}: {said}", flush=True)
def syscall(*words):
    if libc.syscall(*words) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "YES"
def opened(path, how):
    os.close(os.open(path, how))
    return "YES"
def status(name):
    with open("/proc/self/status") as lines:
        return next(line.split()[1] for line in lines if line.startswith(name))
probe("seccomp", lambda: status("Seccomp:"))
probe("privileges", lambda: status("NoNewPrivs:"))
probe("capabilities", lambda: status("CapBnd:"))
probe("users", lambda: subprocess.run(["unshare", "-U", "true"], capture_output=True).returncode)
probe("io_uring", lambda: syscall(425, 1, ctypes.create_string_buffer(120)))
probe("bpf", lambda: syscall(321, 0, 0, 0))
probe("userfaultfd", lambda: syscall(323, 0))
probe("keyring", lambda: syscall(250, 0, -3, 0))
probe("core_pattern", lambda: opened("/proc/sys/kernel/core_pattern", os.O_WRONLY))
probe("sysrq", lambda: opened("/proc/sysrq-trigger", os.O_WRONLY))
probe("kcore", lambda: open("/proc/kcore", "rb").read(1) and "YES")
probe("device", lambda: os.mknod("/tmp/blk", 0o60666, os.makedev(7, 0)))
probe("raw", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW) and "YES")
probe("network", lambda: socket.create_connection(("192.0.2.1", 80), 2) and "YES")
probe("process 1", lambda: open("/proc/1/cmdline").read() or "EMPTY")
probe("pids", lambda: len([p for p in os.listdir("/proc") if p.isdigit()]) < 12)
probe("mount", lambda: syscall(165, b"t", b"/mnt", b"tmpfs", 0, None))
probe("chroot", lambda: os.chroot("/tmp") or "YES")
probe("trace", lambda: syscall(101, 16, 1, 0, 0))
probe("environment of 1", lambda: open("/proc/1/environ", "rb").read() or "EMPTY")
probe("root of 1", lambda: os.listdir("/proc/1/root"))
probe("descriptors of 1", lambda: os.listdir("/proc/1/fd"))
probe("kmsg", lambda: open("/proc/kmsg", "rb").read() or opened("/dev/kmsg", os.O_RDONLY))
probe("kernel log", lambda: syscall(103, 3, ctypes.create_string_buffer(64), 64))
probe("home of root", lambda: os.listdir("/root"))
probe("nice", lambda: os.nice(-5))
probe("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) or "YES")
probe("terminal", lambda: opened("/dev/tty", os.O_RDWR))
probe("devices", lambda: {"sda", "vda", "loop0", "mem"} & {*os.listdir("/dev")})
probe("sys", lambda: os.listdir("/sys"))
probe("interfaces", lambda: [x for x in socket.if_nameindex() if x[1] != "lo"])
probe("sockets", lambda: open("/proc/net/unix").read().count(chr(10)) < 3)
probe("descriptors", lambda: [x for x in os.listdir("/proc/self/fd") if int(x) > 9])
probe("secret", lambda: [x for x in os.environ if "RDO" in x and "PACKAGE" not in x])
probe("typing", lambda: syscall(16, 0, 0x5412, ctypes.c_char_p(b"x")))
"""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    """A target after one round with all of them, and one package that does no harm."""
    one = Hostile(tmp_path_factory.mktemp("attacked"), "disk-limit-mb = 200\noutput-limit-mb = 5\n")
    one.prepare()
    secret, target = one.secret("secret"), one.secret("profile.sh", 0o644)
    shadow = one.secret("shadow")
    pool = one.host / "pool"
    pool.mkdir()
    (pool / "precious.rpm").write_text("of another target\n")
    one.add("innocent", PLAIN)
    one.add(
        "reads",
        LOOT.format(name="reads", file="loot"),
        backend=f'os.symlink("{secret}", "/builddir/SOURCES/loot")',
    )
    one.add(
        "writes",
        PLAIN,
        backend=f'os.symlink("{target}", "/builddir/SPECS/writes.spec")\n'
        'os.makedirs("/builddir/SOURCES", exist_ok=True)\n'
        'open("/builddir/SOURCES/writes.spec", "w").write("touch code-ran\\n")',
    )
    one.add(
        "macro",
        LOOT.format(name="macro", file="loot"),
        head=f"%global x %(test -e /builddir/SOURCES/loot || "
        f"ln -s {secret} /builddir/SOURCES/loot; echo 1)\n",
    )
    one.add(
        "leaves-links",
        f"%prep\n%build\n%install\nmkdir -p /builddir/RPMS\n"
        f"ln -s {shadow} /builddir/RPMS/x.rpm\nln -s {pool} /builddir/XRPMS\n%files\n",
    )
    one.add("fifo", PLAIN, backend='os.mkfifo("/builddir/answer.json")\nos._exit(0)')
    one.add(
        "endless", PLAIN, backend='os.symlink("/dev/zero", "/builddir/answer.json")\nos._exit(0)'
    )
    one.add("deep", DEEP)
    one.add("unlinked", UNLINKED)
    one.add("lingers", LINGERS)
    one.add("talks", TALKS)
    one.add("device", DEVICE)
    one.add("rights", RIGHTS)
    one.add("hijack", HIJACK)
    one.add("removes", OBSOLETES, tags="Obsoletes: innocent\nObsoletes: gcc < 99:0\n")
    one.add("takes", OBSOLETES, tags="Provides: python3dist(innocent) = 99\nProvides: git-core\n")
    smuggling = one.add("smuggles", SMUGGLED, tags="Source1: other.spec.in\n")
    smuggling.commit("another spec", {"other.spec.in": OTHER})
    linked = one.add("linked-path", PLAIN, more="  distgit-path: rpm\n")
    linked.git("rm", "-q", "linked-path.spec")
    (linked.path / "rpm").symlink_to(one.host)
    linked.commit("a folder that is a link")
    (one.host / "some.spec").write_text("Name: x\n")
    probing = one.add("probing", PROBE, tags="Source1: probe.py\n")
    probing.commit("probe", {"probe.py": PROBES})
    done = one.run()
    assert done.code in {0, 1}, done.stderr
    return one


def test_a_package_that_does_no_harm_is_built(attacked: Hostile) -> None:
    assert attacked.states()["innocent"]["condition"] == "built"


@pytest.mark.parametrize("package", ["reads", "macro"])
def test_no_file_of_the_host_is_read(attacked: Hostile, package: str) -> None:
    state = attacked.states()[package]

    assert state["condition"] == "FTBFS"
    assert not attacked.rpms(package)
    everything = attacked.folder / "data" / TARGET
    found = [path for path in everything.rglob("*") if path.is_file() and _holds_secret(path)]
    assert found == []


def _holds_secret(path: Path) -> bool:
    return not path.is_symlink() and SECRET.encode() in path.read_bytes()


def test_no_file_of_the_host_is_written(attacked: Hostile) -> None:
    assert (attacked.host / "profile.sh").read_text() == SECRET
    assert not list(attacked.folder.rglob("code-ran"))


def test_no_file_of_the_host_changes_its_mode_or_is_moved_away(attacked: Hostile) -> None:
    assert stat.S_IMODE((attacked.host / "shadow").stat().st_mode) == 0o600
    assert (attacked.host / "pool/precious.rpm").exists()
    assert attacked.states()["leaves-links"]["condition"] == "built"


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("device", ["device-0.0.1-", ".noarch.rpm", "/usr/share/disk is a device node"]),
        ("rights", ["rights-0.0.1-", 'rights = ["setuid /usr/bin/rights"]']),
        (
            "hijack",
            [
                "python3-setuptools-0.0.1-",
                "belongs to the tools of every build",
                'hijack = ["provides python3-setuptools", "provides python3dist(setuptools)"]',
            ],
        ),
        (
            "removes",
            [
                "obsoletes gcc, which belongs to the platform",
                'removes = ["obsoletes gcc", "obsoletes innocent"]',
            ],
        ),
        (
            "takes",
            [
                "provides git-core, which belongs to the platform",
                'takes = ["provides git-core", "provides python3dist(innocent)"]',
            ],
        ),
        ("smuggles", ["python3-setuptools-99-1.noarch.rpm, which the spec does not name"]),
    ],
)
def test_what_a_build_gives_is_looked_at(attacked: Hostile, package: str, words: list[str]) -> None:
    state = attacked.states()[package]

    assert state["condition"] == "FTBFS"
    assert all(word in state["detail"] for word in ("refused", *words)), state["detail"]
    assert not attacked.rpms(package)
    assert not attacked.rpms("python3-setuptools")


def test_the_line_that_a_refusal_names_allows_it(attacked: Hostile) -> None:
    line = attacked.states()["rights"]["detail"].partition("of rdo.toml: ")[2]
    settings = attacked.folder / "rdo.toml"
    settings.write_text(f"{settings.read_text()}[targets.{TARGET}.allow]\n{line}\n")

    done = attacked.run("--package", "rights")

    assert done.code == 0, done.stderr
    assert attacked.states()["rights"]["condition"] == "built"
    assert attacked.rpms("rights")


@pytest.mark.parametrize("package", ["fifo", "endless"])
def test_an_answer_that_is_no_file_is_the_failure_of_that_package(
    attacked: Hostile, package: str
) -> None:
    state = attacked.states()[package]

    assert state["condition"] == "FTBFS"
    assert "answer" in state["detail"]


def test_a_tree_of_any_depth_is_removed(attacked: Hostile) -> None:
    assert "deep" in attacked.states()
    assert list((attacked.folder / "data/roots").iterdir()) == []


def test_files_without_a_name_count_against_the_disk_limit(attacked: Hostile) -> None:
    state = attacked.states()["unlinked"]

    assert state["condition"] == "FTBFS"
    assert "output-limit" in state["detail"]


def test_a_log_without_end_is_stopped(attacked: Hostile) -> None:
    state = attacked.states()["talks"]

    assert state["condition"] == "FTBFS"
    assert "its output is larger than the log limit" in state["detail"]


def test_what_a_build_leaves_running_ends_with_it(attacked: Hostile) -> None:
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)

    assert attacked.states()["lingers"]["condition"] == "built"
    assert not {"sleep 987653", "sleep 987654"} & set(running.stdout.splitlines())


def test_a_folder_of_a_distgit_that_is_a_link_is_refused(attacked: Hostile) -> None:
    assert attacked.states()["linked-path"]["condition"] != "built"
    assert (attacked.host / "some.spec").exists()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("seccomp", "2"),
        ("privileges", "1"),
        ("capabilities", "0000000000000000"),
        ("users", "1"),
        ("io_uring", "NO Function not implemented"),
        ("bpf", "NO Operation not permitted"),
        ("userfaultfd", "NO Operation not permitted"),
        ("keyring", "NO Operation not permitted"),
        ("core_pattern", "NO "),
        ("sysrq", "NO "),
        ("kcore", "NO "),
        ("device", "NO Operation not permitted"),
        ("raw", "NO Operation not permitted"),
        ("network", "NO Network is unreachable"),
        ("process 1", "NO "),
        ("pids", "True"),
        ("typing", "NO Operation not permitted"),
        ("mount", "NO "),
        ("chroot", "NO "),
        ("trace", "NO "),
        ("environment of 1", "NO "),
        ("root of 1", "NO "),
        ("descriptors of 1", "NO "),
        ("kmsg", "NO "),
        ("kernel log", "NO "),
        ("home of root", "NO "),
        ("nice", "NO "),
        ("real time", "NO "),
        ("terminal", "NO "),
        ("devices", "set()"),
        ("sys", "[]"),
        ("interfaces", "[]"),
        ("sockets", "True"),
        ("descriptors", "[]"),
        ("secret", "[]"),
    ],
)
def test_the_kernel_refuses(attacked: Hostile, name: str, answer: str) -> None:
    [line] = [x for x in attacked.log("probing").splitlines() if x.startswith(f"PROBE {name}: ")]

    assert line.removeprefix(f"PROBE {name}: ").startswith(answer)


def test_nothing_of_the_round_is_left(attacked: Hostile) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)

    assert str(attacked.folder) not in mounts
    assert f"{attacked.folder}/data/roots" not in running.stdout
    assert {os.getuid()} == {path.lstat().st_uid for path in _all(attacked.folder / "data")}


def _all(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if "platforms" not in path.parts]


def test_a_wheel_cannot_change_the_bytes_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = FolderIndex(tmp_path / "simple")
    index.add_wheel("rdo-honest-lib", "1.0", {"rdo_honest_lib.py": "honest = True\n"})
    poison = {"rdo_honest_lib.py": "honest = False\n"}
    index.add_wheel("rdo-zz-evil", "1.0", poison, "rdo-honest-lib")
    index.add_wheel("rdo-aa-evil", "1.0", poison)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.url)
    one = Hostile(tmp_path / "factory")
    one.prepare()
    one.add("innocent", PLAIN)
    one.write_metadata()

    names = [f"python3dist({name})" for name in ("rdo-zz-evil", "rdo-aa-evil")]
    done = rdo("platform", "deps", "add", *names, cwd=one.folder)

    assert done.code == 0, done.stderr
    [honest] = one.folder.glob(f"data/{TARGET}/repos/deps/current/python3-rdo-honest-lib-*.rpm")
    files = subprocess.run(["rpm2cpio", honest], capture_output=True, check=True).stdout
    assert b"honest = True\n" in files
    assert b"honest = False\n" not in files
