"""Calls of the kernel that our programs use to shut in others or themselves.

It is imported by programs that run with `-I -S`, so it uses only the standard library, and little
of it.
"""

import ctypes
import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:  # slow to load
    from types import TracebackType

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEW = {  # linux/sched.h
    "mount": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000,
    "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip  # a table
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
_MS_REC_PRIVATE = 0x4000 | 0x40000
_MNT_DETACH = 2
# linux/prctl.h, linux/keyctl.h
_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _SET_SECUREBITS, _SET_NO_NEW_PRIVS = 1, 4, 24, 28, 38
_SET_SECCOMP, _SECCOMP_FILTER = 22, 2
_JOIN_SESSION_KEYRING = 1
_NO_SETUID_FIXUP = 4  # linux/securebits.h
_CAPABILITY_VERSION = 0x20080522  # linux/capability.h
_HIGHEST_CAPABILITY = 63
_CALLS = {
    "x86_64": {"pivot_root": 155, "keyctl": 250},
    "aarch64": {"pivot_root": 41, "keyctl": 219},
    "ppc64le": {"pivot_root": 203, "keyctl": 271},
    "s390x": {"pivot_root": 217, "keyctl": 280},
}


SIGKILL = 9  # signal(7)


class Suppress:
    """Ends its block at an exception of this kind.

    It does what contextlib.suppress does, without the modules that contextlib loads.
    """

    def __init__(self, kind: type[BaseException]) -> None:
        self._kind = kind

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: "TracebackType | None",
    ) -> bool:
        return kind is not None and issubclass(kind, self._kind)


class _Program(ctypes.Structure):
    """struct sock_fprog: the number of instructions, and their address."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def check(result: int, what: str) -> int:
    """Return the result of a system call; raises OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int, what: str) -> None:
    """Set a property of this process; raises OSError if it is refused."""
    check(libc.prctl(option, value, 0, 0, 0), what)


def end_with_parent() -> None:
    """Ask the kernel to kill us when the parent ends; must be repeated after a change of ids."""
    prctl(_SET_PDEATHSIG, SIGKILL, "pdeathsig")


def outlive_parent() -> None:
    """Continue when the parent ends."""
    prctl(_SET_PDEATHSIG, 0, "pdeathsig")


def at_most(kind: int, most: int) -> int:
    """Return a limit for this process, or a lower one that cannot be raised any more."""
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def limit(kind: int, most: int) -> None:
    """Limit what this process, and everything it starts, may use."""
    most = at_most(kind, most)
    resource.setrlimit(kind, (most, most))


def unshare(*names: str) -> None:
    """Enter new namespaces of these kinds; raises OSError if the machine does not allow it."""
    check(libc.unshare(sum(CLONE_NEW[name] for name in names)), "new namespaces")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system; raises OSError if that is refused."""
    done = libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode())
    check(done, f"mount {kind} on {target}")


def keep_mounts_private() -> None:
    """Keep mounts made from now on visible in this mount namespace only."""
    check(libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None), "private mounts")


def enter(new_root: str) -> None:
    """Make `new_root` the root; the old one is then gone from this namespace."""
    os.chdir(new_root)
    check(libc.syscall(_CALLS[os.uname().machine]["pivot_root"], b".", b"."), "pivot_root")
    check(libc.umount2(b".", _MNT_DETACH), "leave the old root")
    os.chdir("/")


def join_new_keyring() -> None:
    """Leave the session keyring of our caller."""
    libc.syscall(_CALLS[os.uname().machine]["keyctl"], _JOIN_SESSION_KEYRING, None)


def drop_capabilities(kept: frozenset[int] = frozenset()) -> None:
    """Allow programs that are started from now on no capabilities other than `kept`."""
    for capability in set(range(_HIGHEST_CAPABILITY + 1)) - kept:
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)  # unknown ones return EINVAL


def keep_capabilities_over_ids() -> None:
    """Keep capabilities over a change of ids, until a new user namespace is entered."""
    prctl(_SET_SECUREBITS, _NO_SETUID_FIXUP, "securebits")


def stay_readable_for_ourselves() -> None:
    """Make our own files in /proc belong to us again, after a change of ids."""
    prctl(_SET_DUMPABLE, 1, "dumpable")


def drop_own_capabilities() -> None:
    """Drop all capabilities; raises OSError if that fails."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def refuse_calls(code: bytes) -> None:
    """Gain no privileges any more, and make the kernel filter every system call."""
    prctl(_SET_NO_NEW_PRIVS, 1, "no_new_privs")
    words = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(words))
    check(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(program), 0, 0), "seccomp")
