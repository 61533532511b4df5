"""The last step of %install: shebangs, and Python compiled to the same bytes in every build.

Bytecode is validated by the hash of its source, never by a time (PEP 552).
"""

import compileall
import os
import py_compile
from pathlib import Path

from rdo.roots.inside.shebangs import fix


def main(_argv: list[str]) -> int:
    buildroot = Path(os.environ["RPM_BUILD_ROOT"])
    for folder in ("usr/bin", "usr/sbin", "usr/libexec"):
        for file in (buildroot / folder).glob("*"):
            if file.is_file() and not file.is_symlink():
                fix(file)
    for modules in buildroot.glob("usr/lib*/python3.*"):
        for level in (0, 1):
            compileall.compile_dir(
                modules,
                maxlevels=100,
                quiet=2,
                force=True,
                stripdir=buildroot,
                prependdir="/",
                optimize=level,
                invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
            )
    return 0
