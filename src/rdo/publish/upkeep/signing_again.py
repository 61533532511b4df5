"""Sign what a tree already contains: RPMs first, then the repositories that names point to.

It may be killed at any point and started again: what is signed stays signed.
"""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError
from rdo.publish import pool, signed
from rdo.publish.references import DamagedError, is_signed, offered
from rdo.publish.tree import Tree
from rdo.publish.upkeep import mending
from rdo.store import Store
from rdo.store.given.repositories import Repository
from rdo.store.work.artifacts import StoredArtifact

log = logging.getLogger(__name__)

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class SignedAgain:
    """What was signed: the number of RPMs, and the repositories.

    `lost` are missing RPMs, `left` the reasons why repositories were not signed.
    """

    rpms: int
    repositories: tuple[str, ...]
    lost: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def not_signed(store: Store, target: str, instead_of: Collection[str] = ()) -> int:
    """Return how many published RPMs have no signature, or one by a key in `instead_of`."""
    with store.read() as at:
        return len(_wanting(at.artifacts.of_target(target), instead_of))


def sign_again(
    tree: Tree,
    store: Store,
    instead_of: Collection[str] = (),
    more: Collection[Repository] = (),
) -> SignedAgain:
    """Sign every published RPM without a signature, and the repositories that names point to.

    `more` are additional repositories. RPMs signed by a key in `instead_of` are signed again with
    the current key. A repository keeps its path, its builds and its other files. The caller holds
    the round lock. Raises SigningError, or RefusedError while builds read the repositories.
    """
    assert tree.signer
    tree.signer.check()
    target = tree.site.target
    with store.read() as at:
        running = at.builds.running(target)
        wanting = _wanting(at.artifacts.of_target(target), instead_of)
    if running:
        raise RefusedError(
            f"{len(running)} builds of {target} are running and use its repositories",
            hint="try again when they have ended",
        )
    lost = [one for one in wanting if not _place(tree, one).is_file()]
    there = [one for one in wanting if _place(tree, one).is_file()]
    done = 0
    for batch in _batches(there):
        _sign(tree, store, batch)
        done += len(batch)
        log.info("%s: %d of %d RPMs signed", target, done, len(there))
    tree.forget_good_builds()
    left: list[str] = []
    repositories = tuple(_sign_repositories(tree, store, instead_of, more, left))
    names = tuple(one.artifact.file_name for one in lost)
    return SignedAgain(done, repositories, names, tuple(left))


def _wanting(
    stored: Collection[StoredArtifact], instead_of: Collection[str]
) -> list[StoredArtifact]:
    unwanted = {"", *instead_of}
    return [one for one in stored if one.artifact.signed_by in unwanted]


def _place(tree: Tree, stored: StoredArtifact) -> Path:
    return pool.place(tree.repos / pool.NAME, stored.artifact)


def _batches(stored: Collection[StoredArtifact]) -> Iterator[list[StoredArtifact]]:
    """Yield all artifacts in groups without duplicate file names."""
    batch: dict[str, StoredArtifact] = {}
    for one in stored:
        if len(batch) == _AT_ONCE or one.artifact.file_name in batch:
            yield [*batch.values()]
            batch = {}
        batch[one.artifact.file_name] = one
    if batch:
        yield [*batch.values()]


def _sign(tree: Tree, store: Store, batch: list[StoredArtifact]) -> None:
    assert tree.signer
    with store.read() as at:
        fragments = at.artifacts.fragments([one.id for one in batch])
    rpms = {one.artifact: fragments[one.id] for one in batch}
    places = {one.artifact.file_name: _place(tree, one) for one in batch}
    with signed.workplace(tree.folder, "again") as folder:
        found = signed.sign(tree.signer, rpms, places, folder)
        for artifact in found:
            pool.add(tree.repos / pool.NAME, folder / artifact.file_name, artifact)
    with store.write() as at:
        items = zip(batch, found.items(), strict=True)
        at.artifacts.resign({one.id: item for one, item in items})


def _sign_repositories(
    tree: Tree,
    store: Store,
    instead_of: Collection[str],
    more: Collection[Repository],
    left: list[str],
) -> Iterator[str]:
    with store.read() as at:
        led = at.names.all(tree.site.target)
    named = [one for _, one in led]
    for repository in {one.path: one for one in (*named, *more)}.values():
        directory = tree.repos / repository.path
        try:
            what = mending.contents_now(tree, store, repository)
        except DamagedError as error:
            left.append(f"{repository.path}: {error}")
            continue
        is_new = {pool.href(one.artifact) for one in what.others} <= offered(directory)
        if is_new and is_signed(directory, tree.site.reponame) and not instead_of:
            continue
        tree.write_again(repository, what)
        yield repository.path
    if tree.site.components:
        for name, repository in led:
            mending.turn(tree, store, name, repository)
