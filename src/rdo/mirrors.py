"""Our copies of git remotes: one bare mirror per URL, shared by all targets.

A poll asks all remotes at once for their refs and fetches only what moved. An unreachable remote is
a value, not an error; its mirror stays and is used as it was.
"""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rdo import atomic
from rdo.cancellation import in_threads
from rdo.errors import CancelledError, UserError, in_short
from rdo.lock import hold
from rdo.model.text.url import without_secret
from rdo.tools.git.mirror import Mirror, ls_remote

log = logging.getLogger(__name__)

_AT_ONCE = 16
_SEEN = "rdo-refs.json"


@dataclass(frozen=True, slots=True)
class Reached:
    """A remote that answered, and the mirror that now has the same refs."""

    url: str
    mirror: Mirror
    refs: Mapping[str, str]
    has_moved: bool


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A remote that did not answer; `last` is what our mirror saw before, if there is one."""

    url: str
    reason: str
    last: Reached | None = None


Polled: TypeAlias = Reached | Unreachable


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The folder of all mirrors."""

    folder: Path

    def path(self, url: str) -> Path:
        """Return the path of a URL's mirror: a readable part, then a unique one.

        >>> Mirrors(Path("m")).path("https://example.test/openstack/nova.git").name
        'nova-18a07808b570.git'
        """
        readable = re.sub(r"[^A-Za-z0-9._-]", "", url.rstrip("/").rpartition("/")[2])
        name = readable.removesuffix(".git").lstrip(".-")[:60] or "mirror"
        return self.folder / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.git"

    def lock_path(self, url: str) -> Path:
        """Return the lock file of a URL's mirror."""
        return self.path(url).with_suffix(".lock")

    def poll(self, urls: Iterable[str]) -> dict[str, Polled]:
        """Ask every remote once, at most 16 at the same time, and fetch what moved."""
        todo = sorted(set(urls))
        answers = in_threads(self._poll_one, todo, at_once=_AT_ONCE, name="poll")
        return dict(zip(todo, answers, strict=True))

    def last_seen(self, url: str) -> Reached | None:
        """Return the content of a URL's mirror, without asking the remote."""
        path = self.path(url)
        if not path.is_dir():
            return None
        seen = _read_seen(path) or Mirror(path).refs()
        return Reached(url, Mirror(path), seen, has_moved=False)

    def fault(self, url: str) -> str:
        """Return the fault of a URL's mirror.

        Empty if there is none, or no mirror yet.
        """
        path = self.path(url)
        if not path.is_dir():
            return ""
        mirror = Mirror(path)
        if fault := mirror.fault():
            return fault
        seen = _read_seen(path)
        return (
            ""
            if seen is None or seen == mirror.refs()
            else "its branches differ from those of the last poll"
        )

    def set_aside(self, url: str) -> None:
        """Move a damaged mirror aside, so that the next poll makes a new one.

        It is not deleted: it may be the last copy of commits that the remote has dropped.
        """
        path = self.path(url)
        with hold(
            self.lock_path(url), purpose=f"fixing the mirror of {without_secret(url)}", wait=True
        ):
            if Mirror(path).fault():
                path.rename(path.with_name(f"{path.name}.damaged-{path.stat().st_ino}"))
            else:
                (path / _SEEN).unlink(missing_ok=True)  # so that it is fetched again

    def unused(self, urls: Iterable[str], before: float) -> list[Path]:
        """Return the mirrors of other URLs that were not fetched since `before` (from time())."""
        return unused_mirrors(self.folder, {self.path(url) for url in urls}, _SEEN, before)

    def _poll_one(self, url: str) -> Polled:
        try:
            return self._refresh(url)
        except CancelledError:
            raise
        except UserError as error:
            reason = reason_of(error)
            log.warning("%s cannot be reached: %s", without_secret(url), reason)
            return Unreachable(url, reason, self.last_seen(url))
        except OSError as error:  # no space, or a damaged mirror
            log.warning("cannot write the mirror of %s: %s", without_secret(url), error)
            return Unreachable(url, f"cannot write its mirror: {error.strerror}")
        except Exception as error:
            log.warning("cannot follow %s", without_secret(url), exc_info=error)
            return Unreachable(url, f"rdo cannot handle it: {in_short(error)}")

    def _refresh(self, url: str) -> Reached:
        path = self.path(url)
        if path.is_dir():
            Mirror(path).forget_secrets()
        remote = ls_remote(url)
        if path.is_dir() and _read_seen(path) == remote:
            return Reached(url, Mirror(path), remote, has_moved=False)
        with hold(self.lock_path(url), purpose=f"fetching {without_secret(url)}", wait=True):
            if path.is_dir() and _read_seen(path) == remote:  # another target has just fetched it
                return Reached(url, Mirror(path), remote, has_moved=True)
            if path.is_dir():
                mirror = Mirror(path)
                mirror.fetch(url)
            else:
                mirror = Mirror.clone(url, path)
            # Not ls-remote's answer, because the remote may have moved again before the fetch.
            refs = mirror.refs()
            atomic.write_file(path / _SEEN, json.dumps(refs, indent=0))
        log.info("fetched %s", without_secret(url))
        return Reached(url, mirror, refs, has_moved=True)


def reason_of(error: UserError) -> str:
    """Return the most informative line of git's error, for a report of one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines[1:] if line.startswith(("fatal:", "error:", "ssh:"))]
    said = [line for line in said if "No space left" in line] or said
    return without_secret((said or lines)[0])


def unused_mirrors(folder: Path, used: Collection[Path], mark: str, before: float) -> list[Path]:
    """Return the mirrors in a folder that are not used and whose `mark` is older than `before`."""
    return [
        path
        for path in sorted(folder.glob("*.git*"))
        if path.is_dir()
        and path not in used
        and path.suffix != ".fetch"  # a running fetch is writing this one
        and _last_fetch(path, mark) < before
    ]


def remove_mirror(path: Path) -> None:
    """Remove a mirror that nothing follows, and its lock file."""
    aside = path.with_name(f".{path.name}.removed")
    lock_file = path.with_suffix(".lock")
    with hold(lock_file, purpose=f"removing {path.name}", wait=True):
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
    lock_file.unlink(missing_ok=True)
    shutil.rmtree(aside)


def _last_fetch(path: Path, mark: str) -> float:
    seen = path / mark
    return (seen if seen.exists() else path).stat().st_mtime


def _read_seen(path: Path) -> dict[str, str] | None:
    try:
        seen = json.loads((path / _SEEN).read_text())
    except (FileNotFoundError, ValueError):  # killed before it was written, or damaged
        return None
    return seen if isinstance(seen, dict) else None
