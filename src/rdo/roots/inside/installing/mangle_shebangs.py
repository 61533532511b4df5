"""After %install, make each program's shebang name its interpreter by the full path.

Follows EL's build policy: `env` is removed, /bin becomes /usr/bin, a text file without a shebang
loses its x bits, and an ambiguous interpreter is an error. Runs inside the root.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rdo.roots.inside.installing.shebangs import INTERPRETER, replace_first_line

_ENV = re.compile(r"^/(?:usr/)?bin/env\s+(?:-S\s*)?(?P<program>\S+)(?P<rest>.*)$")
_SYSTEM = re.compile(r"^/(?:usr/)?s?bin/")


class AmbiguousError(Exception):
    """A shebang does not say clearly which interpreter it means."""


def mangled(shebang: str, python: str = INTERPRETER) -> str:
    """Return the text after `#!` with the interpreter's full path; raise AmbiguousError if unclear.

    `python` is the Python of the release, which `python3` means.

    >>> mangled("/usr/bin/env python3 -u")
    '/usr/bin/python3 -u'
    >>> mangled("/usr/bin/python3 -u", "/usr/bin/python3.11")
    '/usr/bin/python3.11 -u'
    >>> mangled(" /bin/sh -e")
    '/usr/bin/sh -e'
    >>> mangled("/opt/tool/bin/tool")
    '/opt/tool/bin/tool'
    """
    text = shebang.strip()
    if not text.startswith("/"):
        raise AmbiguousError("does not begin with a path")
    if match := _ENV.match(text):
        program = match["program"]
        text = f"{program if program.startswith('/') else f'/usr/bin/{program}'}{match['rest']}"
    if not _SYSTEM.match(text):
        return text
    text = re.sub(r"^/(s?bin/)", r"/usr/\1", text)
    if re.match(r"/usr/bin/python(\s|$)", text):
        raise AmbiguousError("is ambiguous; name python3 (%py3_shebang_fix does that)")
    return re.sub(rf"^{INTERPRETER}(?=\s|$)", python, text)


def programs(buildroot: Path, exclude_from: str) -> Iterator[tuple[Path, str]]:
    """Yield each file with an x bit, and its path in the package."""
    for folder, folders, names in os.walk(buildroot):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            inside = f"/{path.relative_to(buildroot)}"
            if exclude_from and re.search(exclude_from, inside):
                continue
            if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111:
                yield path, inside


def mangle(path: Path, inside: str, exclude: str) -> str | None:
    """Change one file; return the error if its shebang is ambiguous."""
    content = path.read_bytes()
    if not content.startswith(b"#!"):
        if content and b"\0" not in content[:4096]:
            sys.stderr.write(f"{inside}: executable but without a shebang; removing its x bits\n")
            path.chmod(path.stat().st_mode & ~0o111)
        return None
    first, newline, rest = content.partition(b"\n")
    shebang = first[2:].decode(errors="surrogateescape")
    if exclude and re.search(exclude, shebang.strip()):
        return None
    try:
        new = mangled(shebang, sys.executable)
    except AmbiguousError as error:
        return f"{inside}: shebang #!{shebang.strip()} {error}"
    if new != shebang:
        line = f"#!{new}".encode(errors="surrogateescape")
        replace_first_line(path, line, newline + rest)
    return None


def main(argv: list[str]) -> int:
    """Fix the shebangs of all programs in the buildroot; return 1 if one is ambiguous."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--exclude", default="", help="regular expression of shebangs to leave alone"
    )
    parser.add_argument(
        "--exclude-from", default="", help="regular expression of paths to leave alone"
    )
    args = parser.parse_args(argv)
    buildroot = Path(os.environ["RPM_BUILD_ROOT"])
    found = programs(buildroot, args.exclude_from)
    faults = [fault for path, inside in found if (fault := mangle(path, inside, args.exclude))]
    sys.stderr.writelines(f"error: {fault}\n" for fault in faults)
    return 1 if faults else 0
