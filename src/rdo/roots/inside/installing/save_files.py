"""%pyproject_save_files: write a list of the installed files for `%files -f`.

Runs inside the root, over the records that %pyproject_install kept. Behaviour follows Fedora's
pyproject-rpm-macros.
"""

import argparse
import fnmatch
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path, PurePosixPath

from rdo.roots.inside.installing.file_list import file_list_line

_MODULE_SUFFIXES = frozenset({".py", ".so", ".pyi", ".pyc"})
_TRANSLATION = re.compile(r"/(?P<language>[a-z]{2,3}(?:[_@][\w@.-]+)?)/LC_MESSAGES/[^/]+\.mo$")
_MANUAL = re.compile(r"/share/(?:man/(?:[^/]+/)?man\w+/[^/]+|info/[^/]+)$")


class SaveFilesError(Exception):
    """The arguments ask for files that do not exist, or contradict each other."""


@dataclass(frozen=True, slots=True)
class InstalledDistribution:
    """An installed .dist-info folder and all its recorded paths, as the package has them."""

    dist_info: PurePosixPath
    files: tuple[PurePosixPath, ...]

    @property
    def modules_folder(self) -> PurePosixPath:
        """The folder that contains .dist-info."""
        return self.dist_info.parent

    def relative(self, path: PurePosixPath) -> PurePosixPath | None:
        """Return a path relative to the modules folder; None for programs, data and metadata."""
        if path.is_relative_to(self.dist_info) or not path.is_relative_to(self.modules_folder):
            return None
        return path.relative_to(self.modules_folder)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A module name in the arguments: `foo`, a glob, or `foo.bar` inside a namespace."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Parse a module name; raises SaveFilesError with the reason if it is invalid."""
        if "/" in text:
            raise SaveFilesError(
                f"{text} is a path; give the module's name, as in an import statement"
            )
        if "-" in text:
            raise SaveFilesError(f"{text} is not a module name; modules have _ where PyPI has -")
        return cls(text)

    def matches(self, relative: PurePosixPath) -> bool:
        """Whether a path in the modules folder belongs to the module.

        >>> Pattern("oslo_*").matches(PurePosixPath("oslo_config/cfg.py"))
        True
        >>> Pattern("zope.event").matches(PurePosixPath("zope/interface/__init__.py"))
        False
        """
        wanted = self.text.split(".")
        have = [*relative.parts[:-1], relative.name.split(".")[0]]
        if len(relative.parts) == 1 and relative.suffix not in _MODULE_SUFFIXES:
            return False
        return len(have) >= len(wanted) and all(map(fnmatch.fnmatchcase, have, wanted))


@dataclass(slots=True)
class Listing:
    """The lines of the list, and the importable modules found so far."""

    lines: dict[str, None]
    modules: dict[str, None]
    listed: set[PurePosixPath]

    def add(self, path: PurePosixPath, directive: str = "") -> None:
        self.listed.add(path)
        self.lines[file_list_line(path, directive)] = None

    def add_module_file(self, distribution: InstalledDistribution, path: PurePosixPath) -> None:
        """Add a file in the modules folder, the folders that contain it, and its bytecode."""
        relative = path.relative_to(distribution.modules_folder)
        for parent in reversed(relative.parents[:-1]):
            self.lines[file_list_line(distribution.modules_folder / parent, "%dir")] = None
        translation = _TRANSLATION.search(str(path))
        self.add(path, f"%lang({translation['language']})" if translation else "")
        if path.suffix == ".py":
            cache = path.parent / "__pycache__"
            if len(relative.parts) > 1:
                self.lines[file_list_line(cache, "%dir")] = None
            # it is compiled later, so the glob itself is listed
            compiled = file_list_line(f"{cache}/{path.stem}.cpython-")
            self.lines[f"{compiled}*.pyc"] = None


def add_metadata(listing: Listing, distribution: InstalledDistribution, buildroot: Path) -> bool:
    """List .dist-info and return whether it contains a license file."""
    folder = buildroot / str(distribution.dist_info)[1:]
    text = (folder / "METADATA").read_text(errors="replace")
    names = message_from_string(text).get_all("License-File", [])
    places = ("", "licenses/", "license_files/")
    licenses = {distribution.dist_info / f"{place}{name}" for name in names for place in places}
    listing.add(distribution.dist_info, "%dir")
    found = False
    for path in sorted(folder.rglob("*")):
        inside = PurePosixPath("/") / path.relative_to(buildroot)
        found = found or inside in licenses
        directive = "%dir" if path.is_dir() else "%license" if inside in licenses else ""
        listing.add(inside, directive)
    return found


def add_modules(
    listing: Listing,
    distribution: InstalledDistribution,
    pattern: Pattern,
    present: Iterable[PurePosixPath],
) -> bool:
    """List the files of one module name and return whether there are any."""
    found = False
    for path in present:
        relative = distribution.relative(path)
        if relative is None or not pattern.matches(relative):
            continue
        found = True
        listing.add_module_file(distribution, path)
        if name := public_module(relative):
            listing.modules[name] = None
    return found


def public_module(relative: PurePosixPath) -> str:
    """Return the name under which a file is imported; "" if it is private or not a module.

    >>> public_module(PurePosixPath("a/b/__init__.py")), public_module(PurePosixPath("a/_c.py"))
    ('a.b', '')
    """
    if relative.suffix not in {".py", ".so"}:
        return ""
    parts = [*relative.parts[:-1], relative.name.split(".")[0]]
    if parts[-1] == "__init__":
        parts.pop()
    public = all(part.isidentifier() and not part.startswith("_") for part in parts)
    return ".".join(parts) if public else ""


def add_rest(
    listing: Listing, distribution: InstalledDistribution, present: Iterable[PurePosixPath]
) -> None:
    """List what no name matched (`+auto`): programs, data and other modules."""
    for path in present:
        if path in listing.listed:
            continue
        if distribution.relative(path) is not None:
            listing.add_module_file(distribution, path)
        elif _MANUAL.search(str(path)):  # compressed later
            listing.listed.add(path)
            listing.lines[f"{file_list_line(path)}*"] = None
        else:
            listing.add(path)


def read_records(path: Path) -> Iterator[InstalledDistribution]:
    """Return the distributions that %pyproject_install recorded.

    Raise SaveFilesError if none are.
    """
    if not path.exists():
        raise SaveFilesError("nothing is installed yet: call this macro after %pyproject_install")
    for name, files in json.loads(path.read_text()).items():
        yield InstalledDistribution(PurePosixPath(name), tuple(map(PurePosixPath, files)))


def save(args: argparse.Namespace) -> Listing:
    """Return the list that the arguments request; raises SaveFilesError if that is impossible."""
    names = [name for name in args.names if name != "+auto"]
    if args.no_modules and names:
        raise SaveFilesError(f"-M means no modules, but {' '.join(names)} is named")
    if not args.no_modules and not names:
        raise SaveFilesError("name the modules, or pass -M if there are none")
    patterns = [Pattern.parse(name) for name in names]
    matched: set[Pattern] = set()
    listing, has_license = Listing({}, {}, set()), False
    for distribution in read_records(args.record):
        present = [path for path in distribution.files if (args.buildroot / str(path)[1:]).exists()]
        has_license |= add_metadata(listing, distribution, args.buildroot)
        for pattern in patterns:
            if add_modules(listing, distribution, pattern, present):
                matched.add(pattern)
        if "+auto" in args.names:
            add_rest(listing, distribution, present)
    unmatched = [one.text for one in patterns if one not in matched and one.text != "*"]
    if unmatched:
        raise SaveFilesError(f"no installed module matches {', '.join(unmatched)}")
    if args.license and not has_license:
        raise SaveFilesError(
            "-l requires a license file, but the metadata names none; use %license and -L"
        )
    return listing


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="%pyproject_save_files")
    for name in ("record", "buildroot", "files", "modules"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("-l", "--assert-license", dest="license", action="store_true")
    parser.add_argument("-L", "--no-assert-license", dest="no_license", action="store_true")
    parser.add_argument("-M", "--no-modules", dest="no_modules", action="store_true")
    parser.add_argument("names", nargs="*", metavar="MODULE")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    args = parse_arguments(argv)
    try:
        listing = save(args)
    except SaveFilesError as error:
        sys.exit(f"%pyproject_save_files: {error}")
    args.files.write_text("".join(f"{line}\n" for line in listing.lines))
    args.modules.write_text("".join(f"{name}\n" for name in listing.modules))
    return 0
