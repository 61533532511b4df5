"""%pyproject_install and %pyproject_save_files: what the wheels put into the buildroot.

`record` takes pip's RECORD out of the package and keeps what it says; `save-files` writes
from it a list for `%files -f`. Runs inside the root. Behaviour follows Fedora's
pyproject-rpm-macros.
"""

import argparse
import csv
import fnmatch
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rdo.roots.inside.file_list import file_list_line

_MODULE_SUFFIXES = (".py", ".so")


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed .dist-info folder and every path it recorded, absolute inside the buildroot."""

    dist_info: PurePosixPath
    files: tuple[PurePosixPath, ...]

    @property
    def modules_folder(self) -> PurePosixPath:
        return self.dist_info.parent


def record(buildroot: Path, output: Path) -> int:
    """Save each RECORD, then remove what a package of rpm does not carry; name rpm as installer."""
    saved = {}
    for dist_info in sorted(buildroot.glob("usr/lib*/python3.*/site-packages/*.dist-info")):
        inside = PurePosixPath("/") / dist_info.relative_to(buildroot)
        with (dist_info / "RECORD").open(newline="") as file:
            rows = [row[0] for row in csv.reader(file) if row]
        saved[str(inside)] = [_absolute(inside.parent, name) for name in rows]
        for name in ("RECORD", "direct_url.json", "REQUESTED"):
            (dist_info / name).unlink(missing_ok=True)
        (dist_info / "INSTALLER").write_text("rpm\n")
    output.write_text(json.dumps(saved))
    return 0


def _absolute(folder: PurePosixPath, name: str) -> str:
    parts: list[str] = []
    for part in (folder / name).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return str(PurePosixPath(*parts))


def save_files(args: argparse.Namespace) -> int:
    """Write the file list of the wanted modules, and the modules that can be imported."""
    saved = json.loads(args.record.read_text())
    distributions = [
        Distribution(PurePosixPath(name), tuple(map(PurePosixPath, files)))
        for name, files in saved.items()
    ]
    globs = [pattern for pattern in args.globs if pattern != "+auto"]
    lines: list[str] = []
    modules: list[str] = []
    for distribution in distributions:
        present = [f for f in distribution.files if (args.buildroot / str(f)[1:]).exists()]
        lines += _dist_info_lines(distribution, args.buildroot)
        lines += _module_lines(distribution, present, globs, modules)
        if "+auto" in args.globs:
            lines += _other_lines(distribution, present)
    unmatched = [p for p in globs if not any(fnmatch.fnmatch(m.split(".")[0], p) for m in modules)]
    if unmatched:
        sys.exit(f"%pyproject_save_files: nothing installed matches {', '.join(unmatched)}")
    if args.license and not any("%license" in line for line in lines):
        sys.exit("%pyproject_save_files -l: the metadata names no license file")
    args.files.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)))
    args.modules.write_text("".join(f"{name}\n" for name in dict.fromkeys(modules)))
    return 0


def _dist_info_lines(distribution: Distribution, buildroot: Path) -> Iterator[str]:
    yield file_list_line(distribution.dist_info, "%dir")
    folder = buildroot / str(distribution.dist_info)[1:]
    for path in sorted(folder.rglob("*")):
        name = PurePosixPath("/") / path.relative_to(buildroot)
        if path.is_dir():
            yield file_list_line(name, "%dir")
        elif "licenses" in path.parts or path.name.startswith(("LICENSE", "COPYING")):
            yield file_list_line(name, "%license")
        else:
            yield file_list_line(name)


def _module_lines(
    distribution: Distribution,
    present: Iterable[PurePosixPath],
    globs: Iterable[str],
    modules: list[str],
) -> Iterator[str]:
    wanted = list(globs)
    for file in present:
        if not file.is_relative_to(distribution.modules_folder):
            continue
        relative = file.relative_to(distribution.modules_folder)
        top = relative.parts[0].split(".")[0]
        if ".dist-info" in relative.parts[0] or not any(fnmatch.fnmatch(top, p) for p in wanted):
            continue
        if name := _module_name(relative):
            modules.append(name)
        for parent in reversed(relative.parents[:-1]):
            yield file_list_line(distribution.modules_folder / parent, "%dir")
        yield file_list_line(file)
        if file.suffix == ".py":
            cache = file.parent / "__pycache__"
            yield file_list_line(cache, "%dir")
            yield f"{cache}/{file.stem}.cpython-*.pyc"  # compiled later: the glob is meant


def _module_name(relative: PurePosixPath) -> str:
    if relative.suffix not in _MODULE_SUFFIXES:
        return ""
    parts = [*relative.parts[:-1], relative.name.split(".")[0]]
    if parts[-1] == "__main__":  # importing it would run it
        return ""
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""


def _other_lines(distribution: Distribution, present: Iterable[PurePosixPath]) -> Iterator[str]:
    """Programs and data files outside the module folder."""
    for file in present:
        if not file.is_relative_to(distribution.modules_folder):
            yield file_list_line(file)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    recording = commands.add_parser("record")
    recording.add_argument("buildroot", type=Path)
    recording.add_argument("output", type=Path)
    recording.set_defaults(act=lambda args: record(args.buildroot, args.output))
    saving = commands.add_parser("save-files")
    for name in ("record", "buildroot", "files", "modules"):
        saving.add_argument(f"--{name}", type=Path, required=True)
    saving.add_argument("-l", dest="license", action="store_true")
    saving.add_argument("-L", dest="no_license", action="store_true")
    saving.add_argument("-M", dest="no_modules", action="store_true")
    saving.add_argument("globs", nargs="*")
    saving.set_defaults(act=save_files)
    args = parser.parse_args(argv)
    return int(args.act(args))
