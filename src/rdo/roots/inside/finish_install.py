"""What every bridged wheel gets: shebangs of programs, and bytecode. Runs inside the root."""

import os
from pathlib import Path

from rdo.roots.inside.bytecompile import compile_folder
from rdo.roots.inside.shebangs import fix


def main(_argv: list[str]) -> int:
    buildroot = Path(os.environ["RPM_BUILD_ROOT"])
    for folder in ("usr/bin", "usr/sbin", "usr/libexec"):
        for file in (buildroot / folder).glob("*"):
            if file.is_file() and not file.is_symlink():
                fix(file)
    for modules in buildroot.glob("usr/lib*/python3.*"):
        compile_folder(modules, buildroot)
    return 0
