"""Pack the crates of a project that is partly written in Rust, as a second source of its package.

Cargo.lock names each crate with its checksum, so the index need not be trusted.
"""

import json
import logging
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rdo.atomic import write_file
from rdo.cancellation import in_threads
from rdo.checksum import sha256_of
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.model.text.toml_text import read_toml
from rdo.tools.packaging.crate_archive import write_crate_archive
from rdo.tools.packaging.download import download
from rdo.tools.packaging.source_archive import SourceArchive

log = logging.getLogger(__name__)

INDEX = "https://index.crates.io/"
LOCK = "Cargo.lock"

_MAX_CRATES = 5000
_MAX_LOCK_BYTES = 20_000_000
_MAX_CRATE_BYTES = 100_000_000
_AT_ONCE = 8
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_VERSION = re.compile(r"\d[0-9A-Za-z.+-]{0,99}")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_CRATES_IO = re.compile(
    r"registry\+https://github\.com/rust-lang/crates\.io-index|sparse\+https://index\.crates\.io/"
)
_ARCHIVE = re.compile(r"\.(tar\.[a-z0-9]+|tgz|zip)$")
_MARKER = re.compile(r"\{(crate|version|prefix|lowerprefix|sha256-checksum)\}")


@dataclass(frozen=True, slots=True)
class Crate:
    """A crate that Cargo.lock names; `checksum` is the sha256 of its file."""

    name: str
    version: str
    checksum: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}.crate"


@dataclass(frozen=True, slots=True)
class VendoredCrates:
    """A written archive of crates, with its hash and its content."""

    archive: Path
    sha256: str
    crates: tuple[Crate, ...]


@dataclass(frozen=True, slots=True)
class CrateIndex:
    """A sparse index of crates (cargo's reference, "Index format"), such as crates.io's."""

    url: str = INDEX

    def fetch(self, crates: tuple[Crate, ...], folder: Path) -> dict[Path, str]:
        """Download crates into a folder, and return each file with its checksum.

        Raises OutsideError for a crate that the server lacks or whose checksum is wrong.
        """
        template = self._template()

        def fetch(crate: Crate) -> tuple[Path, str]:
            file = folder / crate.file
            url = _address(template, crate)
            write_file(file, download(url, max_bytes=_MAX_CRATE_BYTES))
            if sha256_of(file) != crate.checksum:
                raise OutsideError(f"{url} does not have the checksum in Cargo.lock")
            return file, crate.checksum

        return dict(in_threads(fetch, crates, at_once=_AT_ONCE, name="crate"))

    def _template(self) -> str:
        """Return the download URL template in the index's own config.json."""
        base = self.url.removeprefix("sparse+").rstrip("/")
        said = download(f"{base}/config.json", max_bytes=1_000_000)
        try:
            template = json.loads(said)["dl"]
        except (ValueError, KeyError, TypeError) as error:
            raise OutsideError(
                f"{base}/config.json does not contain the URL of the crates"
            ) from error
        is_known = isinstance(template, str) and template.startswith(("https://", "http://"))
        if not is_known and not (isinstance(template, str) and base.startswith("file:")):
            raise OutsideError(f"{base}/config.json does not name an https address: {template!r}")
        return (
            template if _MARKER.search(template) else f"{template}/{{crate}}/{{version}}/download"
        )


def vendor(source: Path, index: CrateIndex, target: Path | None, *, lock: str) -> VendoredCrates:
    """Write an archive of the crates that the Cargo.lock of a source names.

    `source` is an archive, a folder, or a Cargo.lock; `lock` is the path of the Cargo.lock inside
    it. Raises NotFoundError if there is none, RefusedError for crates that no index has, such as
    those from git.
    """
    crates = external_crates(_read_lock(source, lock))
    if not crates:
        raise RefusedError("Cargo.lock names no crates, so nothing has to be vendored")
    archive = target or Path(archive_name(source))
    vendor_crates(crates, index, archive)
    return VendoredCrates(archive, sha256_of(archive), crates)


def vendor_crates(crates: tuple[Crate, ...], index: CrateIndex, archive: Path) -> None:
    """Fetch crates and write an archive of them.

    Raises the errors of `CrateIndex.fetch`, and RefusedError for a crate that cannot be unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="rdo-crates-") as folder:
        log.info("fetching crates: %d", len(crates))
        write_crate_archive(index.fetch(crates, Path(folder)), archive)


def archive_name(source: Path) -> str:
    """Return the file name of the archive of a source's crates."""
    return f"{_stem(source)}-vendor.tar.xz"


def external_crates(text: str) -> tuple[Crate, ...]:
    """Return the crates from crates.io that a Cargo.lock names, sorted.

    Raises RefusedError for a file that is not a Cargo.lock, and for crates from elsewhere.
    """
    try:
        rows = read_toml(text)["package"]
        found = [_crate(row) for row in rows if row.get("source")]
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise RefusedError(f"this is not a Cargo.lock: {error}") from error
    if len(found) > _MAX_CRATES:
        raise RefusedError(f"Cargo.lock names {len(found)} crates, more than {_MAX_CRATES}")
    return tuple(sorted(set(found), key=lambda one: one.file))


def _crate(row: Mapping[str, Any]) -> Crate:
    name, version = str(row.get("name", "")), str(row.get("version", ""))
    if not _CRATES_IO.fullmatch(str(row["source"])):
        raise RefusedError(
            f"the crate {name} comes from {row['source']}, not from crates.io",
            hint="vendor it by hand: docs/how-to/package-rust.md",
        )
    checksum = str(row.get("checksum", ""))
    if not _CHECKSUM.fullmatch(checksum):
        raise RefusedError(
            f"Cargo.lock has no checksum of the crate {name}",
            hint="write it with a newer cargo: cargo generate-lockfile",
        )
    if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version)):
        raise RefusedError(f"Cargo.lock names an impossible crate: {name!r} {version!r}")
    return Crate(name, version, checksum)


def _read_lock(source: Path, lock: str) -> str:
    if source.is_dir():
        source = source / lock
    if not source.is_file():
        raise NotFoundError(f"there is no file {source}")
    if not _ARCHIVE.search(source.name):
        with source.open("rb") as file:
            content: bytes | None = file.read(_MAX_LOCK_BYTES)
    elif (content := SourceArchive(source).read(lock)) is None:
        raise NotFoundError(
            f"{source.name} contains no {lock}",
            hint="name its path below the top folder with --lock, or make one with"
            " cargo generate-lockfile and give that file",
        )
    return (content or b"").decode(errors="replace")


def _stem(source: Path) -> str:
    """Return the beginning of the archive's name: the source's name without its suffix."""
    if _ARCHIVE.search(source.name):
        return _ARCHIVE.sub("", source.name)
    return (source if source.is_dir() else source.parent).resolve().name


def _address(template: str, crate: Crate) -> str:
    """Fill in a template of config.json.

    >>> _address("https://x/{prefix}/{crate}-{version}", Crate("Serde", "1.0+a", ""))
    'https://x/Se/rd/Serde-1.0+a'
    """
    prefix = _prefix(crate.name)
    values = {
        "crate": crate.name,
        "version": quote(crate.version, safe="+"),
        "prefix": prefix,
        "lowerprefix": prefix.lower(),
        "sha256-checksum": crate.checksum,
    }
    return _MARKER.sub(lambda match: values[match[1]], template)


def _prefix(name: str) -> str:
    """Return the folder of a crate in an index.

    >>> _prefix("a"), _prefix("ab"), _prefix("abc"), _prefix("abcd")
    ('1', '2', '3/a', 'ab/cd')
    """
    if len(name) < 3:
        return str(len(name))
    return f"3/{name[0]}" if len(name) == 3 else f"{name[:2]}/{name[2:4]}"
