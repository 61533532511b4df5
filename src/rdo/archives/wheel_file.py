"""Check a wheel against the rules of the format, and against the project and version requested.

The rules are PyPA's binary distribution format: the file's name, the one `.dist-info` folder, its
METADATA and its RECORD must all name the requested project and version, and RECORD must list each
file once with the hash of its content.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterable
from email.parser import BytesHeaderParser
from pathlib import Path, PurePosixPath
from typing import IO

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from rdo.archives.zip_entries import ZipEntry, content, read_content, read_entries

_MAX_METADATA = 4 * 2**20
_MAX_RECORD = 32 * 2**20
_HASHES = ("sha256", "sha384", "sha512")
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_SCHEMES = frozenset({"purelib", "platlib", "headers", "scripts", "data"})


def check_wheel(path: Path, project: str, version: str) -> None:
    """Raise ValueError, with one reason, unless the file is a valid wheel of this version."""
    with path.open("rb") as file:
        check_open_wheel(file, path.name, project, version)


def check_open_wheel(file: IO[bytes], name: str, project: str, version: str) -> None:
    """Raise ValueError unless an open file, called `name`, is a valid wheel of this version."""
    _check_file_name(name, project, version)
    files = [entry for entry in read_entries(file) if not entry.is_folder]
    info = _info_folder(files, project, version)
    known = {entry.name: entry for entry in files}
    for part in ("METADATA", "WHEEL", "RECORD"):
        if f"{info}/{part}" not in known:
            raise ValueError(f"it has no {info}/{part}")
    _check_metadata(
        read_content(file, known[f"{info}/METADATA"], limit=_MAX_METADATA), project, version
    )
    _check_tags(read_content(file, known[f"{info}/WHEEL"], limit=_MAX_METADATA))
    _check_data(known, info, project, version)
    _check_record(file, known, info)


def _check_file_name(name: str, project: str, version: str) -> None:
    try:
        found, number, _, _ = parse_wheel_filename(name)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise ValueError(f"{name[:200]!a} is not the name of a wheel") from error
    if found != canonicalize_name(project) or number != Version(version):
        raise ValueError(f"{name[:200]!a} is not the name of {project} {version}")


def _info_folder(files: Iterable[ZipEntry], project: str, version: str) -> str:
    """Return the name of the only `.dist-info` folder of the wheel."""
    tops = {PurePosixPath(entry.name).parts[0] for entry in files if "/" in entry.name}
    found = sorted(top for top in tops if top.lower().endswith(".dist-info"))
    if len(found) != 1:
        raise ValueError("it has no .dist-info folder" if not found else f"it has {found!a}")
    _check_folder(found[0], ".dist-info", project, version)
    return found[0]


def _check_folder(folder: str, ending: str, project: str, version: str) -> None:
    name, _, number = folder.removesuffix(ending).rpartition("-")
    if (
        not folder.endswith(ending)
        or canonicalize_name(name) != canonicalize_name(project)
        or not _is_version(number.replace("_", "-"), version)
    ):
        raise ValueError(f"its folder {folder[:200]!a} is not that of {project} {version}")


def _is_version(text: str, version: str) -> bool:
    try:
        return Version(text) == Version(version)
    except InvalidVersion:
        return False


def _check_metadata(text: bytes, project: str, version: str) -> None:
    headers = BytesHeaderParser().parsebytes(text)
    for header in ("Name", "Version"):
        if len(headers.get_all(header, [])) != 1:
            raise ValueError(f"its METADATA must have one {header}")
    name, number = str(headers["Name"]).strip(), str(headers["Version"]).strip()
    if canonicalize_name(name) != canonicalize_name(project) or not _is_version(number, version):
        raise ValueError(
            f"its METADATA is of {name[:100]!a} {number[:100]!a}, not of {project} {version}"
        )


def _check_tags(text: bytes) -> None:
    headers = BytesHeaderParser().parsebytes(text)
    if str(headers["Wheel-Version"] or "").partition(".")[0].strip() != "1":
        raise ValueError("its WHEEL is not of version 1 of the format")
    if str(headers["Root-Is-Purelib"] or "").strip().lower() not in {"true", "false"}:
        raise ValueError("its WHEEL does not say whether it is pure Python")


def _check_data(names: Iterable[str], info: str, project: str, version: str) -> None:
    """Check the `.data` folder, whose files are installed outside the modules' folder."""
    for name in names:
        top, *rest = PurePosixPath(name).parts
        if not top.lower().endswith(".data") or not rest:
            continue
        if top != f"{info.removesuffix('.dist-info')}.data":
            _check_folder(top, ".data", project, version)
        scheme, *inside = rest
        if scheme not in _SCHEMES or not inside:
            raise ValueError(f"{name[:200]!a} is in no folder that wheels have")
        if scheme == "scripts" and len(inside) != 1:
            raise ValueError(f"{name[:200]!a} is a program in a folder of its own")
        if scheme == "data" and inside[0] in {"lib", "lib64"}:
            raise ValueError(f"{name[:200]!a} would go among the files of other packages")


def _check_record(file: IO[bytes], known: dict[str, ZipEntry], info: str) -> None:
    """Compare the names and hashes in RECORD with the files."""
    own = f"{info}/RECORD"
    rows = _rows(read_content(file, known[own], limit=_MAX_RECORD))
    signatures = {f"{info}/{name}" for name in _SIGNATURES}
    if unknown := sorted(rows.keys() - known.keys()):
        raise ValueError(f"its RECORD names {unknown[0][:200]!a}, which it does not have")
    if lacking := sorted(known.keys() - rows.keys() - signatures - {own}):
        raise ValueError(f"its RECORD does not name {lacking[0][:200]!a}")
    for name, (digest, size) in rows.items():
        if name != own and name not in signatures:
            _check_content(file, known[name], digest, size)


def _rows(record: bytes) -> dict[str, tuple[str, str]]:
    """Return the hash and size of each file in RECORD, by name."""
    found: dict[str, tuple[str, str]] = {}
    try:
        for row in csv.reader(io.StringIO(record.decode("utf-8"), newline=""), strict=True):
            if not row:
                continue
            if len(row) != 3:
                raise ValueError(f"a line of its RECORD has {len(row)} fields instead of 3")
            name, digest, size = row
            if name in found:
                raise ValueError(f"its RECORD names {name[:200]!a} twice")
            found[name] = (digest, size)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"its RECORD cannot be read: {error}") from error
    return found


def _check_content(file: IO[bytes], entry: ZipEntry, digest: str, size: str) -> None:
    kind, _, value = digest.partition("=")
    if kind not in _HASHES:
        raise ValueError(f"its RECORD has no hash of {entry.name[:200]!a}")
    if size and size != str(entry.size):
        raise ValueError(f"its RECORD has another size of {entry.name[:200]!a}")
    computed = hashlib.new(kind)
    for chunk in content(file, entry):
        computed.update(chunk)
    if base64.urlsafe_b64encode(computed.digest()).rstrip(b"=").decode() != value.rstrip("="):
        raise ValueError(f"its RECORD has another hash of {entry.name[:200]!a}")
