"""Make a root, enter it, and run one program there (a program of its own).

Started by `rdo.tools.walls.entry` with one argument: the file with the plan, in Python's own form.
It runs with `-I -S` before anything is entered, so it uses the standard library only, and of that
little: every question to a sandbox starts it, and json, pathlib, signal, socket and contextlib
would take half of the time. Three processes do the work, and each ends with the one before it,
however that one ends:

- the *outer* one, outside, which writes the id maps and, if it is root, opens the layers;
- the *setup*, in new user, mount, pid, ipc, uts, network and cgroup namespaces;
- *process 1* of the pid namespace, which mounts the root, enters it, and starts the program.

Everything it mounts lives in its own mount namespace, so nothing stays mounted.

Exit status: the program's own; 128 + signal; 125 when the root could not be entered; 127
when the program is not in the root. The file `limit` beside the plan names the bound of ours
that ended it, if one did.
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import marshal
import os
import resource
import stat
import sys
import time

from rdo.tools.children.kernel import (
    CLONE_NEW,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    SIGKILL,
    Suppress,
    check,
    drop_capabilities,
    end_with_parent,
    enter,
    join_new_keyring,
    keep_mounts_private,
    libc,
    limit,
    mount,
    refuse_calls,
    unshare,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # slow to load, and this program starts often
    from typing import Any

    from _typeshed import StrPath

# linux/mount.h
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_IDMAP = 1, 2, 4, 0x00100000
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442  # the same numbers on all architectures
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
READ_ONLY = ("sys", "irq", "bus", "fs", "sysrq-trigger")
"""Parts of /proc through which the kernel's settings can be changed."""
HIDDEN = ("kcore", "keys", "key-users", "timer_list", "sched_debug", "kmsg", "kallsyms")
"""Files of /proc that reveal facts about the whole machine."""
FDS_PER_MESSAGE = 200  # the kernel passes 253 at a time
ENTER_FAILED, NOT_FOUND = 125, 127
LIMIT = "limit"
"""The file in the folder of the root that names the limit that ended a program."""
GROUP = "rdo-"
"""The prefix of our control groups' names; the number of the outer process follows."""


class _Attributes(ctypes.Structure):
    """struct mount_attr."""

    _fields_ = [
        ("set", ctypes.c_uint64), ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64), ("userns", ctypes.c_uint64),
    ]  # fmt: skip  # a table


def clone_tree(path: str, *, writable: bool, userns: int | None) -> int:
    """Return a detached copy of a mount, for `attach`; devices and setuid do not work in it.

    With a user namespace, files of an id on the host belong to the same id inside.
    """
    tree = open_tree(path)
    flags = ATTR_NOSUID | ATTR_NODEV | (0 if writable else ATTR_RDONLY)
    attributes = _Attributes(flags, 0, 0, 0)
    if userns is not None:
        attributes = _Attributes(flags | ATTR_IDMAP, 0, 0, userns)
    done = libc.syscall(
        *(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH),
        *(ctypes.byref(attributes), ctypes.sizeof(attributes)),
    )
    check(done, f"prepare {path}")
    return tree


def open_tree(path: str) -> int:
    """Return a copy of a mount, including mounts below it if the kernel allows nothing less."""
    for flags in (OPEN_TREE_CLONE, OPEN_TREE_CLONE | AT_RECURSIVE):
        tree = int(libc.syscall(OPEN_TREE, AT_FDCWD, path.encode(), flags))
        if tree >= 0 or ctypes.get_errno() != errno.EINVAL:
            break
    return check(tree, f"open {path}")


def attach(tree: int, target: str) -> None:
    place = (tree, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH)
    check(libc.syscall(MOVE_MOUNT, *place), f"mount on {target}")
    os.close(tree)


# --- the outer process ------------------------------------------------------------------------


def main() -> int:
    """Enter the root described in the file argv[1], and run its program there."""
    file = sys.argv[1]
    with open(file, "rb") as opened:
        plan = marshal.load(opened)
    os.unlink(file)
    end_with_parent()
    load(plan)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a descriptor for each layer
    ours, theirs = _socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        os._exit(guarded(lambda: setup(plan, theirs)))
    theirs.close()
    groups = ControlGroups(plan["memory_bytes"], plan["processes"])
    try:
        groups.hold(pid)
        serve(plan, pid, ours)
    except OSError as error:
        tell(error)
        os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)
        return ENTER_FAILED
    status = exit_status(os.waitpid(pid, 0)[1])
    if groups.was_out_of_memory():
        write(f"{os.path.dirname(file)}/{LIMIT}", "memory")
    groups.remove()
    return status


def load(plan: dict[str, Any]) -> None:
    """Import what this entry will need; in the root we cannot read it any more."""
    import warnings  # noqa: F401 - os.execvpe imports it to search in PATH

    if plan["copies"] or os.path.exists(f"{plan['work']}/work"):
        import shutil  # noqa: F401 - it is slow to load
    if plan["removes"]:
        import rdo.tools.children.remove_tree  # noqa: F401


def read(path: StrPath) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path: StrPath, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def touch(path: str) -> None:
    open(path, "ab").close()


class ControlGroups:
    """A control group for one entry, in each hierarchy that lets us make one (cgroups(7)).

    Both versions of the interface are supported. If none can be made, nothing is limited, and `rdo
    doctor` reports that.
    """

    def __init__(self, memory_bytes: int | None, processes: int) -> None:
        self._memory, self._processes = memory_bytes, processes
        self._made: list[str] = []

    def hold(self, pid: int) -> None:
        """Put a process, and everything it will start, into groups with our limits."""
        for folder in own_groups():
            self._remove_left(folder)
            group = f"{folder}/{GROUP}{os.getpid()}"
            with Suppress(OSError):
                os.mkdir(group)
                self._made.append(group)
                self._limit(group)
                write(f"{group}/cgroup.procs", str(pid))

    def _limit(self, group: str) -> None:
        rows = {"pids.max": self._processes}
        if self._memory:
            rows |= {"memory.max": self._memory, "memory.limit_in_bytes": self._memory}
            rows |= {"memory.swap.max": 0, "memory.memsw.limit_in_bytes": self._memory}
        for name, value in rows.items():
            if os.path.exists(f"{group}/{name}"):
                with Suppress(OSError):  # swap is not counted everywhere
                    write(f"{group}/{name}", str(value))

    def was_out_of_memory(self) -> bool:
        """Whether the kernel killed something in the group for lack of memory."""
        for group in self._made:
            for name in ("memory.events", "memory.oom_control"):
                if os.path.exists(f"{group}/{name}"):
                    words = read(f"{group}/{name}").split()
                    if "oom_kill" in words and words[words.index("oom_kill") + 1] != "0":
                        return True
        return False

    def remove(self) -> None:
        """Remove our groups; every process in them has ended, or ends now."""
        for group in self._made:
            remove_group(group)

    def _remove_left(self, folder: str) -> None:
        """Remove groups that a killed process has left."""
        for name in os.listdir(folder):
            pid = name.removeprefix(GROUP)
            if pid != name and pid.isdecimal() and not os.path.exists(f"/proc/{pid}"):
                remove_group(f"{folder}/{name}")


def own_groups() -> list[str]:
    """Return the folders of our own control groups in which limits can be set."""
    found = []
    for line in read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for top in group_tops(controllers):
            folder = f"{top}/{path.lstrip('/')}"
            if controllers:
                useful = bool({"memory", "pids"} & set(controllers.split(",")))
            else:
                useful = enable_controllers(folder)
            if useful and os.access(folder, os.W_OK):
                found.append(folder)
    return found


def group_tops(controllers: str) -> list[str]:
    """Return where a hierarchy may be mounted: version 1 by its controllers, or version 2."""
    top = "/sys/fs/cgroup"
    places = [f"{top}/{controllers}"] if controllers else [top, f"{top}/unified"]
    mark = "tasks" if controllers else "cgroup.controllers"
    return [place for place in places if os.path.exists(f"{place}/{mark}")]


def enable_controllers(folder: StrPath) -> bool:
    """Enable the controllers for the groups in a folder of version 2; whether any is enabled."""
    switch = f"{folder}/cgroup.subtree_control"
    with Suppress(OSError):  # a group with processes of its own cannot, except the topmost one
        write(switch, "+memory +pids")
    with Suppress(OSError):
        return bool({"memory", "pids"} & set(read(switch).split()))
    return False


def remove_group(group: str) -> None:
    for _ in range(50):
        with Suppress(OSError):
            os.rmdir(group)
        if not os.path.exists(group):
            return
        time.sleep(0.02)  # the last process is being reaped


def serve(plan: dict[str, Any], pid: int, channel: _socket.socket) -> None:
    """Give the setup process its ids, and what only we may open."""
    if not channel.recv(1):
        return  # it has reported the reason and ended
    write_maps(plan, pid)
    trees: list[int] = []
    if plan["is_root"]:
        userns = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
        for path, writable in sources(plan):
            belongs_to_host = os.lstat(path).st_uid < plan["uids"][0][1]
            idmap = userns if belongs_to_host else None
            trees.append(clone_tree(path, writable=writable, userns=idmap))
    for start in range(0, len(trees), FDS_PER_MESSAGE):
        batch = trees[start : start + FDS_PER_MESSAGE]
        send_descriptors(channel, batch)
        channel.recv(1)
    channel.send(b"e")


def sources(plan: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return what is mounted: layers, then binds; each a path and whether it is writable."""
    rows = [(path, False) for path in plan["layers"]]
    return rows + [(row["source"], row["writable"]) for row in plan["binds"]]


def write_maps(plan: dict[str, Any], pid: int) -> None:
    """Map the ids of a process in a new user namespace; raises OSError if that is refused."""
    for kind in ("uid", "gid"):
        rows = plan[f"{kind}s"]
        if plan["is_root"] or len(rows) == 1:
            if not plan["is_root"] and kind == "gid":
                write(f"/proc/{pid}/setgroups", "deny")
            text = "".join(f"{inside} {outside} {count}\n" for inside, outside, count in rows)
            write(f"/proc/{pid}/{kind}_map", text)
        else:
            words = [str(number) for row in rows for number in row]
            program = f"new{kind}map"
            status = os.spawnvp(os.P_WAIT, program, [program, str(pid), *words])
            if status:
                raise OSError(f"{program} ended with {status}")


def exit_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def tell(error: object) -> None:
    print(f"enter-root: {error}", file=sys.stderr, flush=True)  # noqa: T201 - our only voice


def guarded(act: Any) -> int:
    """Return the result of a child process; an exception is reported as a failure to enter."""
    try:
        return int(act())
    except OSError as error:
        tell(error)
        return ENTER_FAILED


# --- the setup process ------------------------------------------------------------------------


def setup(plan: dict[str, Any], channel: _socket.socket) -> int:
    """Make the namespaces and mounts of a root, start its first process, and wait for it.

    The parent, which has the privileges, answers on `channel`.
    """
    end_with_parent()
    os.chdir(plan["work"])
    unshare(*(name for name in CLONE_NEW if name != "net" or not plan["has_network"]))
    channel.send(b"u")
    trees = receive(channel)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if len(plan["gids"]) > 1 or plan["is_root"]:
        os.setgroups([])
    end_with_parent()
    if plan["removes"]:
        remove(plan["removes"])
        return 0
    keep_mounts_private()
    if not plan["is_root"]:
        trees = [clone_tree(path, writable=w, userns=None) for path, w in sources(plan)]
    first = os.fork()
    if first == 0:
        os._exit(guarded(lambda: process_one(plan, trees)))
    for tree in trees:
        os.close(tree)
    return watch(plan, first)


def remove(name: str) -> None:
    """Remove a folder beside us as root of the namespace, who owns all its files."""
    from rdo.tools.children.remove_tree import remove_tree

    parent = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    remove_tree(parent, name)


def send_descriptors(channel: _socket.socket, descriptors: list[int]) -> None:
    """Pass open files to the process at the other end, which calls `receive` (unix(7))."""
    rights = (ctypes.c_int * len(descriptors))(*descriptors)
    channel.sendmsg([b"t"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])


def receive(channel: _socket.socket) -> list[int]:
    """Return the open files that the process at the other end passes, until it says `e`."""
    trees: list[int] = []
    room = _socket.CMSG_LEN(FDS_PER_MESSAGE * ctypes.sizeof(ctypes.c_int))
    while True:
        word, messages, _, _ = channel.recvmsg(1, room)
        if word != b"t":
            return trees
        for _, _, rights in messages:
            trees += memoryview(rights).cast("i")
        channel.send(b"r")


def watch(plan: dict[str, Any], first: int) -> int:
    """Wait for process 1; end it if it uses more disk space than allowed."""
    limit = plan["disk_bytes"]
    if not limit:
        return exit_status(os.waitpid(first, 0)[1])
    due, step = time.monotonic() + 2.0, 0.01
    while True:
        pid, status = os.waitpid(first, os.WNOHANG)
        if pid:
            return exit_status(status)
        time.sleep(step)
        step = min(step * 1.5, 0.1)
        if time.monotonic() > due:
            started = time.monotonic()
            used = disk_use("upper")
            if used > limit:
                with Suppress(OSError):
                    write(LIMIT, "disk")  # the root is entered, so no path leads here
                os.kill(first, SIGKILL)
            took = time.monotonic() - started
            due = started + took + max(2.0, 20 * took)


def disk_use(folder: str) -> int:
    """Return the size of all files in a folder, including open files that were deleted."""
    blocks: dict[tuple[int, int], int] = {}
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with Suppress(OSError):
        for _, folders, files, parent in os.fwalk(".", dir_fd=here, follow_symlinks=False):
            for name in (*folders, *files):
                with Suppress(OSError):
                    one = os.stat(name, dir_fd=parent, follow_symlinks=False)
                    blocks[one.st_dev, one.st_ino] = one.st_blocks
    os.close(here)
    for process in os.listdir("/proc"):
        if not process.isdecimal():
            continue
        with Suppress(OSError):
            for entry in os.scandir(f"/proc/{process}/fd"):
                one = entry.stat()
                if stat.S_ISREG(one.st_mode) and one.st_nlink == 0:
                    blocks[one.st_dev, one.st_ino] = one.st_blocks
    return sum(blocks.values()) * 512


# --- process 1 --------------------------------------------------------------------------------


def process_one(plan: dict[str, Any], trees: list[int]) -> int:
    """Mount and enter the root, run the program, and return its exit status, as process 1."""
    end_with_parent()
    forget_arguments()
    join_new_keyring()
    layers = len(plan["layers"])
    if layers:
        mount_layers(trees[:layers])
    else:
        mount_empty()
    for folder in ("proc", "dev", "sys", "tmp"):
        os.makedirs(f"merged/{folder}", exist_ok=True)
    mount("proc", "merged/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2")
    make_devices("merged/dev")
    for tree, row in zip(trees[layers:], plan["binds"], strict=True):
        bind(tree, row["is_folder"], within_merged(row["target"]))
    for source, target in plan["inner_binds"]:
        os.makedirs(f"merged{target}", exist_ok=True)
        whole = OPEN_TREE_CLONE | AT_RECURSIVE  # each device in /dev is a mount of its own
        tree = libc.syscall(OPEN_TREE, AT_FDCWD, f"merged{source}".encode(), whole)
        attach(check(tree, f"open {source}"), f"merged{target}")
    for target, name in plan["links"]:
        place = within_merged(name)
        if not os.path.islink(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(target, place)
    for name in plan["folders"]:
        folder = within_merged(name)
        if not os.path.isdir(folder):
            os.mkdir(folder)
        os.chown(folder, plan["uid"], plan["uid"])
    if not plan["has_network"]:
        raise_loopback()
    _socket.sethostname("localhost")
    write("merged/proc/sys/user/max_user_namespaces", "0")
    enter("merged")
    close_proc()
    child = os.fork()
    if child:
        return wait_for(child)
    try:
        limit_processes(plan)
        drop_privileges(plan)
        for source, target in plan["copies"]:
            import shutil

            shutil.copytree(source, target, dirs_exist_ok=True)
        os.chdir(plan["cwd"])
        os.execvpe(plan["argv"][0], plan["argv"], plan["env"])
    except OSError as error:
        tell(f"{plan['argv'][0]}: {error}")
    os._exit(NOT_FOUND)


def within_merged(path: str) -> str:
    return f"merged/{path.lstrip('/')}"


def forget_arguments() -> None:
    """Wipe our command line and environment, which programs inside could read as process 1's."""
    fields = read("/proc/self/stat").rpartition(")")[2].split()
    for start, end in ((45, 46), (47, 48)):  # arg_start, arg_end, env_start, env_end
        first, last = int(fields[start]), int(fields[end])
        if first and last > first:
            ctypes.memset(first, 0, last - first)


def mount_layers(trees: list[int]) -> None:
    """Mount the overlay of all layers, topmost first, on `merged`; changes go to `upper`.

    The option string is limited to one page, so the layers get short names in a folder of their
    own.
    """
    mount("none", "layers", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for number, tree in enumerate(trees):
        place = f"layers/{number:x}"
        os.mkdir(place)
        attach(tree, place)
    if os.path.exists("work"):  # a volatile overlay refuses an old one
        import shutil

        shutil.rmtree("work", ignore_errors=True)
    os.mkdir("work")
    os.chdir("layers")
    lower = ":".join(f"{number:x}" for number in range(len(trees)))
    options = f"lowerdir={lower},upperdir=../upper,workdir=../work,volatile,userxattr"
    mount("overlay", "../merged", "overlay", MS_NOSUID | MS_NODEV, options)
    os.chdir("..")


def mount_empty() -> None:
    mount("none", "merged", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=512m")
    os.mkdir("merged/tmp")
    os.chmod("merged/tmp", 0o1777)


def bind(tree: int, is_folder: bool, target: str) -> None:
    if is_folder:
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):  # an existing file may belong to a read-only bind
        os.makedirs(os.path.dirname(target), exist_ok=True)
        touch(target)
    attach(tree, target)


def make_devices(dev: str) -> None:
    """Make a small /dev with the host's devices, because nobody can make devices in here."""
    mount("none", dev, "tmpfs", MS_NOSUID, "mode=755,size=512m")
    for name in DEVICES:
        touch(f"{dev}/{name}")
        attach(open_tree(f"/dev/{name}"), f"{dev}/{name}")
    for name, target in LINKS.items():
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(f"{dev}/shm")
    os.chmod(f"{dev}/shm", 0o1777)
    os.mkdir(f"{dev}/pts")
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666")
    os.symlink("pts/ptmx", f"{dev}/ptmx")


def raise_loopback() -> None:
    """Enable lo, which is down in a new network namespace; programs and tests expect 127.0.0.1."""
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    request = b"lo".ljust(16, b"\0") + (1).to_bytes(2, sys.byteorder) + bytes(14)  # IFF_UP
    fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
    any_socket.close()


def close_proc() -> None:
    """Make /proc files about the whole machine read-only, and hide most of them."""
    for name in READ_ONLY:
        if os.path.exists(f"/proc/{name}"):
            attach(clone_tree(f"/proc/{name}", writable=False, userns=None), f"/proc/{name}")
    for name in HIDDEN:
        if os.path.exists(f"/proc/{name}"):
            attach(open_tree("/dev/null"), f"/proc/{name}")


def limit_processes(plan: dict[str, Any]) -> None:
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]  # tests may ask for core files, as in mock
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    soft = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    if plan["uid"]:
        limit(resource.RLIMIT_NPROC, plan["processes"])


def drop_privileges(plan: dict[str, Any]) -> None:
    drop_capabilities(frozenset(plan["capabilities"]))
    os.setresgid(plan["uid"], plan["uid"], plan["uid"])
    os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    refuse_calls(bytes.fromhex(plan["filter"]))


def wait_for(child: int) -> int:
    """As process 1 of the namespace, reap everything until `child` ends."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return exit_status(status)
