"""The files of a hash directory, written before it is moved to its place."""

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.dlrn.formats import (
    CommitRecord,
    DlrnStatus,
    commit_yaml,
    delorean_repo,
    installed,
    versions_csv,
)
from rdo.model.artifact import Artifact
from rdo.model.build import Failed
from rdo.model.repo_file import MIRRORLIST, NOT_SIGNED, RepoTrust, mirrorlist
from rdo.publish import pool
from rdo.publish.contents import DEBUG, Contents
from rdo.publish.references import snapshots
from rdo.publish.site import Site
from rdo.repodata import Composer, RepositoryEntry
from rdo.store.work.builds import Build

_LOG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.log")
_SRPM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.src\.rpm")


@dataclass(frozen=True, slots=True)
class SourceFolders:
    """The git folders of a build's sources, as commit.yaml names them."""

    repo_dir: str = ""
    distgit_dir: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """The texts with which a repository describes itself.

    `name` distinguishes it in its .repo file: it is the upstream hash. `revision` is the time of
    its repodata, `trust` the signatures that its clients require.
    """

    name: str
    revision: int
    trust: RepoTrust = NOT_SIGNED


def write_repository(
    folder: Path, contents: Contents, site: Site, composer: Composer, label: Label
) -> None:
    """Write what dnf reads: the link to the pool, repodata, .repo file, versions.csv."""
    _write_repodata(folder, contents, composer, label.revision)
    say_where(folder, site, contents.path)
    (folder / "versions.csv").write_text(versions_csv(contents.rows))
    _write_repo_file(folder / f"{site.reponame}.repo", contents, site, site.reponame, label)


def say_where(folder: Path, site: Site, path: PurePosixPath) -> None:
    """Write the file that gives the repository's own address to a host that came by a name."""
    atomic.write_file(folder / MIRRORLIST, mirrorlist(site.url(path)))


def write_debug_repository(
    folder: Path, contents: Contents, site: Site, composer: Composer, label: Label
) -> None:
    """Write the debuginfo repository, with its own .repo file beside the other."""
    (folder / DEBUG).mkdir()
    _write_repodata(folder / DEBUG, contents, composer, label.revision)
    reponame = f"{site.reponame}-{DEBUG}"
    place = folder / f"{reponame}.repo"
    _write_repo_file(place, contents, site, reponame, label)
    place.write_text(place.read_text().replace("enabled=1", "enabled=0"))  # for clients that ask


def _write_repodata(folder: Path, contents: Contents, composer: Composer, revision: int) -> None:
    up = os.path.relpath(pool.NAME, contents.path)
    (folder / pool.NAME).symlink_to(up)
    composer.write(
        folder,
        [(pool.href(artifact), fragment) for artifact, fragment in contents.own.items()],
        [
            RepositoryEntry(stored.id, stored.package, pool.href(stored.artifact))
            for stored in contents.others
        ],
        revision=revision,
    )


def _write_repo_file(
    place: Path, contents: Contents, site: Site, reponame: str, label: Label
) -> None:
    text = delorean_repo(
        reponame=reponame,
        project_name=site.project_name,
        commit_hash=label.name,
        url=site.url(contents.path),
        component=contents.component,
        trust=label.trust,
    )
    place.write_text(text)


def copy_dependencies(folder: Path, repo_file: Path) -> None:
    """Copy the current .repo file of the dependencies, so that the repository stays usable.

    The copy names a snapshot, which never changes; the file at the top of the tree is updated.
    """
    if repo_file.exists():
        shutil.copyfile(repo_file, folder / repo_file.name)


def write_success(
    folder: Path,
    build: Build,
    rpms: Mapping[Artifact, Path],
    path: PurePosixPath,
    origin: SourceFolders,
) -> None:
    """Write the files about the build: its RPMs as hard links, `installed`, commit.yaml."""
    link_rpms(folder, rpms)
    files = tuple(f"repos/{path}/{_own_place(artifact)}" for artifact in rpms)
    record = _record(build, DlrnStatus.SUCCESS, origin, rpms=files)
    (folder / "commit.yaml").write_text(commit_yaml(record))
    (folder / "installed").write_text(installed(build.commit))


def link_rpms(folder: Path, rpms: Mapping[Artifact, Path]) -> None:
    """Hard-link the RPMs of a build, which are in the pool, into its hash directory."""
    for artifact, place in rpms.items():
        pool.link(place, folder / _own_place(artifact))


def keep_others(old: Path, folder: Path, dependencies: Path) -> None:
    """Keep a repository's files other than RPMs, repodata and its own .repo files.

    The repository keeps its snapshot in the folder `dependencies`, unless the current snapshot has
    the same RPMs and differs only by signatures.
    """
    before, now = (_snapshot_rpms(one, dependencies) for one in (old, folder))
    for file in _regular_files(old):
        new = folder / file.name
        is_kept = file.name == "versions.csv" or (_is_of_dependencies(file) and before != now)
        if file.suffix == ".rpm" or (new.exists() and not is_kept):
            continue
        new.unlink(missing_ok=True)
        pool.link(file, new)


def _is_of_dependencies(file: Path) -> bool:
    return file.name.endswith("-deps.repo")


def _snapshot_rpms(repository: Path, dependencies: Path) -> frozenset[str]:
    """Return the RPMs of the snapshots that a repository names."""
    places = (dependencies / name for name in snapshots(repository))
    return frozenset(rpm.name for place in places for rpm in place.glob("*.rpm"))


def _own_place(artifact: Artifact) -> PurePosixPath:
    """Return the path of a build's RPM in its hash directory."""
    return PurePosixPath(DEBUG if artifact.is_debug else "", artifact.file_name)


def write_failure(folder: Path, build: Build, failure: Failed, origin: SourceFolders) -> None:
    """Write commit.yaml and notes.log of a failed build."""
    notes = f"{failure.reason}: {failure.detail}"
    record = _record(build, DlrnStatus.of(failure), origin, notes=notes)
    (folder / "commit.yaml").write_text(commit_yaml(record))
    (folder / "notes.log").write_text(f"{notes}\n")


def link_logs(folder: Path, build_folder: Path, *, with_srpm: bool = False) -> None:
    """Hard-link the logs of a build into `folder`.

    The files of a build are not trusted: only regular files with plain names are taken.
    """
    for file in _regular_files(build_folder):
        if _LOG.fullmatch(file.name) or (with_srpm and _SRPM.fullmatch(file.name)):
            pool.link(file, folder / file.name)
            (folder / file.name).chmod(0o644)


def sync(folder: Path) -> None:
    """Sync what was written in `folder` to the disk; the RPMs are synced already."""
    written = [path for path in folder.rglob("*") if not path.is_symlink()]
    files = (path for path in written if path.suffix not in {".rpm", ".log"})
    atomic.sync(*files, folder, folder.parent)


def _regular_files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                yield Path(entry.path)


def _record(
    build: Build,
    status: DlrnStatus,
    origin: SourceFolders,
    *,
    rpms: tuple[str, ...] = (),
    notes: str = "OK",
) -> CommitRecord:
    return CommitRecord(
        id=build.id,
        commit=build.commit,
        status=status,
        built=build.release_date,
        rpms=rpms,
        notes=notes,
        repo_dir=origin.repo_dir,
        distgit_dir=origin.distgit_dir,
    )
