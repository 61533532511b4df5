"""Make the namespaces of a lab, boot its hosts in them, and keep them (a program of its own).

Started by `rdo.tools.hosts.lab_keeper` with one argument: the file with the plan, as JSON. Three
processes do it:

- the *outer* one, outside: it writes the id maps, opens what only the machine's root may, makes
  the control group, and ends when the lab keeps itself;
- the *setup*, in new user, mount, pid, ipc, uts, network and cgroup namespaces;
- the *keeper*, process 1 of the pid namespace: it makes bridge, addresses, overlays and web
  server, starts systemd-nspawn for each host, and stays.

Until `keeper.json` is written, each process ends with the one before it, however that one ends.
Afterwards the keeper alone counts: when it is killed, the kernel ends every process of the lab,
and with them go its mounts, its networks and its namespaces.
"""

import fcntl
import http.server
import json
import os
import signal
import socket
import socketserver
import stat
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from rdo.tools.children import enter_root
from rdo.tools.children.enter_root import attach, clone_tree
from rdo.tools.children.hosts.lab_files import LabFiles
from rdo.tools.children.kernel import (
    CLONE_NEW,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    check,
    end_with_parent,
    enter,
    keep_mounts_private,
    libc,
    mount,
    outlive_parent,
    unshare,
)
from rdo.tools.detached import identity

MS_BIND, MS_REC = 0x1000, 0x4000
READY = b"r"
REBOOT = 133
"""The exit status of systemd-nspawn if the host reboots and its caller must start it again."""
PID_DIGITS = 10
_PROGRAMS = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"}
_NSPAWN = {
    **_PROGRAMS,
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",  # makes sysctl work in the host's own network
}
_DEVICES = {"net/tun": (10, 200)}
"""Devices that hosts have besides those of every root, with their numbers: Linux's devices.txt."""

_OF_THE_MACHINE = ("CAP_SYS_TIME", "CAP_SYS_RAWIO", "CAP_SYS_MODULE")
"""Capabilities without meaning in a user namespace; units that require them are left out."""

# --- the outer process ------------------------------------------------------------------------


def main() -> int:
    """Start the lab described in the file argv[1], and stay until it ends."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    end_with_parent()
    hold(plan["held"])
    groups = make_groups(plan)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        os._exit(enter_root.guarded(lambda: setup(plan, theirs)))
    theirs.close()
    try:
        for group in groups:
            (group / "cgroup.procs").write_text(str(pid))
        ours.send(b"g")
        give(plan, pid, ours)
        return finish(plan, ours)
    except OSError as error:
        enter_root.tell(error)
        os.kill(pid, signal.SIGKILL)
        return enter_root.ENTER_FAILED


def hold(file: str) -> None:
    """Hold a shared lock on a file as long as the lab exists: the keeper inherits it."""
    fcntl.flock(os.open(file, os.O_RDONLY | os.O_CREAT, 0o644), fcntl.LOCK_SH)


def make_groups(plan: dict[str, Any]) -> list[Path]:
    """Make the lab's control group in each existing hierarchy, with the lab's limits.

    The one of version 2 belongs to root inside; each host's systemd makes its own groups below it.
    """
    groups = []
    for top in group_tops():
        is_second = (top / "cgroup.controllers").exists()
        if is_second:
            enter_root.enable_controllers(top)
        group = top / str(plan["group"])
        group.mkdir(exist_ok=True)
        limit(group, plan["memory"], plan["processes"])
        for name in ("", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"):
            if is_second:
                os.chown(group / name, *plan["root"])
        groups.append(group)
    return groups


def group_tops() -> list[Path]:
    """Return where control groups may be made: version 2, and memory and pids of version 1."""
    top = Path("/sys/fs/cgroup")
    second = [one for one in (top / "unified", top) if (one / "cgroup.controllers").exists()]
    first = [one for one in (top / "memory", top / "pids") if (one / "tasks").exists()]
    return second[:1] + first


def limit(group: Path, memory_bytes: int, processes: int) -> None:
    """Limit what a group may use, as far as its hierarchy counts it."""
    rows = {
        "memory.max": memory_bytes,
        "memory.swap.max": 0,
        "memory.limit_in_bytes": memory_bytes,
        "memory.memsw.limit_in_bytes": memory_bytes,
        "pids.max": processes,
    }
    for name, value in rows.items():
        if (group / name).exists():
            with suppress(OSError):  # swap is not counted everywhere
                (group / name).write_text(str(value))


def give(plan: dict[str, Any], pid: int, channel: socket.socket) -> None:
    """Give the setup process its ids and the folders that it mounts; OSError if it has ended."""
    if not channel.recv(1):
        raise OSError("the namespaces of a lab cannot be made")
    enter_root.write_maps(plan, pid)
    of_machine, of_images = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY), image_namespace(plan)
    first, _, count = plan["images"][0]
    trees = []
    for path, is_writable in folders(plan):
        owner = os.lstat(path).st_uid
        userns = of_machine if owner < first else of_images if owner < first + count else None
        trees.append(clone_tree(path, writable=is_writable, userns=userns))
    trees += [make_device(plan, name) for name in devices()]
    enter_root.send_descriptors(channel, trees)
    channel.recv(1)
    channel.send(b"e")


def image_namespace(plan: dict[str, Any]) -> int:
    """Return a user namespace that maps the ids of roots, which own the images, to the lab's."""
    ready, go_on = os.pipe()
    pid = os.fork()
    if pid == 0:
        end_with_parent()
        unshare("user")
        os.write(go_on, READY)
        signal.pause()
    os.close(go_on)
    os.read(ready, 1)
    os.close(ready)
    try:
        rows = plan["images"]
        enter_root.write_maps({"is_root": True, "uids": rows, "gids": rows}, pid)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def devices() -> list[str]:
    """Return which of our devices this machine has."""
    return [name for name in _DEVICES if Path("/dev", name).exists()]


def make_device(plan: dict[str, Any], name: str) -> int:
    """Make a device node that everybody in the lab may open; the machine's own is for root only."""
    node = Path(plan["keeper"]).with_name(f"device-{name.rpartition('/')[2]}")
    node.unlink(missing_ok=True)
    os.mknod(node, stat.S_IFCHR, os.makedev(*_DEVICES[name]))
    node.chmod(0o666)
    return enter_root.open_tree(str(node))


def folders(plan: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return the folders of the machine that are visible in the lab, and which are writable."""
    rows = [(path, False) for path in plan["layers"]]
    for host in plan["hosts"]:
        rows += [(host["settings"], False), (host["changes"], True)]
    return [*rows, (plan["logs"], True), *((one["folder"], False) for one in plan["served"])]


def finish(plan: dict[str, Any], channel: socket.socket) -> int:
    """Wait until the hosts boot; record the keeper's process, and let it continue alone."""
    keeper = int(channel.recv(PID_DIGITS) or b"0")
    channel.send(b"k")
    if channel.recv(1) != READY:
        return enter_root.ENTER_FAILED  # it has reported the reason
    file = Path(plan["keeper"])
    new = file.with_suffix(".new")
    new.write_text(json.dumps(identity(keeper)))
    new.replace(file)
    channel.send(b"a")
    channel.recv(1)
    return 0


# --- the setup process ------------------------------------------------------------------------


def setup(plan: dict[str, Any], channel: socket.socket) -> int:
    """Make the namespaces and the network of a lab, and start its hosts."""
    end_with_parent()
    os.setsid()
    if channel.recv(1) != b"g":
        return 0
    unshare(*CLONE_NEW)
    channel.send(b"u")
    trees = enter_root.receive(channel)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.setgroups([])
    end_with_parent()
    keep_mounts_private()
    keeper = os.fork()
    if keeper == 0:
        os._exit(enter_root.guarded(lambda: keep(plan, trees, channel)))
    channel.send(b"%*d" % (PID_DIGITS, keeper))
    channel.close()
    return enter_root.exit_status(os.waitpid(keeper, 0)[1])


# --- the keeper -------------------------------------------------------------------------------


def keep(plan: dict[str, Any], trees: list[int], channel: socket.socket) -> int:
    """Make the lab as process 1 of its namespaces, and wait for its processes."""
    end_with_parent()
    channel.recv(1)
    make_view(plan, trees)
    enter_root.raise_loopback()
    socket.sethostname(plan["name"])
    make_network(plan)
    serve(plan)
    for host in plan["hosts"]:
        mount_host(host["name"])
    hosts = {boot(host["name"]): host["name"] for host in plan["hosts"]}
    channel.send(READY)
    if not channel.recv(1):
        return 0  # the outer process was killed
    outlive_parent()
    print_to("/lab/logs/keeper.log")
    channel.send(b"d")
    channel.close()
    while True:  # the web server never ends by itself
        pid, status = os.wait()
        name = hosts.pop(pid, "")
        if name and os.waitstatus_to_exitcode(status) == REBOOT:
            hosts[boot(name)] = name


def make_view(plan: dict[str, Any], trees: list[int]) -> None:
    """Make a small root in memory with only the machine's programs and the lab's folders."""
    view = "/tmp"
    mount("none", view, "tmpfs", MS_NODEV, "mode=755,size=64m")
    for name in ("proc", "sys", "dev", "tmp", "run", "etc", "var", "usr", "hosts", "lab", "srv"):
        Path(view, name).mkdir()
    mount("proc", f"{view}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("sysfs", f"{view}/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("cgroup2", f"{view}/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    names = devices()
    make_devices(f"{view}/dev", names, trees[len(trees) - len(names) :])
    done = libc.mount(b"/usr", f"{view}/usr".encode(), None, MS_BIND | MS_REC, None)
    check(done, "show /usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if Path("/", name).is_symlink():
            Path(view, name).symlink_to(Path("/", name).readlink())
    for tree, place in zip(trees[: len(trees) - len(names)], places(plan), strict=True):
        Path(f"{view}{place}").mkdir(parents=True, exist_ok=True)
        attach(tree, f"{view}{place}")
    enter(view)


def make_devices(dev: str, names: list[str], trees: list[int]) -> None:
    enter_root.make_devices(dev)
    for tree, name in zip(trees, names, strict=True):
        place = Path(dev, name)
        place.parent.mkdir(exist_ok=True)
        place.touch()
        attach(tree, str(place))


def places(plan: dict[str, Any]) -> list[str]:
    """Return where the folders appear in the lab, in the order of `folders`."""
    rows = [f"/lab/layers/{number}" for number in range(len(plan["layers"]))]
    for host in plan["hosts"]:
        rows += [f"/lab/{host['name']}/{part}" for part in ("settings", "changes")]
    return [*rows, "/lab/logs", *(f"/srv/{one['path']}" for one in plan["served"])]


def make_network(plan: dict[str, Any]) -> None:
    """Make the bridge, and for each host a network of its own with one cable to it."""
    ip("link", "add", "lab0", "type", "bridge")
    ip("address", "add", f"{plan['gateway']}/{plan['prefix']}", "dev", "lab0")
    ip("link", "set", "lab0", "up")
    for number, host in enumerate(plan["hosts"]):
        name, cable = host["name"], f"cable{number}"
        ip("netns", "add", name)
        ip(
            *("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name),
            *("address", host["mac"]),
        )
        ip("link", "set", cable, "master", "lab0", "up")
        address = f"{host['address']}/{plan['prefix']}"
        ip("address", "add", address, "dev", "eth0", network=name)
        ip("link", "set", "lo", "up", network=name)
        ip("link", "set", "eth0", "up", network=name)
        ip("route", "add", "default", "via", plan["gateway"], network=name)


def ip(*words: str, network: str = "") -> None:
    """Run ip here or in a network of a host; `ip -n` would have to mount a /sys, which fails."""
    program(*(["nsenter", f"--net=/run/netns/{network}"] if network else []), "ip", *words)


def program(*words: str) -> None:
    """Run a program to its end; raises OSError if it fails, after printing the reason."""
    status = os.spawnvpe(os.P_WAIT, words[0], list(words), _PROGRAMS)
    if status:
        raise OSError(f"{' '.join(words)} ended with {status}")


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The web server of the lab; its files are read-only, and nobody outside can reach it."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking a name server for our name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


def serve(plan: dict[str, Any]) -> None:
    """Start the web server in a process of its own, as a user that owns nothing."""
    handler = partial(LabFiles, directory="/srv")
    server = _Server((plan["gateway"], plan["port"]), handler)
    if os.fork() == 0:
        end_with_parent()
        print_to("/lab/logs/web.log")
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        end_with_parent()
        server.serve_forever()
        os._exit(0)
    server.socket.close()


def print_to(file: str) -> None:
    """Redirect standard output and errors to a file, and make standard input empty."""
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open("/dev/null", os.O_RDONLY)
    for number, one in enumerate((null, log, log)):
        os.dup2(one, number)
    os.close(log)
    os.close(null)


def mount_host(name: str) -> None:
    """Mount the files of a host: its changes over our settings over the image."""
    folder, root = f"/lab/{name}", f"/hosts/{name}"
    Path(root).mkdir()
    for part in ("changes/files", "changes/work"):
        Path(folder, part).mkdir(exist_ok=True)
    layers = ":".join(str(one) for one in sorted(Path("/lab/layers").iterdir()))
    options = f"lowerdir={folder}/settings:{layers},upperdir={folder}/changes/files"
    mount("overlay", root, "overlay", 0, f"{options},workdir={folder}/changes/work,userxattr")


def boot(name: str) -> int:
    """Start a host's systemd, and return the process that ends with it."""
    pid = os.fork()
    if pid == 0:
        become_host(name)
    return pid


def become_host(name: str) -> NoReturn:
    """Make this process the systemd-nspawn of a host, in a control group of the host's own.

    systemd-nspawn makes the group of the booted system below its own group, under a fixed name. Two
    hosts started in the same group would share it, and each systemd would clean up the other's.
    """
    end_with_parent()
    print_to(f"/lab/logs/{name}.log")
    group = Path("/sys/fs/cgroup", name)
    group.mkdir(exist_ok=True)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    words = (
        *("systemd-nspawn", "--register=no", "--keep-unit", "--settings=no", "--quiet"),
        *(f"--directory=/hosts/{name}", f"--machine={name}", f"--hostname={name}"),
        *(f"--network-namespace-path=/run/netns/{name}", "--capability=all"),
        f"--drop-capability={','.join(_OF_THE_MACHINE)}",
        *("--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--boot"),
    )
    os.execvpe(words[0], words, _NSPAWN)


if __name__ == "__main__":
    sys.exit(main())
