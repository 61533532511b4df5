"""What a lab can leave behind on a machine."""

from pathlib import Path

from rdo.lab.labs import control_group

NAMES = ("try", "one", "two", "warm")
"""The labs of these tests; other labs may run on the machine at the same time."""


def left_of_labs(folder: Path) -> list[str]:
    """Processes, mounts and control groups of labs below a folder, and the folders themselves."""
    labs = folder / "data/labs"
    found = [f"folder {path.name}" for path in labs.glob("*/")]
    found += [f"mount {line}" for line in mounts() if str(labs) in line]
    for plan in Path("/proc").glob("[0-9]*/cmdline"):
        words = read(plan).replace("\0", " ")
        if str(labs) in words and "keep_lab" in words:
            found.append(f"process {words}")
    top = Path("/sys/fs/cgroup")
    names = {control_group(labs / name) for name in NAMES}
    groups = (*top.glob("rdo-lab-*"), *top.glob("*/rdo-lab-*"))
    return found + [f"group {group}" for group in groups if group.name in names]


def mounts() -> list[str]:
    return Path("/proc/mounts").read_text().splitlines()


def read(file: Path) -> str:
    """Return the content of a file of the kernel; nothing if its process has just ended."""
    try:
        return file.read_text()
    except OSError:
        return ""
