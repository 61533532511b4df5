"""%py3_shebang_fix: make `#!` lines name the system's Python. Runs inside the root."""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

INTERPRETER = "/usr/bin/python3"

_PYTHON = re.compile(
    rb"^#!\s*(?:/usr/bin/env\s+(?:-S\s*)?|/\S*/)?(?:python[\d.]*|pypy[\d.]*)(?P<rest>\s.*)?$"
)


def fixed_line(line: bytes, interpreter: str = INTERPRETER, flags: str = "") -> bytes:
    """Return a `#!` line for any Python, with this interpreter and these options instead.

    Existing short options stay, in one word with the new ones, because Linux passes everything
    after the interpreter as one argument.

    >>> fixed_line(b"#!/usr/bin/env python", flags="sP")
    b'#!/usr/bin/python3 -sP'
    >>> fixed_line(b"#! /usr/local/bin/python3.9 -Es", flags="sP")
    b'#!/usr/bin/python3 -PEs'
    >>> fixed_line(b"#!/bin/sh")
    b'#!/bin/sh'
    """
    match = _PYTHON.match(line.rstrip(b"\r"))
    if not match:
        return line
    options = (match["rest"] or b"").decode(errors="surrogateescape").strip()
    if options.startswith("-") and not options.startswith("--"):
        known = options.split(maxsplit=1)[0][1:]
        added = "".join(flag for flag in flags if flag not in known)
        options = f"-{added}{options[1:]}"
    elif not options and flags:
        options = f"-{flags}"
    return f"#!{interpreter} {options}".rstrip().encode(errors="surrogateescape")


def replace_first_line(path: Path, line: bytes, rest: bytes) -> None:
    """Rewrite a file with a new first line; its mode and time stay."""
    status = path.stat()
    path.write_bytes(line + rest)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def fix(path: Path, interpreter: str = INTERPRETER, flags: str = "") -> bool:
    """Rewrite the first line of `path` if it names any Python, and return whether it changed."""
    first, newline, rest = path.read_bytes().partition(b"\n")
    fixed = fixed_line(first, interpreter, flags)
    if fixed == first:
        return False
    replace_first_line(path, fixed, newline + rest)
    return True


def files(paths: Iterable[str]) -> Iterator[Path]:
    """Yield each file; of a folder, the Python modules in it."""
    for path in map(Path, paths):
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        yield from (file for file in found if not file.is_symlink())


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="%py3_shebang_fix")
    parser.add_argument("--interpreter", default=INTERPRETER)
    parser.add_argument("--flags", default="")
    parser.add_argument("paths", nargs="+", metavar="FILE")
    args = parser.parse_args(argv)
    for file in files(args.paths):
        if not file.exists():
            sys.exit(f"%py3_shebang_fix: {file} does not exist")
        if fix(file, args.interpreter, args.flags):
            sys.stdout.write(f"{file}: set shebang to {args.interpreter}\n")
    return 0
