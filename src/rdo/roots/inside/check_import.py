"""%pyproject_check_import: import what %pyproject_save_files saved. Runs inside the root."""

import argparse
import fnmatch
import importlib
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="%pyproject_check_import")
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("-e", "--exclude", action="append", default=[])
    parser.add_argument("-t", "--top-level", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args(argv)
    names = [*args.modules.read_text().split(), *args.names]
    if args.top_level:
        names = [name for name in names if "." not in name]
    for name in dict.fromkeys(names):
        if not any(fnmatch.fnmatch(name, pattern) for pattern in args.exclude):
            sys.stderr.write(f"import {name}\n")  # before what the module itself may say
            importlib.import_module(name)
    return 0
