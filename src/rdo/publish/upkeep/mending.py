"""Repair a damaged tree; each repair is carried out like a publication."""

import logging
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.checksum import sha256_of
from rdo.dlrn.layout import component_directory
from rdo.errors import RefusedError
from rdo.model.artifact import Artifact
from rdo.publish import pool, signed
from rdo.publish.change import Aggregate, Link, TreeChange, carry_out
from rdo.publish.consistent import set_digest
from rdo.publish.contents import Contents
from rdo.publish.names import CONSISTENT, CURRENT
from rdo.publish.references import DamagedError, has_repodata, hrefs, offered, parts
from rdo.publish.signed import SignatureFault
from rdo.publish.site import Members
from rdo.publish.tree import Tree
from rdo.store import Store
from rdo.store.given.repositories import Repository

log = logging.getLogger(__name__)


def fault_of(
    directory: Path,
    reponame: str,
    sums: dict[Path, str],
    signature_fault: SignatureFault = signed.no_fault,
) -> str:
    """Return why a client could not use a repository; empty if it can.

    `sums` caches the checksums of files, so that each file is read once; `signature_fault` returns
    the fault of the signature of a folder's repodata.
    """
    if not directory.is_dir():
        return "is not there"
    file = directory / f"{reponame}.repo"
    if not file.is_file():
        return "has no .repo file"
    if "repo_gpgcheck=1" in file.read_text(errors="replace").split():
        found = (signature_fault(folder) for folder in parts(directory))
        if fault := next(filter(None, found), ""):
            return fault
    try:
        return next(_faults(directory, sums), "")
    except DamagedError as error:
        return str(error)


def _faults(directory: Path, sums: dict[Path, str]) -> Iterator[str]:
    for folder in parts(directory):
        for href in sorted(hrefs(folder)):
            place = folder / href
            if not place.is_file():
                yield f"offers {href}, which is not there"
            elif (wanted := _pooled_sum(href)) and _sum(place, sums) != wanted:
                yield f"offers {href}, whose content is damaged"


def _pooled_sum(href: str) -> str:
    words = href.split("/")
    return words[1] if words[0] == pool.NAME and len(words) == 3 else ""


def _sum(place: Path, sums: dict[Path, str]) -> str:
    real = place.resolve()
    if real not in sums:
        sums[real] = sha256_of(real)
    return sums[real]


def is_intact(place: Path, artifact: Artifact, sums: dict[Path, str]) -> bool:
    """Whether an RPM has the right length and content; `sums` caches checksums as in `fault_of`."""
    if not (place.is_file() and place.stat().st_size == artifact.size):
        return False
    return _sum(place, sums) == artifact.sha256


def turn(tree: Tree, store: Store, name: str, repository: Repository) -> None:
    """Point a name where the store says, and rewrite the files of its aggregate."""
    with tree.journal.alone(f"mending {name}"):
        with store.read() as at:
            there = at.names.components(tree.site.target, name)
        link = Link(str(component_directory(repository.component) / name), repository.path)
        places = tuple(part.path for key, part in there.items() if key)
        aggregates = (Aggregate(name, places),) if tree.site.components else ()
        _make_way(tree.repos / link.name)
        change = TreeChange(links=(link,), aggregates=aggregates, reponame=tree.site.reponame)
        carry_out(change, tree.repos)
        digest = tree.repos / name / f"{tree.site.reponame}.repo.md5"
        if aggregates:
            with store.write() as at:
                at.names.note_aggregate_now(tree.site.target, name, digest.read_text())


def _make_way(place: Path) -> None:
    """Move away whatever is at the path of a link."""
    if place.exists() and not place.is_symlink():
        aside = place.parent / f".{place.name}.aside-{place.lstat().st_ino}"
        place.rename(aside)


def restore(tree: Tree, place: Path, sha256: str) -> bool:
    """Put a copy of an RPM back into the pool; return False if there is no intact copy."""
    name = place.name
    patterns = (f"??/??/*/{name}", f"??/??/*/debug/{name}", f"component/*/??/??/*/{name}")
    copies = [path for pattern in patterns for path in tree.repos.glob(pattern)]
    copies += (tree.folder / "builds").glob(f"*/{name}")
    for copy in copies:
        if copy.is_file() and _sum(copy, {}) == sha256:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            atomic.link_or_copy(copy, place)
            return True
    return False


def repair(
    tree: Tree, store: Store, repository: Repository, members: Members, *, is_led: bool
) -> None:
    """Rewrite a damaged repository, or remove it from the tree if no name points to it.

    A repository that `current` or `consistent` points to is composed again from the state; it may
    still offer RPMs whose content is damaged. Raises RefusedError for a promoted repository that
    cannot be repaired, because a person must promote another, and for one that a running build
    needs.
    """
    directory, reponame = tree.repos / repository.path, tree.site.reponame
    _restore_pool(tree, directory)
    with signed.signature_check(tree.signer) as check:
        if not (fault := fault_of(directory, reponame, {}, check)):
            return
        if fault in signed.FAULTS and _sign_again(tree, store, repository):
            return
        is_rewritten = tree.rewrite(repository, members)
        is_mended = is_rewritten and not fault_of(directory, reponame, {}, check)
    if is_rewritten and (is_led or is_mended):
        return  # only content may be damaged now, which only a build can replace
    if not is_led:
        tree.take_out(repository)
        return
    with store.read() as at:
        led = [name for name, one in at.names.all(tree.site.target) if one.path == repository.path]
    if promoted := [name for name in led if name not in {CURRENT, CONSISTENT}]:
        raise RefusedError(
            f"{repository.path} cannot be repaired, and {', '.join(promoted)} points to it",
            hint="promote another repository to that name",
        )
    tree.compose_instead(repository, led, members)


def _sign_again(tree: Tree, store: Store, repository: Repository) -> bool:
    """Write a repository with a damaged signature again, if it contains what the store says."""
    try:
        what = contents_now(tree, store, repository)
    except DamagedError:
        return False
    own = {repository.build_id} if repository.build_id is not None else set()
    if set_digest({one.build_id for one in what.others} | own) != repository.digest:
        return False
    tree.write_again(repository, what)
    return True


def revive_names(tree: Tree, store: Store, members: Members) -> None:
    """Repair repositories without repodata that names point to, so that work can continue."""
    with store.read() as at:
        led = at.names.all(tree.site.target)
    for repository in {one.path: one for _, one in led}.values():
        if not has_repodata(tree.repos / repository.path):
            log.warning("%s has no repodata, and names lead to it; composing it", repository.path)
            repair(tree, store, repository, members, is_led=True)


def _restore_pool(tree: Tree, directory: Path) -> None:
    try:
        listed = offered(directory)
    except DamagedError:
        return
    for href in sorted(listed):
        if wanted := _pooled_sum(href):
            place = tree.repos / href
            if not place.is_file() or _sum(place, {}) != wanted:
                restore(tree, place, wanted)


def contents_now(tree: Tree, store: Store, repository: Repository) -> Contents:
    """Return the contents of a repository in the tree, with its RPMs as the store knows them now.

    Rows of versions.csv are left out. Raises DamagedError if its repodata is not intact, or lists
    what the store does not know.
    """
    directory = tree.repos / repository.path
    listed = offered(directory)
    with store.read() as at:
        known = at.artifacts.of_target(tree.site.target)
        own = [one for one in known if one.build_id == repository.build_id]
        fragments = at.artifacts.fragments([one.id for one in own])
    by_sha = {one.artifact.unsigned_sha256: one for one in known}
    by_sha |= {one.artifact.sha256: one for one in known}
    by_name = {one.artifact.file_name: one for one in known}
    own_names = {one.artifact.file_name for one in own}
    others = []
    for href in sorted(listed):
        words = href.split("/")
        if words[0] != pool.NAME and words[-1] in own_names:
            continue  # a file of its own build; repositories of other programs have all files there
        found = by_sha.get(words[1]) if words[0] == pool.NAME else None
        found = found or by_name.get(words[-1])
        if found is None:
            raise DamagedError(f"its {words[-1]} is not in the store any more")
        if found.build_id is None or found.build_id != repository.build_id:
            others.append(found)
    return Contents(
        repository.component,
        PurePosixPath(repository.path),
        {one.artifact: fragments[one.id] for one in own},
        tuple(sorted(others, key=lambda one: (one.package, one.artifact.file_name))),
        (),
        repository.digest,
    )
