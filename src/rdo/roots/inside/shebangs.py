"""%py3_shebang_fix: make `#!` lines name the system's Python. Runs inside the root."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

PYTHON = re.compile(rb"^#!\s*(?:/usr/bin/env\s+(?:-S\s*)?|/\S*/)?python[\d.]*(?=\s|$)")


def fix(path: Path) -> bool:
    """Rewrite the first line of `path` when it asks for some Python; keeps mode and options."""
    first, newline, rest = path.read_bytes().partition(b"\n")
    fixed = PYTHON.sub(b"#!/usr/bin/python3", first)
    if fixed == first:
        return False
    mode = path.stat().st_mode
    path.write_bytes(fixed + newline + rest)
    path.chmod(mode)
    return True


def files(paths: list[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        found = path.rglob("*") if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and not file.is_symlink())


def main(argv: list[str]) -> int:
    for file in files([argument for argument in argv if not argument.startswith("-")]):
        if fix(file):
            sys.stdout.write(f"{file}: shebang is /usr/bin/python3\n")
    return 0
