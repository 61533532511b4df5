"""Give Debian packages EL's layout: EL's unit names, and files where EL's packages expect them.

A platform's table `[units]` renames units; Debian's name stays as an alias. The folder `roots/el/`
has a script `layout` for each package that needs more. It runs in a root when the package is
wrapped, with the package's unpacked files as its working folder and its own folder in `$el`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from rdo.model.platform import Platform

FOLDER = "/el"
"""The path at which the root sees the scripts and their files."""

APPLY = f"""
set -eu
while read -r name units; do
    cd "/wrap/files/$name"
    [ ! -f "{FOLDER}/$name/layout" ] || el="{FOLDER}/$name" sh -eu "{FOLDER}/$name/layout"
    [ -z "$units" ] || cd usr/lib/systemd/system
    for unit in $units; do
        old="${{unit%=*}}" new="${{unit#*=}}"
        sed "/^Alias=$new$/d" "$old" >"$new"
        ln -sf "$new" "$old"
    done
done
"""
"""The program that reads the output of `lines` and applies it to the files in /wrap/files."""


def write_layouts(folder: Path) -> None:
    """Copy the scripts and their files into the new folder `folder`."""
    for path, content in _sources():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def lines(platform: Platform, packages: Iterable[str]) -> Iterator[str]:
    """Yield a line for each Debian package whose layout changes, with its units."""
    with_script = {path.partition("/")[0] for path, _ in _sources()}
    for name in packages:
        if name in with_script or name in platform.units:
            units = platform.units.get(name, {})
            yield " ".join([name, *(f"{old}={new}" for old, new in units.items())])


def layout_digest(platform: Platform, package: str) -> list[str]:
    """Return a digest of the layout of a Debian package; nothing if it has none."""
    made = hashlib.sha256()
    for path, content in _sources():
        if path.startswith(f"{package}/"):
            made.update(f"{path} {len(content)}\n".encode() + content)
    return [made.hexdigest() + line for line in lines(platform, [package])]


def _sources() -> Iterator[tuple[str, bytes]]:
    """Yield the files in `roots/el/` with their paths, `PACKAGE/NAME`."""
    top = resources.files("rdo.roots") / "el"
    for folder in sorted(top.iterdir(), key=lambda one: one.name):
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            yield f"{folder.name}/{file.name}", file.read_bytes()
