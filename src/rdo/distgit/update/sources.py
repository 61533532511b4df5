"""The source files of a spec: download them, and verify them with the key that it names."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rdo.atomic import write_file
from rdo.distgit.verb.desk import Desk
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.package_index import PackageIndex
from rdo.spec.text import PREAMBLE, SpecText
from rdo.tools.packaging.archive_test import fault_of_archive, is_archive
from rdo.tools.packaging.download import download
from rdo.tools.packaging.gpg import Gpg
from rdo.tools.packaging.pip_config import index_settings

log = logging.getLogger(__name__)

MAX_BYTES = 512 * 2**20
# The path of an archive on PyPI, on any host: `%{pypi_source}`, or a file's own URL.
_OF_PYPI = re.compile(r"/packages/(source/\w/|\w{2}/\w{2}/)[^/]+/[^/]+$")
_SOURCE = re.compile(r"^[ \t]*Source(\d*)[ \t]*:[ \t]*(\S.{0,2000}?)\s*$", re.IGNORECASE)
_VERIFY = re.compile(r"gpgverify\S{0,9}((?:[\s\\]+--\w+[= ]\S+){1,20})")
_OPTION = re.compile(r"--(keyring|signature|data)[= ]['\"]?([^\s'\"]+)")


@dataclass(frozen=True, slots=True)
class SourceTag:
    """A `Source` tag with its macros expanded; `url` is empty for a file in the distgit."""

    number: int
    file: str
    url: str = ""


def sources(desk: Desk) -> list[SourceTag]:
    """Return the sources as rpm sees them, in order, with the file names that rpm gives them.

    Raises RefusedError for a source that does not name a file.
    """
    names = desk.spec.reading().sources
    return [_source(number, value, names) for number, value in source_values(desk.spec.parsed())]


def source_values(parsed: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the value of each source in a spec whose macros are expanded."""
    lines = SpecText.parse(parsed.encode(errors="surrogateescape")).read()
    following = 0
    for line in lines:
        is_tag = line.section in {PREAMBLE, "package"}
        if match := _SOURCE.match(line.text) if is_tag else None:
            number = int(match[1]) if match[1] else following
            following = number + 1
            yield number, match[2]
    listed = [line.text.strip() for line in lines if line.section == "sourcelist"]
    files = (text for text in listed if text and not text.startswith(("#", "%")))
    yield from enumerate(files, following)


def _source(number: int, value: str, names: Sequence[str]) -> SourceTag:
    """Return a source; its name is the longest of rpm's `names` that its value ends with."""
    name = max((one for one in names if value.endswith(one)), key=len, default="")
    if not name or "/" in name or name.startswith((".", "-")):
        raise RefusedError(f"Source{number} does not name a file: {value}")
    return SourceTag(number, name, value.partition("#")[0] if "://" in value else "")


def take(desk: Desk, *, only_first: bool = False) -> list[Path]:
    """Download missing sources, and return the new files.

    Raises NotFoundError for a spec without sources, or a missing file without a URL.
    """
    found = sources(desk)
    if not found:
        raise NotFoundError("the .spec file has no Source")
    new = []
    is_of_index = "pypi_source" in str(desk.spec.text())
    for source in found[:1] if only_first else found:
        file = desk.spec.sources_folder / source.file
        on_index = is_of_index and source.number == 0 and not source.url
        if file.exists():
            log.info("%s already present", source.file)
        elif not source.url and not on_index:
            raise NotFoundError(f"File not found: {source.file}; its Source has no URL")
        elif desk.clone.is_dry:
            log.info("would download %s", source.url or source.file)
        else:
            desk.clone.will_write(file, None)
            _download(source, file, on_index=on_index)
            new.append(file)
    return new


def _download(source: SourceTag, file: Path, *, on_index: bool) -> None:
    """Download one file; use pip's package index for an archive on PyPI, if the index has it."""
    if on_index or _OF_PYPI.search(urlsplit(source.url).path):
        if _from_index(file):
            return
        if on_index:
            raise NotFoundError(f"File not found: {source.file}; PyPI has no such archive")
    log.info("downloading %s", source.url)
    content = download(source.url, max_bytes=MAX_BYTES)
    if fault := fault_of_archive(file.name, content):
        what = "archive" if is_archive(file.name) else "file"
        raise OutsideError(
            f"{source.url} is not the {what} {file.name}: {fault}",
            hint="nothing was written; run the command again, or correct the URL",
        )
    write_file(file, content)


def _from_index(file: Path) -> bool:
    """Download an archive from the package index, which knows its hash; return whether it did."""
    index = PackageIndex(index_settings())
    try:
        known = {sdist.file_name: sdist for sdist in index.sdists(file.name.rpartition("-")[0])}
    except (NotFoundError, OutsideError) as error:
        log.debug("not on the index: %s", error)
        return False
    if file.name not in known:
        return False
    log.info("downloading %s", known[file.name].url)
    index.download(known[file.name], file)
    return True


@dataclass(frozen=True, slots=True)
class Signed:
    """A file with its signature and the trusted keys, as the spec names them."""

    data: Path
    signature: Path
    keys: Path


def signed_files(desk: Desk) -> list[Signed]:
    """Return the files that `%{gpgverify}` in %prep checks."""
    parsed = desk.spec.parsed()
    found = []
    for call in _VERIFY.finditer(parsed):
        options = {name: Path(value).name for name, value in _OPTION.findall(call[1])}
        if {"keyring", "signature", "data"} <= options.keys() and options["data"] != "-":
            found.append(
                Signed(
                    desk.spec.sources_folder / options["data"],
                    desk.spec.sources_folder / options["signature"],
                    desk.spec.sources_folder / options["keyring"],
                )
            )
    return found


def verify(desk: Desk, gpg: Gpg | None = None) -> Sequence[str]:
    """Verify every signature that the spec names; return who signed what.

    Raises NotFoundError for a missing file, and BadSignatureError.
    """
    said = []
    for signed in signed_files(desk):
        for file in (signed.data, signed.signature, signed.keys):
            if not file.exists():
                raise NotFoundError(
                    f"File not found: {file.name}; the spec needs it to verify a signature"
                )
        who = (gpg or Gpg()).verify(signed.keys, signed.signature, signed.data)
        said.append(f"{signed.data.name}: good signature from {who}")
    return said
