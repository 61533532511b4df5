"""The filter of system calls, run by a small interpreter of classic BPF."""

import struct

import pytest

from rdo.tools.walls.seccomp import denied_calls, filter_program

ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "ppc64le": 0xC0000015, "s390x": 0x80000016}
READ = 0


def verdict(machine: str, number: int, argument: int = 0, *, arch: int | None = None) -> int:
    """What the kernel would do with a call, by the meaning of the instructions."""
    code = filter_program(machine)
    program = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    words = {0: number, 4: AUDIT[machine] if arch is None else arch, 24: argument}
    value = at = 0
    while True:
        kind, if_true, if_false, operand = program[at]
        at += 1
        if kind == 0x20:
            value = words[operand]
        elif kind == 0x06:
            return int(operand)
        else:
            holds = value == operand if kind == 0x15 else value >= operand
            at += if_true if holds else if_false


@pytest.mark.parametrize("machine", AUDIT)
def test_each_call_of_the_list_fails(machine: str) -> None:
    calls = {name: n for name, n in denied_calls(machine).items() if name != "ioctl"}

    found = {name: verdict(machine, number) for name, number in calls.items()}

    assert found == {name: ENOSYS if "io_uring" in name else EPERM for name in calls}


@pytest.mark.parametrize("machine", AUDIT)
def test_a_program_may_do_all_else(machine: str) -> None:
    assert verdict(machine, 10_000) == ALLOW
    assert verdict(machine, denied_calls(machine)["ioctl"], 0x5401) == ALLOW


@pytest.mark.parametrize("request_", [0x5412, 0x541C])
def test_nothing_types_into_a_terminal(request_: int) -> None:
    assert verdict("x86_64", 16, request_) == EPERM


@pytest.mark.parametrize(("number", "arch"), [(0x40000000, None), (READ, 0x40000003)])
def test_calls_of_another_architecture_do_not_exist(number: int, arch: int | None) -> None:
    assert verdict("x86_64", number, arch=arch) == ENOSYS


def test_a_root_of_ours_may_mount_where_it_has_to() -> None:
    assert "move_mount" in denied_calls("x86_64")
    assert "move_mount" not in denied_calls("x86_64", may_mount=True)
