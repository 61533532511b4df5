"""A client of lookaside caches (rpkg's protocol): look up, upload, download and verify files."""

import errno
import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from rdo import cancellation
from rdo.errors import CancelledError, CommandError, NotFoundError, OutsideError, RefusedError
from rdo.http_retry import status_may_pass, with_retries
from rdo.lookaside.layout import Layout
from rdo.lookaside.sources_file import SourceEntry

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

PART = ".part"
_AT_ONCE = 5
_TIMEOUT_SECONDS = 60.0
_ADD = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_UNAUTHORIZED = "Dist-git request is unauthorized."


@dataclass(frozen=True, slots=True)
class LookasideCache:
    """A lookaside cache.

    `urls` are for downloads, mirrors last; `upload_url` is for uploads, empty if there are none.
    `user` and `password` are for basic auth; without them ~/.netrc is read.
    """

    urls: Sequence[str]
    upload_url: str = ""
    layout: Layout = Layout.FEDORA
    user: str = ""
    password: str = ""
    sleep: Callable[[float], None] | None = None

    def has(self, package: str, entry: SourceEntry, branch: str = "") -> bool:
        """Whether the cache has a file; raises OutsideError if it does not answer."""
        form = self._form(package, entry, branch) | {"filename": entry.name}
        answer = self._post({name: (None, value) for name, value in form.items()}).strip()
        if answer not in {"Available", "Missing"}:
            raise OutsideError(
                f"{self.upload_url} gave no answer about {entry.name}: {answer[:200]}"
            )
        return answer == "Available"

    def serves(self, package: str, entry: SourceEntry, branch: str = "") -> bool:
        """Whether anybody can download the file, without a login; raises OutsideError."""
        path = quote(self.layout.path(package, entry, branch), safe="/")
        for url in self.urls:
            place = f"{url.rstrip('/')}/{path}"
            with self._session(place) as client:
                answer = client.head(place, headers={"Accept-Encoding": "identity"})
            if answer.status_code >= 500:
                raise OutsideError(f"{place} failed ({answer.status_code})")
            if answer.status_code < 400:
                return True
        return False

    def upload(self, package: str, entry: SourceEntry, file: Path, branch: str = "") -> bool:
        """Upload a file; return False if the cache has it already.

        Raises OutsideError if the cache cannot be reached, RefusedError if it rejects the file.
        """
        if self.has(package, entry, branch):
            return False
        form = self._form(package, entry, branch) | {"mtime": str(int(file.stat().st_mtime))}
        with file.open("rb") as content:
            parts: dict[str, object] = {name: (None, value) for name, value in form.items()}
            self._post(parts | {"file": (entry.name, content)})
        return True

    def download(self, package: str, entry: SourceEntry, place: Path, branch: str = "") -> None:
        """Download a file to `place`, where it appears only after its hash was verified.

        An interrupted download is resumed. Raises NotFoundError if no server of the cache has the
        file, RefusedError for a wrong hash, OutsideError if no server answers.
        """
        path = quote(self.layout.path(package, entry, branch), safe="/")
        error: Exception | None = None
        for url in self.urls:
            try:
                self._download(f"{url.rstrip('/')}/{path}", entry, place)
            except (NotFoundError, OutsideError, RefusedError) as met:
                log.debug("%s", met)
                error = error or met
            else:
                return
        raise error or RefusedError("this site has no lookaside cache")

    def download_all(
        self, package: str, entries: Collection[tuple[SourceEntry, Path]], branch: str = ""
    ) -> None:
        """Download several files, five at a time; raises the first error when all have ended."""

        def one(wanted: tuple[SourceEntry, Path]) -> None:
            self.download(package, *wanted, branch)

        cancellation.in_threads(one, entries, at_once=_AT_ONCE, name="lookaside")

    def _download(self, url: str, entry: SourceEntry, place: Path) -> None:
        part = place.with_name(f".{place.name}{PART}")
        changed = with_retries(
            partial(self._fetch, url, part),
            entry.name,
            may_pass=lambda error: isinstance(error, OutsideError),
            sleep=self.sleep,
        )
        with os.fdopen(_open(part, os.O_RDONLY), "rb") as content:
            found = entry.hash_type.digest_of(content)
        if found != entry.digest:
            part.unlink()
            raise RefusedError(
                f"{url} has the {entry.hash_type} {found}; `sources` says {entry.digest}",
                hint="the cache is damaged or was attacked; tell its operator",
            )
        if changed is not None:
            os.utime(part, (changed, changed))
        part.replace(place)

    def _fetch(self, url: str, part: Path) -> float | None:
        """Download the rest of a partial file; return the time of its last change on the server."""
        with os.fdopen(_open(part, _ADD), "ab") as begun:
            have = begun.tell()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with self._session(url) as client, client.stream("GET", url, headers=headers) as answer:
            if answer.status_code == 416:  # we have all of it, or it belongs to another file
                return None
            if answer.status_code == 404:
                raise NotFoundError(f"{url} does not exist")
            _raise_for_status(answer, url)
            is_rest = answer.status_code == 206
            with os.fdopen(_open(part, _ADD if is_rest else _ADD | os.O_TRUNC), "ab") as file:
                _copy(answer, file, url)
            return _moment(answer.headers.get("last-modified", ""))

    def _form(self, package: str, entry: SourceEntry, branch: str) -> dict[str, str]:
        where = {"branch": branch} if self.layout is Layout.CENTOS else {}
        return {"name": package, f"{entry.hash_type}sum": entry.digest, **where}

    def _post(self, parts: dict[str, object]) -> str:
        if not self.upload_url:
            raise RefusedError("this site takes no uploads")
        with self._session(self.upload_url) as client:
            answer = client.post(self.upload_url, files=parts)  # type: ignore[arg-type]
            _raise_for_status(answer, self.upload_url)
            return answer.text

    @contextmanager
    def _session(self, url: str) -> "Iterator[httpx.Client]":
        import httpx  # the import takes 0.1 s

        login = httpx.BasicAuth(self.user, self.password) if self.user else None
        try:
            with httpx.Client(
                timeout=_TIMEOUT_SECONDS, follow_redirects=True, auth=login or _netrc()
            ) as client:
                yield client
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OutsideError(f"cannot reach {url}: {error or type(error).__name__}") from error


def _open(path: Path, flags: int) -> int:
    """Open a file for a download, but never through a link, which a distgit may contain."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedError(f"{path.name} is a link", hint="remove it") from error
        raise


def _netrc() -> "httpx.Auth | None":
    import httpx

    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return httpx.NetRCAuth(str(file)) if file.is_file() else None
    except SyntaxError as error:  # includes netrc's own error
        raise CommandError(f"{file} cannot be read: {error}") from error


def _raise_for_status(answer: "httpx.Response", url: str) -> None:
    """Raise the error that corresponds to the server's HTTP status."""
    status = answer.status_code
    if status < 400:
        return
    said = answer.read().decode(errors="replace").strip().partition("\n")[0][:200]
    if status in {401, 403}:
        raise RefusedError(
            said if status == 403 and said else _UNAUTHORIZED,
            hint="give a user and password of this cache in ~/.netrc",
        )
    if not status_may_pass(status):
        raise RefusedError(f"{url} refused it ({status}): {said}")
    raise OutsideError(f"{url} failed ({status}): {said}", hint="run the command again")


def _copy(answer: "httpx.Response", file: IO[bytes], url: str) -> None:
    announced = answer.headers.get("content-length", "")
    size = 0
    for chunk in answer.iter_raw():  # as it arrives, so that an interruption loses nothing
        if cancellation.current.get()():
            raise CancelledError("cancelled")
        size += len(chunk)
        file.write(chunk)
    if announced.isdigit() and size != int(announced):
        raise OutsideError(f"{url}: the server sent {size} of {announced} bytes")


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
