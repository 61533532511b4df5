"""Describe the host that runs this as a line of JSON, without changing anything.

The host's Python gets the text on its standard input, so it imports nothing of rdo. What cannot be
found out is left empty: `rdo.deploy.host_check` decides what that means. Old Pythons run it too, so
it uses only plain functions on paths.
"""

import glob
import json
import os
import re
import shutil
import time


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read(1_000_000)
    except OSError:
        return ""


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', _read("/etc/os-release"), re.MULTILINE)
    return found.group(1) if found else ""


def _memory_mb() -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) // 1024 if found else 0


def _sockets() -> "dict[str, int]":
    """Return the TCP ports with a listener, by the number of the socket."""
    found = {}
    for name in ("tcp", "tcp6"):
        for line in _read("/proc/net/" + name).splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                found[words[9]] = int(words[1].rpartition(":")[2], 16)
    return found


def _listening() -> "dict[str, str]":
    """Return the program that listens on each TCP port; empty if it is hidden from us."""
    sockets = _sockets()
    ports = {str(port): "" for port in sockets.values()}
    for link in glob.glob("/proc/[0-9]*/fd/*") if sockets else ():  # noqa: PTH207
        try:
            target = os.readlink(link)  # noqa: PTH115
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in sockets:
            name = _read("/proc/" + link.split("/")[2] + "/comm").strip()
            ports[str(sockets[target[8:-1]])] = name
    return ports


def _repositories() -> "list[str]":
    texts = (_read(path) for path in glob.glob("/etc/yum.repos.d/*.repo"))  # noqa: PTH207
    return sorted(set(re.findall(r"^\[([^\]\n]+)\]", "\n".join(texts), re.MULTILINE)))


def _describe() -> "dict[str, object]":
    return {
        "system": _system(),
        "is_root": os.geteuid() == 0,
        "programs": [name for name in ("dnf", "rpm", "systemctl") if shutil.which(name)],
        "has_systemd": os.path.isdir("/run/systemd/system"),  # noqa: PTH112
        "memory_mb": _memory_mb(),
        "disk_mb": shutil.disk_usage("/var").free // 1_000_000,
        "ports": _listening(),
        "repositories": _repositories(),
        "name": os.uname().nodename,
        "time": time.time(),
    }


if __name__ == "__main__":
    print(json.dumps(_describe()))  # noqa: T201
