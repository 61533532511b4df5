"""%pyproject_install and %py3_install_wheel: install wheels into the buildroot.

Runs inside the root. pip's RECORD is removed from the package, and its content is kept for
%pyproject_save_files. Behaviour follows Fedora's pyproject-rpm-macros.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from rdo.roots.inside.installing.file_list import file_list_line
from rdo.roots.inside.installing.shebangs import fix

_PIP = (
    *("--no-deps", "--no-index", "--no-cache-dir", "--no-compile", "--ignore-installed"),
    *("--disable-pip-version-check", "--no-warn-script-location", "--root-user-action", "ignore"),
    *("--progress-bar", "off"),
)


def install(wheels: Sequence[Path], buildroot: Path, prefix: str) -> int:
    """Let pip unpack the wheels, and return its exit status."""
    command = [sys.executable, "-m", "pip", "install", "--root", str(buildroot), "--prefix", prefix]
    done = subprocess.run([*command, *_PIP, *map(str, wheels)], check=False)
    return done.returncode


def fix_programs(buildroot: Path, prefix: str, flags: str) -> None:
    for path in sorted((buildroot / prefix.lstrip("/") / "bin").glob("*")):
        if path.is_file() and not path.is_symlink():
            fix(path, sys.executable, flags)
    shutil.rmtree(buildroot / prefix.lstrip("/") / "bin/__pycache__", ignore_errors=True)


def take_records(buildroot: Path) -> dict[str, list[str]]:
    """Return, for each .dist-info folder, the paths in its RECORD as the package will have them.

    Files that an RPM must not contain are removed, and rpm is recorded as the installer.
    """
    records = {}
    for dist_info in sorted(buildroot.glob("usr/lib*/python3.*/site-packages/*.dist-info")):
        record = dist_info / "RECORD"
        if not record.exists():  # it was taken before
            continue
        inside = PurePosixPath("/") / dist_info.relative_to(buildroot)
        with record.open(newline="") as file:
            names = [row[0] for row in csv.reader(file) if row]
        records[str(inside)] = [_absolute(inside.parent, name) for name in names]
        for name in ("RECORD", "direct_url.json", "REQUESTED"):
            (dist_info / name).unlink(missing_ok=True)
        (dist_info / "INSTALLER").write_text("rpm\n")
    return records


def _absolute(folder: PurePosixPath, name: str) -> str:
    parts: list[str] = []
    for part in (folder / name).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return str(PurePosixPath(*parts))


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--buildroot", type=Path, required=True)
    parser.add_argument("--prefix", default="/usr")
    parser.add_argument("--shebang-flags", default="")
    parser.add_argument("--record", type=Path, help="file to keep the records in")
    parser.add_argument("--ghost", type=Path, help="file for a %%files list of the metadata alone")
    parser.add_argument("--folder", type=Path, help="folder; all wheels in it are installed")
    parser.add_argument("wheels", nargs="*", type=Path)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Install wheels into the buildroot, fix their programs, and keep their records."""
    args = parse_arguments(argv)
    wheels = args.wheels or sorted(args.folder.glob("*.whl"))
    if not wheels:
        sys.exit(f"no wheel in {args.folder}: is %pyproject_wheel missing in %build?")
    if status := install(wheels, args.buildroot, args.prefix):
        return status
    fix_programs(args.buildroot, args.prefix, args.shebang_flags)
    records = take_records(args.buildroot)
    if args.record:
        known = json.loads(args.record.read_text()) if args.record.exists() else {}
        args.record.write_text(json.dumps(known | records))
    if args.ghost:
        lines = (file_list_line(name, "%ghost %dir") for name in records)
        args.ghost.write_text("".join(f"{line}\n" for line in lines))
    return 0
