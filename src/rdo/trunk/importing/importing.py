"""Import what another instance, DLRN or rdo, has built: one commit, or a whole repository.

Only URLs that rdo.toml allows are read, and no redirect is followed. Downloads are treated like the
results of a builder: limited in size, compared with the checksums of their repository, read by a
child, and refused if they replace what others own. Everything is downloaded and verified before
anything is recorded. One transaction records it; if we are killed after that, the next import or
round publishes the rest.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import lock
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.model.build import Built, Failed, FailureReason
from rdo.model.commit import Commit
from rdo.publish.pool import link
from rdo.store import Transaction
from rdo.store.work.builds import Build
from rdo.tools.packaging.download import download_file
from rdo.tools.signing.rpm_signature import badly_signed
from rdo.trunk.admitted import Admission, admission_of
from rdo.trunk.context import Trunk
from rdo.trunk.importing.addresses import check_address, top_of
from rdo.trunk.importing.described import (
    RemoteCommit,
    VersionsLine,
    read_commits,
    read_versions,
)
from rdo.trunk.importing.offered import OfferedFile, Shelf, offered_rpms
from rdo.trunk.settling import publish_build, publish_failed
from rdo.trunk.telling import events

log = logging.getLogger(__name__)

LOGS = ("build.log", "mock.log", "root.log", "rpmbuild.log", "state.log")
_YAML_BYTES, _VERSIONS_BYTES, _LOG_BYTES = 1_000_000, 16_000_000, 200_000_000
_NAMED = 5


@dataclass(frozen=True, slots=True)
class ImportedCommit:
    """A commit with its build, or None if the commit or a newer one exists here already."""

    commit: Commit
    build_id: int | None = None


@dataclass(frozen=True, slots=True)
class RepositoryImport:
    """The result of importing a repository; for a dry run, `would` and the bytes to download."""

    address: str
    commits: tuple[ImportedCommit, ...]
    would: tuple[Commit, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Source:
    """The files that another instance offers for commits: each RPM by its commit and path."""

    offered: Mapping[tuple[Commit, str], OfferedFile]

    @classmethod
    def of(cls, remotes: Sequence[RemoteCommit], rpms: Mapping[str, OfferedFile]) -> "_Source":
        """Find the RPMs of commits among those of a repository.

        Raises RefusedError for an RPM that the repository does not list, or that belongs to two
        commits.
        """
        found: dict[tuple[Commit, str], OfferedFile] = {}
        owners: dict[str, RemoteCommit] = {}
        for one in remotes:
            for name in one.rpms:
                if name not in rpms:
                    raise RefusedError(
                        f"{one.address}/commit.yaml names {name}, "
                        "which the metadata of the repository does not list"
                    )
                if (owner := owners.setdefault(name, one)) is not one:
                    raise RefusedError(f"{owner.commit} and {one.commit} both name {name}")
                found[one.commit, name] = rpms[name]
        return cls(found)

    def of_commit(self, remote: RemoteCommit) -> Iterator[tuple[str, OfferedFile]]:
        """Yield the file name of each RPM of a commit, and the offered file."""
        for name in remote.rpms:
            yield name.rpartition("/")[2], self.offered[remote.commit, name]


def import_commits(trunk: Trunk, url: str, allowed: Sequence[str]) -> list[ImportedCommit]:
    """Import the commit that the repository at a URL was made for, and publish it.

    A commit is left out if the package has a newer one, in upstream and distgit. Raises
    ConfigError, RefusedError, NotFoundError or OutsideError; then commits that were not imported
    leave nothing behind.
    """
    address = check_address(url, allowed)
    place = trunk.folder / "importing"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        remotes = _commits_at(trunk, address, folder)
        rpms = offered_rpms(address, folder) if any(one.is_good for one in remotes) else {}
        return _import(trunk, remotes, _Source.of(remotes, rpms), folder)


def import_repository(
    trunk: Trunk,
    url: str,
    allowed: Sequence[str],
    *,
    commit: str = "",
    key: bytes = b"",
    dry_run: bool = False,
) -> RepositoryImport:
    """Import the packages of the repository at a URL, and publish them.

    `commit` selects those whose upstream hash begins like this; with a `key` each RPM must be
    signed by it. A package is left out if it has a newer commit here. Raises ConfigError,
    RefusedError, NotFoundError or OutsideError, and then has imported nothing; downloaded files are
    kept for the next try.
    """
    address = check_address(url, allowed)
    place = trunk.folder / "importing" / "repository"
    with tempfile.TemporaryDirectory(prefix="rdo-import-") as name:
        if dry_run:
            remotes, source = _offer(trunk, address, allowed, commit, Path(name))
            shelf, (wanted, _) = Shelf(place), _wanted(trunk, remotes)
            files = [one for each in wanted for _, one in source.of_commit(each)]
            size = sum(one.listed.size for one in files if not shelf.has(one))
            would = {one.commit for one in wanted}
            known = tuple(ImportedCommit(one.commit) for one in remotes if one.commit not in would)
            return RepositoryImport(address, known, tuple(one.commit for one in wanted), size)
        purpose = f"rdo repo import --target {trunk.name}"
        with lock.hold(trunk.folder / "importing.lock", purpose=purpose):
            remotes, source = _offer(trunk, address, allowed, commit, Path(name))
            place.mkdir(parents=True, exist_ok=True)
            done = _import(trunk, remotes, source, place, key)
            shutil.rmtree(place)
    return RepositoryImport(address, tuple(done))


def _offer(
    trunk: Trunk, address: str, allowed: Sequence[str], commit: str, folder: Path
) -> tuple[list[RemoteCommit], _Source]:
    """Return the selected commits of a repository, oldest build first, and their RPMs."""
    versions = folder / "versions.csv"
    download_file(f"{address}/versions.csv", versions, max_bytes=_VERSIONS_BYTES)
    lines = [
        one
        for one in read_versions(versions.read_bytes(), f"{address}/versions.csv")
        if one.upstream_hash.startswith(commit)
    ]
    if not lines:
        raise NotFoundError(f"{address}/versions.csv has no commit {commit}")
    if unknown := [one.package for one in lines if one.package not in trunk.packages]:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise RefusedError(
            f"{trunk.name} has no package {', '.join(unknown[:_NAMED])}{more}",
            hint="add it to the metadata, or choose with --commit",
        )
    rpms = offered_rpms(address, folder)
    remotes = [_commit_of(trunk, one, top_of(address), allowed, folder) for one in lines]
    remotes.sort(key=lambda one: one.built)
    return remotes, _Source.of(remotes, rpms)


def _commit_of(
    trunk: Trunk, line: VersionsLine, top: str, allowed: Sequence[str], folder: Path
) -> RemoteCommit:
    """Return the commit in a line of versions.csv, as its hash directory describes it."""
    address = check_address(f"{top}/{line.directory}", allowed)
    for one in _commits_at(trunk, address, folder):
        if line.is_of(one.commit) and one.is_good:
            return one
    raise RefusedError(f"{address}/commit.yaml has no good build of {line.package}")


def _commits_at(trunk: Trunk, address: str, folder: Path) -> list[RemoteCommit]:
    file = folder / "commit.yaml"
    file.unlink(missing_ok=True)
    download_file(f"{address}/commit.yaml", file, max_bytes=_YAML_BYTES)
    return list(read_commits(trunk, file.read_bytes(), address))


def _import(
    trunk: Trunk,
    remotes: Sequence[RemoteCommit],
    source: _Source,
    folder: Path,
    key: bytes = b"",
) -> list[ImportedCommit]:
    """Download what is wanted, check all of it, record it in one transaction, and publish it."""
    trunk.tree.journal.recover()  # a killed import may have begun a change of the tree
    wanted, left = _wanted(trunk, remotes)
    ready = folder / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir()
    places = [ready / str(number) for number in range(len(wanted))]
    for one, place in zip(wanted, places, strict=True):
        _fetch(one, source, Shelf(folder), place)
    if key:
        _check_signatures(ready, key)
    admission = admission_of(trunk, {}, ())
    outcomes = [_outcome(admission, *each) for each in zip(wanted, places, strict=True)]
    builds = trunk.store.change(
        lambda at: [
            _record(at, trunk, *each) for each in zip(wanted, outcomes, places, strict=True)
        ]
    )
    for build in left:  # left by a killed import
        publish_build(trunk, build)
    for build, outcome in zip(builds, outcomes, strict=True):
        if isinstance(outcome, Built):
            publish_build(trunk, build, outcome.read)
        else:
            publish_failed(trunk, build)
        log.info("imported %s as build %d", build.commit, build.id)
    numbers = {build.commit.key: build.id for build in (*left, *builds)}
    return [ImportedCommit(one.commit, numbers.get(one.commit.key)) for one in remotes]


def _wanted(
    trunk: Trunk, remotes: Sequence[RemoteCommit]
) -> tuple[list[RemoteCommit], list[Build]]:
    """Return the commits to import, and the unpublished builds of the others."""
    wanted: list[RemoteCommit] = []
    with trunk.store.read() as at:
        waiting = {build.commit.key: build for build in at.builds.unpublished(trunk.name)}
        left = [waiting[one.commit.key] for one in remotes if one.commit.key in waiting]
        for one in remotes:
            commit = one.commit
            if commit.key in waiting:
                continue
            last = at.commits.newest(trunk.name, commit.package)
            built = at.builds.published_of(
                trunk.name, commit.upstream_hash, commit.distgit_hash, commit.extended_hash
            )
            is_older = last and commit.upstream_time <= last.upstream_time
            if built or (last and is_older and commit.distgit_time <= last.distgit_time):
                log.info("%s is not imported: it or a newer commit is here", commit)
            else:
                wanted.append(one)
    return wanted, left


def _fetch(remote: RemoteCommit, source: _Source, shelf: Shelf, place: Path) -> None:
    """Download the RPMs and logs of a commit into a folder; missing logs are left out."""
    place.mkdir()
    for name, offered in source.of_commit(remote):
        link(shelf.take(offered), place / name)
    for name in LOGS:
        try:
            download_file(f"{remote.address}/{name}", place / name, max_bytes=_LOG_BYTES)
        except (NotFoundError, OutsideError):
            (place / name).unlink(missing_ok=True)


def _check_signatures(folder: Path, key: bytes) -> None:
    rpms = sorted(folder.glob("*/*.rpm"))
    if bad := badly_signed(rpms, [key], folder):
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        raise RefusedError(
            f"not signed by the key: {', '.join(one.name for one in bad[:_NAMED])}{more}",
            hint="nothing was imported; compare the key with the one that the other side publishes",
        )


def _outcome(admission: Admission, remote: RemoteCommit, folder: Path) -> Built | Failed:
    """Return the outcome with the headers of its RPMs; RefusedError if they are not admitted."""
    if not remote.is_good:
        return Failed(FailureReason.UNKNOWN, remote.notes)
    built = Built(tuple(folder / name.rpartition("/")[2] for name in remote.rpms))
    outcome = admission.of(remote.commit.package, built)
    if isinstance(outcome, Failed):
        raise RefusedError(outcome.detail)
    return outcome


def _record(
    at: Transaction, trunk: Trunk, remote: RemoteCommit, outcome: Built | Failed, folder: Path
) -> Build:
    """Record the build as ended, so that no round starts it.

    Its folder exists before the transaction ends; after a kill, the next round publishes it.
    """
    planned = at.builds.plan(trunk.name, remote.commit, now=remote.built, as_newest=True)
    settled = events.settle(at, planned, outcome, now=trunk.now())
    place = trunk.build_folder(settled)
    shutil.rmtree(place, ignore_errors=True)  # left by a transaction that was not committed
    place.mkdir(parents=True)
    for file in folder.iterdir():
        link(file, place / file.name)
    return settled
