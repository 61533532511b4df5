"""Files of a lookaside cache: asked for, uploaded, downloaded and checked (rpkg's protocol)."""

import errno
import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from rdo import cancellation
from rdo.errors import CancelledError, CommandError, NotFoundError, OutsideError, RefusedError
from rdo.lookaside.layout import Layout
from rdo.lookaside.sources_file import SourceEntry

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

PART = ".part"
_AT_ONCE = 5
_WAITS = (1.0, 3.0)
"""Seconds before the second and the third try."""
_TIMEOUT_SECONDS = 60.0
_ADD = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_UNAUTHORIZED = "Dist-git request is unauthorized."


@dataclass(frozen=True, slots=True)
class LookasideCache:
    """A lookaside cache.

    `urls` are where it is downloaded from, mirrors last; `upload_url` is where files are sent to,
    empty if nowhere. `user` and `password` are for basic auth; without them ~/.netrc is asked.
    """

    urls: Sequence[str]
    upload_url: str = ""
    layout: Layout = Layout.FEDORA
    user: str = ""
    password: str = ""
    sleep: Callable[[float], None] = time.sleep

    def has(self, package: str, entry: SourceEntry, branch: str = "") -> bool:
        """Whether the cache has a file; raises OutsideError if it does not say."""
        form = self._form(package, entry, branch) | {"filename": entry.name}
        answer = self._post({name: (None, value) for name, value in form.items()}).strip()
        if answer not in {"Available", "Missing"}:
            raise OutsideError(
                f"{self.upload_url} gave no answer about {entry.name}: {answer[:200]}"
            )
        return answer == "Available"

    def serves(self, package: str, entry: SourceEntry, branch: str = "") -> bool:
        """Whether the file can be downloaded, as nobody in particular; raises OutsideError."""
        path = quote(self.layout.path(package, entry, branch), safe="/")
        for url in self.urls:
            place = f"{url.rstrip('/')}/{path}"
            with self._speaking(place) as client:
                answer = client.head(place, headers={"Accept-Encoding": "identity"})
            if answer.status_code >= 500:
                raise OutsideError(f"{place} failed ({answer.status_code})")
            if answer.status_code < 400:
                return True
        return False

    def upload(self, package: str, entry: SourceEntry, file: Path, branch: str = "") -> bool:
        """Upload a file; return False if the cache has it already.

        Raises OutsideError if the cache cannot be reached, RefusedError if it does not take it.
        """
        if self.has(package, entry, branch):
            return False
        form = self._form(package, entry, branch) | {"mtime": str(int(file.stat().st_mtime))}
        with file.open("rb") as content:
            parts: dict[str, object] = {name: (None, value) for name, value in form.items()}
            self._post(parts | {"file": (entry.name, content)})
        return True

    def download(self, package: str, entry: SourceEntry, place: Path, branch: str = "") -> None:
        """Download a file to `place`; it has its name only when its hash is right.

        What an interrupted download left is gone on with. Raises NotFoundError if no server of the
        cache has it, RefusedError for a wrong hash, OutsideError.
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
        for wait in (*_WAITS, None):
            try:
                changed = self._fetch(url, part)
                break
            except OutsideError:
                if wait is None:
                    raise
                log.info("trying again to download %s", entry.name)
                self.sleep(wait)
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
        """Add what is missing to a part of a file; return when the server says it was changed."""
        with os.fdopen(_open(part, _ADD), "ab") as begun:
            have = begun.tell()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with self._speaking(url) as client, client.stream("GET", url, headers=headers) as answer:
            if answer.status_code == 416:  # all of it is here, or another file was
                return None
            if answer.status_code == 404:
                raise NotFoundError(f"{url} does not exist")
            _heed(answer, url)
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
        with self._speaking(self.upload_url) as client:
            answer = client.post(self.upload_url, files=parts)  # type: ignore[arg-type]
            _heed(answer, self.upload_url)
            return answer.text

    @contextmanager
    def _speaking(self, url: str) -> "Iterator[httpx.Client]":
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
    """Open a file that is being downloaded, but not through a link, which a distgit may bring."""
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
    except SyntaxError as error:  # netrc's own kind of it
        raise CommandError(f"{file} cannot be read: {error}") from error


def _heed(answer: "httpx.Response", url: str) -> None:
    """Raise what an error of the server means for its user."""
    status = answer.status_code
    if status < 400:
        return
    said = answer.read().decode(errors="replace").strip().partition("\n")[0][:200]
    if status in {401, 403}:
        raise RefusedError(
            said if status == 403 and said else _UNAUTHORIZED,
            hint="give a user and password of this cache in ~/.netrc",
        )
    if status < 500 and status not in {408, 429}:
        raise RefusedError(f"{url} refused it ({status}): {said}")
    raise OutsideError(f"{url} failed ({status}): {said}", hint="run the command again")


def _copy(answer: "httpx.Response", file: IO[bytes], url: str) -> None:
    announced = answer.headers.get("content-length", "")
    size = 0
    for chunk in answer.iter_raw():  # as it comes, so that all of it is kept
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
