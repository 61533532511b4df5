"""Read RPM files that strangers made (a program of its own, behind walls).

Only here do createrepo_c and rpm parse them: if a file attacks these, it only reaches a process
without privileges, files and network. The arguments are the descriptors of the files and their
names, alternately. The answer on stdout is a line of JSON for each file, in order. A file is
started only after the line of the previous one was written, so that a crash shows which file caused
it.
"""

import json
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, os.environ.get("CREATEREPO", sys.path[0]))
import createrepo_c

CHANGELOG_ENTRIES = 10  # createrepo_c's default
MAX_FILES, MAX_DEPENDENCIES = 500_000, 100_000
SPECIAL = stat.S_ISUID | stat.S_ISGID
FLAGS = {"EQ": "=", "LT": "<", "GT": ">", "LE": "<=", "GE": ">="}
QUERY = r"%{FILENAMES:arraysize}\n[%{FILEMODES} %{FILECAPS} %{FILENAMES}\n]"


def main() -> int:
    """Print one line of JSON for each RPM in argv, given as descriptor and name."""
    answer = os.fdopen(os.dup(1), "w")
    quiet = os.open("/dev/null", os.O_WRONLY)
    os.dup2(quiet, 1)  # libraries print warnings on both
    os.dup2(quiet, 2)
    words = sys.argv[1:]
    for descriptor, name in zip(words[::2], words[1::2], strict=True):
        try:
            row = read(readable(int(descriptor)), name)
        except (createrepo_c.CreaterepoCError, OSError, ValueError, MemoryError) as error:
            row = {"refused": str(error) or type(error).__name__}
        answer.write(json.dumps(row) + "\n")
        answer.flush()
    return 0


def readable(descriptor: int) -> str:
    """Return the path of an open file; of a copy in memory if only its owner may open it."""
    path = f"/proc/self/fd/{descriptor}"
    if os.access(path, os.R_OK):
        return path
    copy = os.memfd_create("rpm", 0)  # rpm inherits it
    while os.sendfile(copy, descriptor, None, 1 << 24):
        pass
    return f"/proc/self/fd/{copy}"


def read(path: str, name: str) -> dict[str, Any]:
    """Return the facts about one RPM; ValueError if it has more of something than is plausible."""
    package = createrepo_c.package_from_rpm(
        path,
        checksum_type=createrepo_c.SHA256,
        location_href=name,
        changelog_limit=CHANGELOG_ENTRIES,
    )
    package.time_file = package.time_build  # so that the same build always gives the same bytes
    if len(package.files) > MAX_FILES:
        raise ValueError(f"it has more than {MAX_FILES} files")
    if max(map(len, (package.provides, package.requires, package.obsoletes))) > MAX_DEPENDENCIES:
        raise ValueError(f"it has more than {MAX_DEPENDENCIES} dependencies")
    return {
        "name": package.name,
        "epoch": int(package.epoch or 0),
        "version": package.version,
        "release": package.release,
        "arch": package.arch,
        "sha256": package.pkgId,
        "size": package.size_package,
        "source_rpm": package.rpm_sourcerpm or "",
        "provides": [row[createrepo_c.PCOR_ENTRY_NAME] for row in package.provides],
        "requires": [relation(row) for row in package.requires],
        "obsoletes": [relation(row) for row in package.obsoletes],
        "files": [row[createrepo_c.FILE_ENTRY_PATH] + row[createrepo_c.FILE_ENTRY_NAME]
                  for row in package.files],
        "special": list(special_files(path)),
        "xml": list(createrepo_c.xml_dump(package)[:3]),
    }  # fmt: skip  # a table


def relation(row: Any) -> str:
    """Return a dependency in rpm's form: `name`, or `name <= 1:2-3`."""
    name, flags, epoch, version, release = row[:5]
    if flags not in FLAGS or not version:
        return str(name)
    evr = f"{epoch}:{version}" if epoch and epoch != "0" else version
    return f"{name} {FLAGS[flags]} {evr}" + (f"-{release}" if release else "")


def special_files(path: str) -> Iterator[tuple[str, str]]:
    """Return the kinds and paths of devices and of files that give privileges to their users.

    rpm answers this, because rpm also unpacks the file. Raises ValueError if its answer makes no
    sense.
    """
    answer = output("rpm", "-qp", "--nosignature", "--qf", QUERY, path)
    count, *rows = answer.decode(errors="replace").removesuffix("\n").split("\n")
    if count in ("0", "(none)"):
        return
    if len(rows) != int(count):
        raise ValueError("it has a file whose name has more than one line")
    for row in rows:
        mode, _, rest = row.partition(" ")
        capabilities, _, name = rest.rpartition(" /")
        yield from kinds(int(mode), capabilities, f"/{name}")


def output(*argv: str) -> bytes:
    """Return the output of a program, which inherits our open files. ValueError if it fails."""
    ours, theirs = os.pipe()
    to_pipe = [(os.POSIX_SPAWN_DUP2, theirs, 1)]
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=to_pipe)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        found = pipe.read()
    if os.waitpid(pid, 0)[1]:
        raise ValueError(f"{argv[0]} cannot read it")
    return found


def kinds(mode: int, capabilities: str, name: str) -> Iterator[tuple[str, str]]:
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        yield "device", name
    if stat.S_ISREG(mode):
        if mode & stat.S_ISUID:
            yield "setuid", name
        if mode & stat.S_ISGID:
            yield "setgid", name
        if capabilities.strip("= ") not in ("", "(none)"):
            yield "capabilities", name


if __name__ == "__main__":
    sys.exit(main())
