"""The store of source archives: each is made once for all targets of a release.

Code of the upstream makes an archive, so it is shared only between builds of the same package, at
the same commits, for the same release. Whoever takes an archive verifies its checksum first.
"""

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rdo import atomic
from rdo.checksum import sha256_of
from rdo.errors import CancelledError, RefusedError
from rdo.lock import hold
from rdo.model.build import BuildJob
from rdo.model.packed_archive import PackedArchive, SharedArchives
from rdo.roots import inside
from rdo.tools.git.mirror import Mirror
from rdo.tools.walls.removal import remove_tree

if TYPE_CHECKING:
    from pydantic import TypeAdapter

log = logging.getLogger(__name__)

KEPT = 10
"""How many archives of a package are kept: the most recently used ones."""
WAIT_SECONDS = 1800.0
"""How long a build waits while another one makes the archive; then it makes its own."""

_ARCHIVE, _RECORD = "archive", "record.json"
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class ArchiveShelf:
    """The stored archives of one package for one release, in a folder of ours."""

    folder: Path

    @classmethod
    def of(cls, shared: SharedArchives, package: str) -> "ArchiveShelf":
        """Return the stored archives of a package; its name may contain any character."""
        return cls(shared.folder / hashlib.sha256(package.encode()).hexdigest()[:16])

    @contextlib.contextmanager
    def turn(self, is_cancelled: Callable[[], bool]) -> Iterator[None]:
        """Give builds their turns to look for an archive, and to make it if there is none.

        Raises CancelledError if the build is cancelled while it waits.
        """
        until = time.monotonic() + WAIT_SECONDS
        with contextlib.ExitStack() as stack:
            while time.monotonic() < until:
                try:
                    stack.enter_context(
                        hold(self.folder / "making.lock", purpose="making a source archive")
                    )
                    break
                except RefusedError:
                    if is_cancelled():
                        raise CancelledError("the build was cancelled") from None
                    time.sleep(_LOOK_SECONDS)
            yield

    def find(self, key: str, place: Path) -> PackedArchive | None:
        """Copy an archive to `place` and return its data; None if there is none.

        An archive with a wrong checksum is removed.
        """
        entry = self.folder / key
        if not entry.is_dir():
            return None
        try:
            archive = _adapter().validate_json((entry / _RECORD).read_bytes())
            place.unlink(missing_ok=True)
            atomic.link_or_copy(entry / _ARCHIVE, place)
            if sha256_of(place) == archive.sha256:
                os.utime(entry)
                return archive
        except (FileNotFoundError, ValueError) as error:
            log.debug("the record of a source archive", exc_info=error)
        log.warning("a source archive that was kept is damaged and is made again: %s", entry)
        place.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):  # somebody else removed it
            remove_tree(entry)
        return None

    def put(self, key: str, file: Path, archive: PackedArchive) -> None:
        """Store an archive, and remove those that have not been used for a long time."""
        with atomic.new_directory(self.folder / key) as new:
            atomic.link_or_copy(file, new / _ARCHIVE)
            (new / _RECORD).write_text(json.dumps(asdict(archive), indent=1))
        used = sorted(
            (one.parent for one in self.folder.glob(f"[!.]*/{_RECORD}")),
            key=lambda one: one.stat().st_mtime,
        )
        for old in used[:-KEPT]:
            with contextlib.suppress(FileNotFoundError):  # somebody else removed it
                remove_tree(old)


def key_of(job: BuildJob) -> str:
    """Return a key for everything that a job's archive depends on, besides its build backend.

    The key covers tags, because backends ask git for the version; it covers all refs if tags are
    taken from another branch.
    """
    mirror, commit = Mirror(job.upstream), job.commit
    refs = mirror.refs().items() if job.version_from else mirror.tags_before(commit.upstream_hash)
    parts = [
        *program_checksums(),
        *(part or "" for part in commit.key),
        job.spec_hash,
        job.overlay.commit if job.overlay else "",
        job.distgit_path,
        str(int(commit.source_date.timestamp())),
        job.version_from or "",
        *(f"{name} {hash_}" for name, hash_ in sorted(refs)),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def program_checksums() -> tuple[str, ...]:
    """Return the checksums of our programs that make archives; they differ between versions."""
    folder = Path(inside.__file__).parent
    return tuple(sha256_of(file) for file in sorted(folder.rglob("*.py")))


@cache
def _adapter() -> "TypeAdapter[PackedArchive]":
    from pydantic import TypeAdapter  # only builds need it

    return TypeAdapter(PackedArchive)
