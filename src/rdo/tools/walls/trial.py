"""Find out which walls around a build work on this machine; each is tried, none is assumed."""

import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rdo.errors import CommandError
from rdo.log_tail import last_line
from rdo.run import run
from rdo.tools.children import enter_root
from rdo.tools.machine_check import MachineCheck
from rdo.tools.walls.entry import Bind, Entry
from rdo.tools.walls.id_range import id_range
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.system_view import system_binds, system_links

_LOOK = """
echo "seccomp $(grep -c '^Seccomp:.2' /proc/self/status)"
echo "users $(unshare --user true 2>/dev/null; echo $?)"
"""


def walls_in(folder: Path) -> list[MachineCheck]:
    """Try to enter a root whose layers are in `folder`, and check what protects the machine there.

    `folder` is where base layers are kept, because its file system matters.
    """
    entered = _enter(folder)
    if isinstance(entered, str):
        why = f"build roots need them: {entered}"
        return [MachineCheck("namespaces", False, True, why)]
    rows = dict(line.split(" ", 1) for line in entered)
    return [
        MachineCheck("namespaces", True, True, f"with an overlay in {folder.parent}"),
        MachineCheck(
            "system call filter", rows.get("seccomp") == "1", False, "seccomp of the kernel"
        ),
        MachineCheck(
            "no nested users", rows.get("users", "0") != "0", False, "user.max_user_namespaces"
        ),
        *_limits(),
    ]


def check_roots(place: Path) -> None:
    """Raise CommandError if this machine does not allow build roots whose layers are in `place`.

    Raises RefusedError if this user has too few ids for them. The result is remembered by the
    process.
    """
    place.mkdir(parents=True, exist_ok=True)
    if place in _ALLOWED:
        return
    with tempfile.TemporaryDirectory(dir=place, prefix=".rdo-try-") as folder:
        entered = _enter(Path(folder))
        remove_tree(Path(folder) / "root")
    if isinstance(entered, str):
        raise CommandError(
            f"this machine does not allow build roots ({entered})",
            hint="run as root outside a container, or give the container rights for namespaces "
            "(docker run --privileged); rdo doctor shows more",
        )
    _ALLOWED.add(place)


_ALLOWED: set[Path] = set()


def _enter(folder: Path) -> list[str] | str:
    """Run a trial program in a root with one layer; return its lines, or why that failed."""
    layer = folder / "layer"
    layer.mkdir()
    (layer / "file").touch()
    entry = Entry(
        ids=id_range(),
        work=folder / "root",
        uid=0,
        layers=(layer,),
        binds=_system(layer),
        links=system_links(),
        environment={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin"},
    )
    try:
        return run(*entry.command(["sh", "-c", _LOOK]), timeout=60).stdout.splitlines()
    except CommandError as error:
        return last_line(str(error))
    except OSError as error:  # such as ids that this user may not give away
        return error.strerror or str(error)


def _system(layer: Path) -> tuple[Bind, ...]:
    """Return the machine's programs, shown in folders that the layer has for them."""
    binds = system_binds()
    for one in binds:
        place = layer / one.target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if one.source.is_dir() else place.touch()
    return binds


def _limits() -> Iterator[MachineCheck]:
    """Whether control groups can limit the memory of a build."""
    groups = enter_root.own_groups()
    memory = any("memory" in group or _counts_memory(Path(group)) for group in groups)
    detail = "control groups" if memory else "no control group that we may divide"
    yield MachineCheck("memory limit", memory, False, f"{detail} ({platform.release()})")


def _counts_memory(group: Path) -> bool:
    file = group / "cgroup.subtree_control"
    return file.is_file() and "memory" in file.read_text().split()
