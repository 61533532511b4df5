"""The RPMs that a repository at a URL offers; their files are verified when they are downloaded."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from rdo import atomic
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.publish.contents import DEBUG
from rdo.publish.references import REPOMD
from rdo.tools.packaging.download import download_file
from rdo.tools.rpm.listing import ListedFile, read_listing

_REPOMD_BYTES, _METADATA_BYTES, _RPM_BYTES = 1_000_000, 1_000_000_000, 4_000_000_000
_AGAIN = "run the command again: it keeps what has arrived"


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file of a repository: its URL, size and checksum."""

    url: str
    listed: ListedFile

    @property
    def key(self) -> str:
        """A name that only files with this content have."""
        return f"{self.listed.algorithm}-{self.listed.checksum}"

    def is_in(self, place: Path) -> bool:
        """Whether a file has the expected content."""
        if not place.is_file():
            return False
        with place.open("rb") as file:
            found = hashlib.file_digest(file, self.listed.algorithm).hexdigest()
        return found == self.listed.checksum


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of downloaded files, named by their content; it outlives a kill."""

    folder: Path

    def has(self, offered: OfferedFile) -> bool:
        """Whether a file is here already."""
        return offered.is_in(self.folder / offered.key)

    def take(self, offered: OfferedFile, *, max_bytes: int = _RPM_BYTES) -> Path:
        """Return the path of a file here; download it unless that was done before.

        Raises NotFoundError, OutsideError or RefusedError; a file with wrong content is not kept.
        """
        place = self.folder / offered.key
        if self.has(offered):
            return place
        size = offered.listed.size or max_bytes
        if size > max_bytes:
            raise RefusedError(f"{offered.url} is larger than {max_bytes} bytes")
        part = place.with_suffix(".part")
        part.unlink(missing_ok=True)
        try:
            download_file(offered.url, part, max_bytes=size)
        except OutsideError as error:
            raise OutsideError(str(error), hint=_AGAIN) from error
        if not offered.is_in(part):
            part.unlink()
            raise RefusedError(
                f"{offered.url} is not the file that its repository lists: "
                f"its {offered.listed.algorithm} differs",
                hint="tell whoever runs that server; nothing was imported",
            )
        atomic.sync(part)
        part.replace(place)
        return place


def offered_rpms(address: str, folder: Path) -> dict[str, OfferedFile]:
    """Return the RPMs that a repository lists, by their path in a hash directory.

    Those of its debuginfo repository begin with `debug/`. Metadata is downloaded into `folder`.
    Raises NotFoundError, OutsideError or RefusedError for metadata that cannot be used.
    """
    found = _offered(address, folder, "")
    with contextlib.suppress(NotFoundError):  # most have none
        found |= _offered(f"{address}/{DEBUG}", folder, f"{DEBUG}/")
    return found


def _offered(address: str, folder: Path, prefix: str) -> dict[str, OfferedFile]:
    index = folder / "repomd.xml"
    index.unlink(missing_ok=True)
    download_file(f"{address}/{REPOMD}", index, max_bytes=_REPOMD_BYTES)
    try:
        primary = [one for one in read_listing(index, ".xml") if one.kind == "primary"]
        if len(primary) != 1:
            raise RefusedError("it lists no packages")  # noqa: TRY301
        wanted = OfferedFile(f"{address}/{quote(primary[0].location)}", primary[0])
        file = _arrived(wanted, folder)
        listed = read_listing(file, PurePosixPath(primary[0].location).suffix)
    except RefusedError as error:
        raise RefusedError(f"cannot use {address}/{REPOMD}: {error}") from error
    found: dict[str, OfferedFile] = {}
    for one in listed:
        name = one.location.rpartition("/")[2]
        if found.setdefault(f"{prefix}{name}", _file(address, one)).listed != one:
            raise RefusedError(f"cannot use {address}/{REPOMD}: it lists two files {name}")
    return found


def _arrived(wanted: OfferedFile, folder: Path) -> Path:
    """Return metadata; if the repository names it and lacks it, this is not a NotFoundError."""
    try:
        return Shelf(folder).take(wanted, max_bytes=_METADATA_BYTES)
    except NotFoundError as error:
        raise RefusedError(str(error)) from error


def _file(address: str, listed: ListedFile) -> OfferedFile:
    return OfferedFile(f"{address}/{quote(listed.location, safe='/+~')}", listed)
