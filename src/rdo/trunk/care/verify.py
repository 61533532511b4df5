"""Whether a target's store, its tree and the mirrors it is built from agree; mending them."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rdo.errors import RefusedError, UserError
from rdo.lock import hold
from rdo.mirrors import Mirrors
from rdo.publish.verify import Finding, verify_tree
from rdo.trunk.context import Trunk
from rdo.trunk.round import recover

log = logging.getLogger(__name__)

_PASSES = (
    *("unfinished", "leftover", "interrupted", "rpm", "build"),
    *("repository", "name", "aggregate", "stranger", "mirror"),
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was wrong with a target, what was mended of it, and what is still wrong."""

    target: str
    found: tuple[Finding, ...]
    left: tuple[Finding, ...]
    failures: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.left

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found, with what is still wrong although it was not found at first."""
        return (*self.found, *(one for one in self.left if one not in self.found))


def verify(trunk: Trunk) -> Verified:
    """Compare store, tree and mirrors; changes nothing."""
    found = tuple(_findings(trunk))
    return Verified(trunk.name, found, found)


def repair(trunk: Trunk) -> Verified:
    """Mend what can be mended. Nobody else may be in a round of the target."""
    purpose = f"rdo trunk verify --repair --target {trunk.name}"
    failures: list[str] = []
    with hold(trunk.folder / "round.lock", purpose=purpose):
        found = list(_findings(trunk))
        recover(trunk)
        for kind in _PASSES:  # what was damaged first may be the cause of what comes later
            for one in (one for one in _findings(trunk) if one.kind == kind and one.repair):
                assert one.repair is not None
                log.info("%s %s %s: %s", one.kind, one.place, one.what, one.remedy)
                try:
                    one.repair()
                except (UserError, OSError) as error:
                    failures.append(f"{one.place}: {error}")
        trunk.tree.recover()  # empties what was put aside
        left = tuple(_findings(trunk))
    return Verified(trunk.name, tuple(found), left, tuple(failures))


def as_row(verified: Verified) -> dict[str, object]:
    """Return a verification as a program reads it."""
    return {
        "target": verified.target,
        "is_clean": verified.is_clean,
        "findings": [
            {
                "kind": one.kind,
                "place": one.place,
                "what": one.what,
                "remedy": one.remedy,
                "is_left": one in verified.left,
            }
            for one in verified.findings
        ],
        "failures": verified.failures,
    }


def _findings(trunk: Trunk) -> Iterable[Finding]:
    for fault in trunk.store.faults():
        yield Finding("database", "the database", fault, "restore it from a copy")
    yield from _interrupted(trunk)
    yield from verify_tree(trunk.tree, trunk.store, trunk.members_now())
    yield from _mirrors(trunk)


def _interrupted(trunk: Trunk) -> Iterable[Finding]:
    """Builds that are called running while nobody does a round."""
    with trunk.store.read() as at:
        running = at.builds.running(trunk.name)
        unpublished = at.builds.unpublished(trunk.name)
    if not (running or unpublished):
        return
    try:
        with hold(trunk.folder / "round.lock", purpose="looking"):
            pass
    except RefusedError:  # a round is at work, or we ourselves
        return
    for build in running:
        what = f"{build.commit} is called running, and no round is at work"
        yield Finding("interrupted", f"build {build.id}", what, "the next round tries it again")
    for build in unpublished:
        what = f"{build.commit} was built and is not published"
        yield Finding("interrupted", f"build {build.id}", what, "the next round publishes it")


def _mirrors(trunk: Trunk) -> Iterable[Finding]:
    mirrors = trunk.remotes.mirrors
    for url in sorted(trunk.git_urls()):
        if fault := mirrors.fault(url):
            place, remedy = mirrors.path(url).name, "it is put aside and fetched anew"
            yield Finding("mirror", place, fault, remedy, _mending(mirrors, url))
    yield from _lost_commits(trunk)


def _mending(mirrors: Mirrors, url: str) -> Callable[[], None]:
    return lambda: mirrors.mend(url)


def _lost_commits(trunk: Trunk) -> Iterable[Finding]:
    """Commits that are queued and no longer in their mirrors."""
    with trunk.store.read() as at:
        queued = at.builds.queue(trunk.name)
    for build in queued:
        package = trunk.packages.get(build.package)
        if package is None:
            continue
        hashes = (
            (trunk.remotes.upstream(package, build.commit), build.commit.upstream_hash),
            (trunk.remotes.distgit(package), package.spec_hash(build.commit)),
        )
        for mirror, hash_ in hashes:
            if mirror.path.is_dir() and hash_ and not mirror.has_commit(hash_):
                what = f"has no commit {hash_[:7]}, which build {build.id} is of"
                yield Finding("commit", mirror.path.name, what, "rdo trunk cancel")
