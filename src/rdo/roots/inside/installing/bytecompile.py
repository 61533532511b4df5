"""Compile Python modules to the same bytes in every build. Runs inside the root.

Python validates the bytecode by the hash of its source, never by a time (PEP 552). Both
optimization levels in use are compiled.
"""

import argparse
import compileall
import os
import py_compile
import sys
from pathlib import Path


def compile_folder(folder: Path, buildroot: Path, *, quiet: int = 2) -> bool:
    """Compile all modules below `folder` and return whether all succeeded.

    `quiet` is compileall's.
    """
    done = [
        compileall.compile_dir(
            folder,
            maxlevels=100,
            quiet=quiet,
            force=True,
            stripdir=str(buildroot),
            prependdir="/",
            optimize=level,
            invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
        )
        for level in (0, 1)
    ]
    return all(done)


def main(argv: list[str]) -> int:
    """Compile the modules of folders; return 1 if one fails and `--strict` is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--strict", action="store_true", help="fail if a module cannot be compiled")
    parser.add_argument(
        "--buildroot", type=Path, help="compile all site folders below this buildroot"
    )
    parser.add_argument("folders", nargs="*", type=Path)
    args = parser.parse_args(argv)
    buildroot = args.buildroot or Path(os.environ["RPM_BUILD_ROOT"])
    folders = args.folders or sorted(buildroot.glob("usr/lib*/python3.*"))
    quiet = 1 if args.strict else 2  # 1 prints the module and the error
    done = [compile_folder(folder, buildroot, quiet=quiet) for folder in folders]
    if args.strict and not all(done):
        sys.stderr.write("error: some Python modules cannot be compiled\n")
        return 1
    return 0
