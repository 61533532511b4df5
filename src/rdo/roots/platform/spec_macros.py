"""The macros of the embedded platform, for reading specs on this machine instead of in a root."""

import functools
import tomllib
from importlib import resources

_PLATFORM = "deb12-x86_64"
# Only a build of binary packages needs these; they would add packages that the spec does not
# define.
_LEFT_OUT = ("%_enable_debug_packages", "%_topdir", "%_dbpath", "%_tmppath")


@functools.cache
def spec_macros() -> bytes:
    """Return the macros as a file that rpm loads; docs/macros.md lists them."""
    roots = resources.files("rdo.roots")
    definition = tomllib.loads((roots / "definitions" / f"{_PLATFORM}.toml").read_text())
    values = {"python3_version": definition["python"], **definition.get("macros", {})}
    lines = [f"%{name} {value}" for name, value in values.items()]
    for file in sorted((roots / "macros").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".macros"):
            text = file.read_text()
            lines += [x for x in text.splitlines() if x.partition(" ")[0] not in _LEFT_OUT]
    return ("\n".join(lines) + "\n").encode()
