"""The system calls that no program inside a root may make, as a filter for the kernel.

They are those that builds never need and in which faults of the kernel are found, and those that
reach what namespaces do not separate: keys, kernel modules, the terminal's input.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# linux/audit.h, and the numbers of arch/*/include/**/unistd.h; those from 424 on are common.
_COMMON = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
_MOUNTING = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
}
# Calls of programs that do more than read their open files and answer.
_ACTING = ("execve", "execveat", "ptrace", "unshare", "setns", "socket")
_ACTING_NUMBERS = {
    "x86_64": (59, 322, 101, 272, 308, 41),
    "aarch64": (221, 281, 117, 97, 268, 198),
    "ppc64le": (11, 362, 26, 282, 350, 326),
    "s390x": (11, 354, 26, 303, 339, 359),
}
_NAMES = (
    *("add_key", "request_key", "keyctl", "bpf", "userfaultfd", "perf_event_open"),
    *("open_by_handle_at", "kexec_load", "kexec_file_load", "init_module", "finit_module"),
    *("delete_module", "quotactl", "swapon", "swapoff", "syslog", "ioctl"),
)
_NUMBERS = {
    "x86_64": (248, 249, 250, 321, 323, 298, 304, 246, 320, 175, 313, 176, 179, 167, 168, 103, 16),
    "aarch64": (217, 218, 219, 280, 282, 241, 265, 104, 294, 105, 273, 106, 60, 224, 225, 116, 29),
    "ppc64le": (269, 270, 271, 361, 364, 319, 346, 268, 382, 128, 353, 129, 131, 87, 115, 103, 54),
    "s390x": (278, 279, 280, 351, 355, 331, 336, 277, 381, 128, 344, 129, 131, 87, 115, 103, 54),
}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "ppc64le": 0xC0000015, "s390x": 0x80000016}
_X32 = 0x40000000
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: they type into the terminal

# linux/bpf_common.h, linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCH, _SECOND_ARGUMENT = 0, 4, 24
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of classic BPF; the jumps are how many instructions are skipped."""

    code: int
    value: int
    if_true: int = 0
    if_false: int = 0

    def __bytes__(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.if_true, self.if_false, self.value)


def denied_calls(
    machine: str, *, may_mount: bool = False, only_reads: bool = False
) -> Mapping[str, int]:
    """Return the numbers of the calls that fail inside, by name; `ioctl` fails for some acts."""
    calls = dict(zip(_NAMES, _NUMBERS[machine], strict=True)) | _COMMON
    if only_reads:
        calls |= dict(zip(_ACTING, _ACTING_NUMBERS[machine], strict=True))
    return calls if may_mount else calls | _MOUNTING


def filter_program(machine: str, *, may_mount: bool = False, only_reads: bool = False) -> bytes:
    """Return the filter for a kind of machine, as a sequence of the kernel's `struct sock_filter`.

    With `only_reads`, a program may start no other one, and open no sockets and namespaces.

    Calls of another architecture and of x32 do not exist inside; neither does io_uring, so that
    programs fall back to what they did before it.
    """
    denied = denied_calls(machine, may_mount=may_mount, only_reads=only_reads)
    return b"".join(map(bytes, _program(machine, denied)))


def _program(machine: str, denied: Mapping[str, int]) -> Iterator[Instruction]:
    calls = dict(denied)
    ioctl = calls.pop("ioctl")
    yield Instruction(_LOAD, _ARCH)
    yield Instruction(_EQUAL, _AUDIT[machine], if_true=1)
    yield _refuse(_ENOSYS)
    yield Instruction(_LOAD, _NUMBER)
    if machine == "x86_64":
        yield Instruction(_AT_LEAST, _X32, if_false=1)
        yield _refuse(_ENOSYS)
    for name, number in calls.items():
        yield Instruction(_EQUAL, number, if_false=1)
        yield _refuse(_ENOSYS if name.startswith("io_uring") else _EPERM)
    yield Instruction(_EQUAL, ioctl, if_true=1)
    yield Instruction(_RETURN, _ALLOW)
    yield Instruction(_LOAD, _SECOND_ARGUMENT)
    for request in _TERMINAL_INPUT:
        yield Instruction(_EQUAL, request, if_false=1)
        yield _refuse(_EPERM)
    yield Instruction(_RETURN, _ALLOW)


def _refuse(error: int) -> Instruction:
    return Instruction(_RETURN, _ERRNO | error)
