"""List and download source archives on a Python package index.

Reads the simple repository API (PEP 503 and 691) of the index that pip is configured for. pip
itself is not used, because it runs a project's build code to download its sdist.
"""

import contextlib
import hashlib
import json
import ssl
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from rdo import cancellation
from rdo.errors import CancelledError, NotFoundError, OutsideError, RefusedError
from rdo.http_retry import with_retries
from rdo.tools.packaging.pip_config import IndexSettings

if TYPE_CHECKING:
    import httpx

# Only the JSON form has upload times, so it is requested; the other form is accepted too.
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
_NO_VERSION = Version("0")  # of a file whose name has not been parsed yet
MAX_PAGE_BYTES = 64 * 2**20
MAX_SDIST_BYTES = 512 * 2**20
_PAGES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Sdist:
    """One source archive as the index describes it.

    `uploaded` is None if the index does not say.
    """

    file_name: str
    version: Version
    url: str
    sha256: str
    uploaded: datetime | None = None
    is_yanked: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """The files of a project on the indexes.

    `sdists` are its source archives, one per version, lowest version first; `wheels` are the names
    of all its wheels.
    """

    sdists: tuple[Sdist, ...] = ()
    wheels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """The configured indexes, asked in order."""

    settings: IndexSettings

    def sdists(self, project: str) -> list[Sdist]:
        """Return the source archives of a project, one per version, lowest version first.

        Raises NotFoundError if no index has the project, OutsideError if an index cannot be read.
        """
        with self._client() as client:
            offer = self._offer(client, project)
        if offer is None:
            raise NotFoundError(f"no package index has a project {project}")
        return list(offer.sdists)

    def offers(self, projects: Iterable[str]) -> dict[str, Offer]:
        """Return the indexes' files for each project; projects that no index has are left out.

        Several pages are read at once. Raises OutsideError if an index cannot be read.
        """
        wanted = tuple(projects)
        with self._client() as client, ThreadPoolExecutor(_PAGES_AT_ONCE) as pool:
            offers = pool.map(lambda project: self._offer(client, project), wanted)
            return {
                name: offer for name, offer in zip(wanted, offers, strict=True) if offer is not None
            }

    def _offer(self, client: "httpx.Client", project: str) -> Offer | None:
        found: dict[Version, Sdist] = {}
        wheels: dict[str, None] = {}
        known = False
        for index in self.settings.urls:
            page = _page(client, f"{index}/{canonicalize_name(project)}/")
            if page is None:
                continue
            known = True
            for row in _rows(page):
                if row.file_name.endswith(".whl"):
                    wheels[row.file_name] = None
                elif sdist := _sdist(row, project):
                    found.setdefault(sdist.version, sdist)
        sdists = tuple(found[version] for version in sorted(found))
        return Offer(sdists, tuple(wheels)) if known else None

    def download(self, sdist: Sdist, file: Path) -> None:
        """Download an archive: afterwards `file` is complete, or it does not exist.

        Raises RefusedError if its checksum is wrong or missing, OutsideError if the index does not
        send all of it.
        """
        if not sdist.sha256:
            raise RefusedError(f"the package index has no sha256 for {sdist.file_name}")
        file.unlink(missing_ok=True)
        new = file.with_name(f".{file.name}.part")
        try:
            with _translated_errors(sdist.url):
                digest = with_retries(partial(self._copy, sdist.url, new), sdist.file_name)
            if digest != sdist.sha256:
                raise RefusedError(
                    f"the sha256 of {sdist.file_name} differs from the package index's"
                )
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)

    def _copy(self, url: str, place: Path) -> str:
        """Copy a file of an index to `place`, and return its sha256."""
        digest = hashlib.sha256()
        with place.open("wb") as out:
            for chunk in self._chunks(url, MAX_SDIST_BYTES):
                digest.update(chunk)
                out.write(chunk)
        return digest.hexdigest()

    def _chunks(self, url: str, limit: int) -> Iterator[bytes]:
        if url.startswith("file:"):
            yield _local(url).read_bytes()
            return
        with self._client() as client, client.stream("GET", url) as response:
            response.raise_for_status()
            yield from _bounded(response, url, limit)

    def _client(self) -> "httpx.Client":
        import httpx  # the import takes 0.1 s, and only packages from PyPI need it

        certificates = self.settings.certificates
        context = ssl.create_default_context(cafile=certificates) if certificates else True
        return httpx.Client(
            verify=context,
            proxy=self.settings.proxy,
            timeout=self.settings.timeout_seconds,
            follow_redirects=True,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """An index's page about a project, as it was received."""

    content_type: str
    body: bytes
    url: str


def _page(client: "httpx.Client", url: str) -> Page | None:
    """Return an index's page about a project; None if it has none."""
    with _translated_errors(url):
        return with_retries(partial(_read_page, client, url), url)


def _read_page(client: "httpx.Client", url: str) -> Page | None:
    if url.startswith("file:"):
        file = _local(url) / "index.html"
        return Page("text/html", file.read_bytes(), url) if file.is_file() else None
    with client.stream("GET", url, headers={"Accept": _ACCEPT}) as response:
        if response.status_code == 404:
            return None
        response.raise_for_status()
        body = b"".join(_bounded(response, url, MAX_PAGE_BYTES))
        return Page(response.headers.get("content-type", ""), body, str(response.url))


def _rows(page: Page) -> Iterator[Sdist]:
    """Yield all files of a page, before their versions are parsed.

    Raises OutsideError if the page cannot be parsed.
    """
    is_json = page.content_type.partition(";")[0].strip().endswith("json")
    return _json_rows(page) if is_json else _html_rows(page)


def _sdist(row: Sdist, project: str) -> Sdist | None:
    """Return a source archive of the project with its version; None for any other file."""
    try:
        name, version = parse_sdist_filename(row.file_name)
    except (InvalidSdistFilename, InvalidVersion):
        return None
    return replace(row, version=version) if name == canonicalize_name(project) else None


def _json_rows(page: Page) -> Iterator[Sdist]:
    try:
        files = json.loads(page.body)["files"]
        for file in files:
            yield Sdist(
                file_name=file["filename"],
                version=_NO_VERSION,
                url=urljoin(page.url, file["url"]),
                sha256=file.get("hashes", {}).get("sha256", ""),
                uploaded=_moment(file.get("upload-time")),
                is_yanked=file.get("yanked", False) is not False,
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutsideError(f"{page.url} is not a page of a package index: {error!r}") from error


def _html_rows(page: Page) -> Iterator[Sdist]:
    reader = _AnchorReader()
    reader.feed(page.body.decode(errors="replace"))
    for attributes in reader.anchors:
        url, fragment = urldefrag(urljoin(page.url, attributes.get("href") or ""))
        digest = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
        file_name = unquote(urlsplit(url).path).rpartition("/")[2]
        yield Sdist(file_name, _NO_VERSION, url, digest, is_yanked="data-yanked" in attributes)


class _AnchorReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append(dict(attrs))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _local(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _bounded(response: "httpx.Response", url: str, limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in response.iter_bytes():
        if cancellation.current.get()():
            raise CancelledError(f"cancelled: {url}")
        size += len(chunk)
        if size > limit:
            raise RefusedError(f"{url} is larger than {limit // 2**20} MiB")
        yield chunk


@contextlib.contextmanager
def _translated_errors(url: str) -> Iterator[None]:
    """Turn network errors into errors that a user can act on."""
    import httpx

    try:
        yield
    except httpx.HTTPStatusError as error:
        answer = error.response
        raise OutsideError(f"{url} answers {answer.status_code} {answer.reason_phrase}") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise OutsideError(f"{url}: {error or type(error).__name__}") from error
