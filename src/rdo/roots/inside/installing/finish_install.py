"""The last steps for every bridged wheel: shebangs and bytecode. Runs inside the root."""

import sys
from pathlib import Path

from rdo.roots.inside.installing.bytecompile import compile_folder
from rdo.roots.inside.installing.shebangs import fix


def finish_install(buildroot: Path) -> None:
    """Fix the shebangs of the programs in `buildroot` and compile its Python modules."""
    for folder in ("usr/bin", "usr/sbin", "usr/libexec"):
        for file in (buildroot / folder).glob("*"):
            if file.is_file() and not file.is_symlink():
                fix(file, sys.executable)
    for modules in buildroot.glob("usr/lib*/python3.*"):
        compile_folder(modules, buildroot)
