"""%pyproject_check_import and %py3_check_import: import modules. Runs inside the root."""

import argparse
import fnmatch
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_IMPORT = """
import importlib, sys
del sys.path[0]
for name in sys.argv[1:]:
    sys.stderr.write(f"import {name}\\n")  # before the module's own output
    sys.stderr.flush()
    importlib.import_module(name)
"""


def wanted(names: Iterable[str], excluded: Iterable[str], *, top_level: bool) -> Iterator[str]:
    """Yield each name once, except those that a glob in `excluded` matches."""
    globs = list(excluded)
    for name in dict.fromkeys(names):
        if top_level and "." in name:
            continue
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in globs):
            yield name


def main(argv: list[str]) -> int:
    """Import the named or saved modules in another process; return its exit status."""
    parser = argparse.ArgumentParser(prog="%pyproject_check_import")
    parser.add_argument(
        "--modules", type=Path, help="the modules that %%pyproject_save_files listed"
    )
    parser.add_argument("--allow-none", action="store_true")
    parser.add_argument("-f", "--file", type=Path, help="read module names from this file")
    parser.add_argument("-e", "--exclude", action="append", default=[])
    parser.add_argument("-t", "--top-level", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args(argv)
    if args.modules and not args.modules.exists():
        sys.exit("%pyproject_check_import: call %pyproject_save_files in %install first")
    texts = [path.read_text() for path in (args.modules, args.file) if path]
    names = re.split(r"[\s,]+", " ".join([*texts, *args.names]).strip())
    chosen = list(wanted(filter(None, names), args.exclude, top_level=args.top_level))
    if not chosen and not args.allow_none:
        sys.exit("no module to import: all are excluded, or none was saved")
    # In a process of its own, because these programs are a module named `rdo`, and a package's may
    # be too.
    return subprocess.run([sys.executable, "-c", _IMPORT, *chosen], check=False).returncode
