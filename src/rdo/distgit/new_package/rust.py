"""Support for new packages that are partly written in Rust: build backend and crates."""

import posixpath
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.builders.rooms.room import Room
from rdo.distgit.new_package.crates import LOCK, CrateIndex, external_crates, vendor_crates
from rdo.distgit.requirements.backends import table
from rdo.errors import RefusedError
from rdo.model.text.toml_text import read_toml
from rdo.tools.packaging.crate_archive import CONFIG
from rdo.tools.walls.entry import Bind

CARGO = "cargo"
"""The BuildRequires for compiling Rust; it brings the compiler with it."""

ADD_CONFIG = f"mkdir -p .cargo\ncat {CONFIG} >> .cargo/config.toml"
"""Shell lines that point cargo to crates unpacked beside the source."""

_RUST = re.compile(r"(maturin|setuptools[-_.]rust|puccinialin)(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CargoSource:
    """The crates of a source: their archive, and how many; None and 0 if it needs none."""

    archive: Path | None
    count: int


def rust_backend(pyproject: str) -> str:
    """Return the build backend or requirement that compiles Rust; empty if there is none.

    >>> rust_backend('[build-system]\\nrequires = ["maturin>=1"]\\nbuild-backend = "maturin"')
    'maturin'
    """
    system = table(_parsed(pyproject), "build-system")
    requires = system.get("requires", [])
    rows = [system.get("build-backend", ""), *(requires if isinstance(requires, list) else ())]
    found = (_RUST.match(str(row)) for row in rows)
    return next((match[0] for match in found if match), "")


def cargo_source(
    name: str, read: Callable[[str], str], index: CrateIndex | None, folder: Path
) -> CargoSource | None:
    """Vendor the crates of a source into `folder`; None if its backend does not compile Rust.

    `read` returns the text of a file of the source, or "". Raises RefusedError for Rust without an
    index of crates or without a Cargo.lock, before anything is fetched, and the errors of
    `crates.vendor_crates`.
    """
    pyproject = read("pyproject.toml")
    if not (backend := rust_backend(pyproject)):
        return None
    if index is None:
        raise needs_crates(name, f"its build backend is {backend}")
    places = list(lock_places(pyproject))
    lock = next(filter(None, map(read, places)), "")
    if not lock:
        raise RefusedError(
            f"{name} is partly written in Rust and contains no {' or '.join(places)}, so its "
            "crates are not known",
            hint="package it by hand: docs/how-to/package-rust.md",
        )
    crates = external_crates(lock)
    if not crates:
        return CargoSource(None, 0)
    archive = folder / "vendor.tar.xz"
    vendor_crates(crates, index, archive)
    return CargoSource(archive, len(crates))


def lock_places(pyproject: str) -> Iterator[str]:
    """Yield where a Cargo.lock may be: at the top, and beside manifests named in pyproject.toml.

    >>> list(lock_places('[tool.maturin]\\nmanifest-path = "src/rust/Cargo.toml"'))
    ['Cargo.lock', 'src/rust/Cargo.lock', 'src/Cargo.lock']
    """
    yield LOCK
    tool = table(_parsed(pyproject), "tool")
    rust = table(tool, "setuptools-rust")
    rows = [
        row
        for key in ("ext-modules", "bins")
        if isinstance(found := rust.get(key), list)
        for row in found
        if isinstance(row, dict)
    ]
    manifests = [table(tool, "maturin").get("manifest-path"), *(row.get("path") for row in rows)]
    seen = {""}
    for manifest in filter(None, manifests):
        folder = posixpath.dirname(posixpath.normpath(str(manifest)))
        while folder not in seen and not folder.startswith(("..", "/")):
            seen.add(folder)
            yield f"{folder}/{LOCK}"
            folder = posixpath.dirname(folder)  # of the workspace


def lay_crates(room: Room, archive: Path) -> None:
    """Unpack crates into a room, where cargo finds them from any folder of the build user."""
    given = room.root.folder("crates")
    shutil.copyfile(archive, given / archive.name)
    given.joinpath(archive.name).chmod(0o644)
    room.root.bind(Bind(given, "/crates"))
    room.log("tar", "--extract", "--file", f"/crates/{archive.name}")
    room.log("sh", "-c", ADD_CONFIG)


def needs_crates(name: str, why: str) -> RefusedError:
    return RefusedError(
        f"{name} is partly written in Rust ({why}), and its build needs crates from the network",
        hint="name an index of crates with --crates-index or RDO_CRATES_INDEX, such as "
        "https://index.crates.io/, to have them vendored; docs/how-to/package-rust.md shows how to "
        "do that by hand; until then, builds use its wheel",
    )


def _parsed(pyproject: str) -> dict[str, Any]:
    try:
        return read_toml(pyproject)
    except tomllib.TOMLDecodeError:
        return {}  # the build reports what is wrong with it
