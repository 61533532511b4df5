"""Shut this program in before it reads what strangers wrote.

A program in this folder opens the files it was asked about, calls `shut_in`, and only then reads
them. After that it is nobody, in an empty root without network, processes, keys and capabilities;
it can only read its open files, and answer. The standard library and compiled modules must be
loaded before.
"""

import json
import os
import resource
import sys
from collections.abc import Collection, Mapping
from typing import Any

from rdo.tools.children.kernel import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    drop_capabilities,
    drop_own_capabilities,
    end_with_parent,
    enter,
    join_new_keyring,
    keep_capabilities_over_ids,
    keep_mounts_private,
    limit,
    mount,
    refuse_calls,
    stay_readable_for_ourselves,
    unshare,
)

NO_WALLS = 125
"""The exit status of a program that could not be shut in and has read nothing."""

_PLACE = "/usr"  # any folder of the machine: it is covered in our own mount namespace


def asked() -> tuple[Any, Mapping[str, Any]]:
    """Return the question on stdin, and the walls described with it."""
    whole = json.load(sys.stdin)
    return whole["question"], whole["walls"]


def answer(value: Any) -> None:
    """Print the answer, as JSON."""
    json.dump(value, sys.stdout)
    sys.stdout.flush()


def shut_in(walls: Mapping[str, Any], keep: Collection[int] = (), scratch_bytes: int = 0) -> None:
    """Return behind walls, in a new process; the old one waits for it and ends as it does.

    `keep` are the descriptors that stay open besides the standard ones. In the new root,
    `scratch_bytes` may be written, in memory.
    """
    try:
        _leave_the_machine(walls["root"])
        child = os.fork()  # only a child is in the new pid namespace
    except OSError as error:
        _give_up(error)
    if child:
        _end_as(child)
    try:
        end_with_parent()
        join_new_keyring()
        _close_all_but(keep)
        _enter_nothing(scratch_bytes)
        _bound(walls)
        drop_capabilities()
        drop_own_capabilities()
        refuse_calls(bytes.fromhex(walls["filter"]))
    except OSError as error:
        _give_up(error)


def _leave_the_machine(root: Collection[int] | None) -> None:
    """Become root of new namespaces, which is nobody outside; `root` are its ids outside.

    Without ids it is ourselves, as for an ordinary user.
    """
    end_with_parent()
    uid, gid = root or (os.geteuid(), os.getegid())
    if root:
        keep_capabilities_over_ids()  # on machines where only root may make user namespaces
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        stay_readable_for_ourselves()
    unshare("user", "mount", "pid", "net", "ipc", "uts", "cgroup")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        _write(f"/proc/self/{name}", text)
    end_with_parent()


def _enter_nothing(scratch_bytes: int) -> None:
    keep_mounts_private()
    size = f"size={scratch_bytes or 4096},nr_inodes=64,mode=700"
    mount("none", _PLACE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, size)
    enter(_PLACE)


def _bound(walls: Mapping[str, Any]) -> None:
    bounds = {
        resource.RLIMIT_AS: walls["memory_bytes"],
        resource.RLIMIT_CPU: walls["seconds"],
        resource.RLIMIT_FSIZE: walls["file_bytes"],
        resource.RLIMIT_NPROC: 0,  # neither processes nor threads
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for kind, most in bounds.items():
        limit(kind, most)


def _close_all_but(keep: Collection[int]) -> None:
    """Close other descriptors, because one of a folder would lead out."""
    before = 3
    for number in sorted({one for one in keep if one >= before}):
        os.closerange(before, number)
        before = number + 1
    os.closerange(before, 1 << 16)


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _end_as(child: int) -> None:
    """Wait for the child and end as it did, even by a signal."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _give_up(error: OSError) -> None:
    print(f"cannot be shut in: {error}", file=sys.stderr, flush=True)  # noqa: T201 - our only voice
    os._exit(NO_WALLS)
