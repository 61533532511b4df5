"""Attacks by a package's scriptlet, which is root in the root of each package that requires it."""

import shutil

import pytest

from tests.e2e.hostile import Hostile

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

SCRIPTED = r"""
%prep
%build
%install
%post -p /usr/bin/python3
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
out = open("/usr/share/scripted-answers", "w")
def probe(name, act):
    try:
        said = act()
    except Exception as error:
        said = "NO " + str(error)
    out.write("PROBE " + name + ": " + str(said) + chr(10))
def call(function, *words):
    if function(*words) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "YES"
def same(path):
    with open(path, "r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text)
    return "YES"
def device():
    os.mknod("/var/disk", 0o60666, os.makedev(7, 0))
    return "YES"
settings = ("kernel/core_pattern", "kernel/panic", "kernel/pid_max", "kernel/randomize_va_space",
            "fs/file-max", "vm/overcommit_memory")
for name in settings:
    probe(name, lambda: same("/proc/sys/" + name))
probe("device", device)
probe("mount", lambda: call(libc.mount, b"t", b"/mnt", b"tmpfs", 0, None))
probe("remount", lambda: call(libc.mount, b"none", b"/rdo-rpms", b"", 4096 | 32, None))
probe("rpms", lambda: open("/rdo-rpms/x", "w") and "YES")
probe("chroot", lambda: os.chroot("/tmp") or "YES")
probe("environment", lambda: open("/proc/1/environ", "rb").read() and "YES")
probe("root", lambda: os.listdir("/proc/1/root") and "YES")
probe("trace", lambda: call(libc.ptrace, 16, 1, 0, 0))
probe("network", lambda: socket.create_connection(("192.0.2.1", 80), 1) and "YES")
probe("module", lambda: call(libc.syscall, 313, 0, b"", 0))
probe("handle", lambda: call(libc.syscall, 304, -100, ctypes.create_string_buffer(64), 0))
probe("files", lambda: open("/etc/shadow", "a") and "own")
out.close()
%files
"""
VICTIM = "%prep\n%build\ncat /usr/share/scripted-answers\n%install\n%files\n"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    one = Hostile(tmp_path_factory.mktemp("scripted"))
    one.prepare()
    one.add("scripted", SCRIPTED)
    one.add("victim", VICTIM, tags="BuildRequires: scripted\n")
    done = one.run()
    assert done.code == 0, done.stderr
    lines = [line for line in one.log("victim").splitlines() if line.startswith("PROBE ")]
    return dict(line.removeprefix("PROBE ").split(": ", 1) for line in lines)


@pytest.mark.parametrize(
    "name",
    [
        "kernel/core_pattern",
        "kernel/panic",
        "kernel/pid_max",
        "kernel/randomize_va_space",
        "fs/file-max",
        "vm/overcommit_memory",
        "device",
        "mount",
        "remount",
        "rpms",
        "chroot",
        "environment",
        "root",
        "trace",
        "network",
        "module",
        "handle",
    ],
)
def test_a_scriptlet_cannot_leave_its_root(answers: dict[str, str], name: str) -> None:
    assert answers[name].startswith("NO ")


def test_a_scriptlet_is_root_over_the_files_of_its_root(answers: dict[str, str]) -> None:
    assert answers["files"] == "own"
