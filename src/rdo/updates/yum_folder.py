"""A yum repository in one folder; RPMs are added and removed while others install from it.

Its list is the folder `.listed`: one file per RPM, with its fragment of metadata. An RPM is put in
its place first, then listed, then new repodata replaces the old by one rename, so a reader never
finds an entry without its file. What is removed from the list stays on disk, and the files of older
repodata stay for a day, for clients that are downloading them.
"""

import json
import logging
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rdo import atomic, lock
from rdo.checksum import sha256_of
from rdo.errors import RefusedError
from rdo.model.artifact import Artifact, Fragment
from rdo.model.nevra import Nevra
from rdo.model.rpm_order import compare_evr
from rdo.publish.references import REPOMD
from rdo.publish.signed import sign
from rdo.repodata import Composer, RepositoryEntry, read_rpms
from rdo.signing import Signer

log = logging.getLogger(__name__)

LISTED = ".listed"
_SEGMENTS = ".segments"
_UNSIGNED = "unsigned-sha256"
_READ_AT_ONCE = 200
_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class ListedRpm:
    """An RPM of the repository: its file, its artifact, and the hash of its content."""

    file_name: str
    nevra: Nevra
    sha256: str


@dataclass(frozen=True, slots=True)
class YumFolder:
    """The repository in `folder`; with a `signer`, RPMs and metadata are signed."""

    folder: Path
    signer: Signer | None = None

    def listed(self) -> list[ListedRpm]:
        """Return the RPMs of the repository, by file name."""
        if not (self.folder / LISTED).is_dir():
            return []
        names = (entry.name for entry in _files(self.folder / LISTED))
        found = [_from_name(name) for name in names if not name.startswith(".")]
        return sorted(found, key=lambda one: one.file_name)

    def newest(self) -> dict[tuple[str, str], Nevra]:
        """Return the newest RPM of each name and architecture."""
        found: dict[tuple[str, str], Nevra] = {}
        for one in self.listed():
            key = one.nevra.name, one.nevra.arch
            if key not in found or compare_evr(_evr(one.nevra), _evr(found[key])) > 0:
                found[key] = one.nevra
        return found

    def collisions(self, rpms: Sequence[Path]) -> list[str]:
        """Return the file names of RPMs that exist with other content.

        A signed copy counts as having the content of the original RPM.
        """
        known = {one.file_name: one for one in self.listed()}
        there = [(path, known[path.name]) for path in rpms if path.name in known]
        return [
            path.name
            for path, one in there
            if sha256_of(path) not in {one.sha256, self._row(_to_name(one)).get(_UNSIGNED)}
        ]

    def add(self, rpms: Sequence[Path]) -> tuple[str, ...]:
        """Add RPMs, and publish the repository with them; existing ones are left alone.

        Raises RefusedError, without changing anything, for an RPM that may not be published, or
        that exists with other content.
        """
        with self._alone():
            if bad := self.collisions(rpms):
                raise RefusedError(f"{self.folder} has another {', '.join(bad)}")
            read = read_rpms(rpms)
            names = {one.file_name for one in self.listed()}
            new = {
                one.artifact: (path, one.fragment)
                for path, one in zip(rpms, read, strict=True)
                if one.artifact.file_name not in names
            }
            if self.signer is not None and new:
                self._place_signed(self.signer, new)
            else:
                for artifact, (path, fragment) in new.items():
                    self._place(path, artifact, fragment)
            self._publish()
            return tuple(one.artifact.file_name for one in read)

    def take_out(self, names: Collection[str]) -> None:
        """Publish the repository without these RPMs; their files stay."""
        with self._alone():
            for one in self.listed():
                if one.file_name in names:
                    (self.folder / LISTED / _to_name(one)).unlink(missing_ok=True)
            self._publish()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock.hold(self.folder / ".lock", purpose="rdo update", wait=True):
            self._adopt()
            yield

    def _adopt(self) -> None:
        """List the RPMs of a repository that another program has made."""
        if (self.folder / LISTED).is_dir():
            return
        found = sorted(self.folder.glob("*.rpm"))
        if found:
            log.info("reading the %d RPMs of %s, once", len(found), self.folder)
        with atomic.new_directory(self.folder / LISTED) as fresh:
            for begin in range(0, len(found), _READ_AT_ONCE):
                for one in read_rpms(found[begin : begin + _READ_AT_ONCE]):
                    _list(fresh, one.artifact, one.fragment)

    def _place_signed(self, signer: Signer, rpms: Mapping[Artifact, tuple[Path, Fragment]]) -> None:
        """Add signed copies; raises SigningError, adding none, if one cannot be signed."""
        fragments = {artifact: fragment for artifact, (_, fragment) in rpms.items()}
        paths = {artifact.file_name: path for artifact, (path, _) in rpms.items()}
        work = self.folder / ".being-signed"
        shutil.rmtree(work, ignore_errors=True)  # left by a killed push
        try:
            for artifact, fragment in sign(signer, fragments, paths, work).items():
                self._place(work / artifact.file_name, artifact, fragment)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _place(self, path: Path, artifact: Artifact, fragment: Fragment) -> None:
        place = self.folder / artifact.file_name
        new = self.folder / f".{place.name}.new"
        shutil.copyfile(path, new)
        atomic.sync(new)
        new.replace(place)
        _list(self.folder / LISTED, artifact, fragment)

    def _publish(self) -> None:
        listed = self.listed()
        names = {int(one.sha256[:15], 16): _to_name(one) for one in listed}
        entries = [
            RepositoryEntry(int(one.sha256[:15], 16), one.nevra.name, one.file_name)
            for one in listed
        ]

        def fetch(keys: Collection[int]) -> Mapping[int, Fragment]:
            return {key: self._fragment(names[key]) for key in keys}

        fresh = self.folder / ".publishing"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        newest = max((one.stat().st_mtime for one in _files(self.folder / LISTED)), default=0)
        Composer(fetch, self.folder / _SEGMENTS).write(
            fresh, [], entries, revision=max(int(newest), self._revision() + 1)
        )
        if self.signer is not None:
            self.signer.pinned().sign_files([fresh / REPOMD])
        self._keep_old(fresh / "repodata")
        atomic.sync(*(fresh / "repodata").iterdir(), fresh / "repodata")
        atomic.place_directory(fresh / "repodata", self.folder / "repodata")
        shutil.rmtree(fresh)

    def _keep_old(self, fresh: Path) -> None:
        """Keep files of older repodata for a day, for clients that have read the old repomd.xml."""
        old, now = self.folder / "repodata", time.time()
        if not old.is_dir():
            return
        current = (self.folder / REPOMD).read_text()
        for entry in _files(old):
            if entry.name.startswith("repomd.xml") or (fresh / entry.name).exists():
                continue
            if entry.name in current:
                os.utime(entry.path, (now, now))  # it counts as old from now on
            elif now - entry.stat().st_mtime > _KEPT_SECONDS:
                continue
            atomic.link_or_copy(Path(entry.path), fresh / entry.name)

    def _revision(self) -> int:
        try:
            return int((self.folder / REPOMD).stat().st_mtime)
        except FileNotFoundError:
            return 0

    def _fragment(self, name: str) -> Fragment:
        row = self._row(name)
        row.pop(_UNSIGNED, None)
        return Fragment(**row)

    def _row(self, name: str) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / LISTED / name).read_text())
        return found


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _list(folder: Path, artifact: Artifact, fragment: Fragment) -> None:
    one = ListedRpm(artifact.file_name, artifact.nevra, artifact.sha256)
    row = asdict(fragment)
    if artifact.unsigned_sha256:
        row[_UNSIGNED] = artifact.unsigned_sha256
    atomic.write_file(folder / _to_name(one), json.dumps(row), is_synced=True)


def _to_name(one: ListedRpm) -> str:
    return f"{one.nevra.epoch}:{one.file_name}:{one.sha256}"


def _from_name(name: str) -> ListedRpm:
    epoch, file_name, sha256 = name.split(":")
    return ListedRpm(file_name, Nevra.parse(f"{epoch}:{file_name}"), sha256)


def _evr(nevra: Nevra) -> tuple[str, str, str]:
    return str(nevra.epoch), nevra.version, nevra.release
