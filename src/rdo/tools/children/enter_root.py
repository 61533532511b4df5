"""Mount a root from layers, enter it, and run one program there (a program of its own).

`rdo.tools.root` starts it under `unshare`, in fresh mount, pid, ipc, uts and network namespaces,
with one argument: the JSON of the plan. Everything it mounts is in its own mount namespace, so
nothing stays mounted however it ends. It uses the standard library only, because it runs with
`-I -S` before the root is entered.

Exit status: the program's own; 128 + signal; 125 if the root cannot be entered; 127 if the
program is not in the root.
"""

import ctypes
import fcntl
import json
import os
import platform
import resource
import shutil
import socket
import stat
import struct
import sys
from pathlib import Path

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MNT_DETACH = 2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "ppc64le": 203, "s390x": 217}
# The capabilities that installing packages as root needs; a root has no others:
# CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP MKNOD SETFCAP
KEPT_CAPABILITIES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 27, 31}
HIGHEST_CAPABILITY = 63
CAP_SYS_CHROOT = 18
DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    """Raise OSError if the system call reported an error."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    done = libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode())
    check(done, f"mount {kind or 'bind'} on {target}")


def mount_layers(work: Path, layers: list[str]) -> None:
    """Mount the overlay of all layers, topmost first, on `work/merged`; changes go to `work/upper`.

    mount's option string is limited to one page, so the layers get one-letter names in a folder of
    links.
    """
    names = work / "l"
    shutil.rmtree(names, ignore_errors=True)
    shutil.rmtree(work / "work", ignore_errors=True)  # a volatile overlay refuses the previous one
    for folder in ("l", "work", "upper", "merged"):
        (work / folder).mkdir(exist_ok=True)
    for number, layer in enumerate(layers):
        (names / f"{number:x}").symlink_to(layer)
    os.chdir(names)
    lower = ":".join(f"{number:x}" for number in range(len(layers)))
    options = f"lowerdir={lower},upperdir=../upper,workdir=../work,volatile"
    mount("overlay", "../merged", "overlay", 0, options)
    os.chdir(work / "merged")


def bind(source: str, target: Path, writable: bool) -> None:
    """Bind a file or folder of the host into the root."""
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():  # an existing file may belong to a read-only bind
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(source, str(target), "", MS_BIND)
    if not writable:
        flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV
        mount("none", str(target), "", flags)


def make_devices(dev: Path) -> None:
    """Make the devices of a build root."""
    mount("tmpfs", str(dev), "tmpfs", MS_NOSUID, "mode=755,size=512m")
    os.umask(0)
    for name, minor in DEVICES.items():
        os.mknod(dev / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
    os.mknod(dev / "tty", stat.S_IFCHR | 0o666, os.makedev(5, 0))
    os.umask(0o022)
    for name, target in LINKS.items():
        (dev / name).symlink_to(target)
    (dev / "shm").mkdir()
    (dev / "shm").chmod(0o1777)
    (dev / "pts").mkdir()
    mount("devpts", str(dev / "pts"), "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666")
    (dev / "ptmx").symlink_to("pts/ptmx")


def raise_loopback() -> None:
    """Bring up lo, because a new network namespace has it down and programs expect 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14s", b"lo", 1, b"")  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def enter(new_root: Path) -> None:
    """Make `new_root` the root; afterwards the old one is gone from this namespace."""
    os.chdir(new_root)
    check(libc.syscall(PIVOT_ROOT[platform.machine()], b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "leave the old root")
    os.chdir("/")


def drop_privileges(uid: int, gid: int, processes: int, kept: set[int]) -> None:
    """Become user `uid` and keep only the capabilities in `kept`."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]  # tests may ask for core files, as in mock
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    for capability in set(range(HIGHEST_CAPABILITY + 1)) - kept:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # unknown ones answer EINVAL
    os.setgroups([])
    os.setgid(gid)
    if uid:
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
    os.setuid(uid)
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def wait_for(child: int) -> int:
    """Reap every process until `child` ends, as process 1 of the namespace must."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main() -> int:
    plan = json.loads(sys.argv[1])
    work = Path(plan["work"])
    try:
        mount_layers(work, plan["layers"])
        merged = work / "merged"
        for folder in ("proc", "dev", "sys", "tmp"):
            (merged / folder).mkdir(exist_ok=True)
        mount("proc", str(merged / "proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        make_devices(merged / "dev")
        for source, target, writable in plan["binds"]:
            bind(source, merged / target.lstrip("/"), writable)
        raise_loopback()
        socket.sethostname("localhost")
        enter(merged)
    except OSError as error:
        print(f"enter-root: {error}", file=sys.stderr)  # noqa: T201  # a program's own message
        return 125
    child = os.fork()
    if child:
        return wait_for(child)
    try:
        kept = KEPT_CAPABILITIES | ({CAP_SYS_CHROOT} if plan.get("may_chroot") else set())
        drop_privileges(plan["uid"], plan["gid"], plan["processes"], kept)
        os.chdir(plan["cwd"])
        os.execvpe(plan["argv"][0], plan["argv"], plan["env"])
    except OSError as error:
        print(f"enter-root: {plan['argv'][0]}: {error}", file=sys.stderr)  # noqa: T201  # likewise
    os._exit(127)


if __name__ == "__main__":
    sys.exit(main())
