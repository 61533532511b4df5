"""Check that a target's store, tree and mirrors agree, and repair them."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rdo.errors import RefusedError, UserError
from rdo.lock import hold
from rdo.mirrors import Mirrors
from rdo.publish.upkeep.verify import Finding, verify_tree
from rdo.trunk.context import Trunk
from rdo.trunk.round import recover

log = logging.getLogger(__name__)

_PASSES = (
    *("unfinished", "leftover", "interrupted", "rpm", "build"),
    *("repository", "name", "aggregate", "stranger", "mirror"),
)
_NAMES = frozenset({"name", "aggregate"})
_BUILT_AGAIN = frozenset({"rpm", "repository"})
DAMAGED, BEGUN = 1, 7
"""Exit codes: some damage is left; or queued builds will repair what is left."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The damage found in a target, and what is left of it after a repair.

    `begun` says which builds a repair has queued, to replace RPMs without another copy.
    """

    target: str
    found: tuple[Finding, ...]
    left: tuple[Finding, ...]
    failures: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.left

    @property
    def exit_code(self) -> int:
        """0 without damage, BEGUN if queued builds will repair what is left, else DAMAGED."""
        if self.is_clean:
            return 0
        is_awaited = self.begun and not self.failures
        return (
            BEGUN if is_awaited and all(one.kind in _BUILT_AGAIN for one in self.left) else DAMAGED
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All damage: what was found first, then what only a repair has shown."""
        return (*self.found, *(one for one in self.left if one not in self.found))


def verify(trunk: Trunk) -> Verified:
    """Compare store, tree and mirrors, without changing anything."""
    found = tuple(_findings(trunk))
    return Verified(trunk.name, found, found)


def repair(trunk: Trunk) -> Verified:
    """Repair what can be repaired; raises RefusedError if a round of the target is running."""
    purpose = f"rdo trunk verify --repair --target {trunk.name}"
    failures: list[str] = []
    begun: list[str] = []
    with hold(trunk.folder / "round.lock", purpose=purpose):
        found = list(_findings(trunk))
        recover(trunk)
        for kind in _PASSES:  # earlier damage may be the cause of later damage
            for one in (one for one in _findings(trunk) if one.kind == kind and one.repair):
                assert one.repair is not None
                log.info("%s %s %s: %s", one.kind, one.place, one.what, one.remedy)
                try:
                    begun += filter(None, [one.repair()])
                except (UserError, OSError) as error:
                    failures.append(f"{one.place}: {error}")
        trunk.tree.journal.recover()  # removes what was moved away
        left = tuple(_findings(trunk))
    return Verified(trunk.name, tuple(found), left, tuple(failures), tuple(begun))


def as_row(verified: Verified) -> dict[str, object]:
    """Return a verification as JSON data."""
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
        "begun": verified.begun,
    }


def _findings(trunk: Trunk) -> Iterable[Finding]:
    """Yield what clients see first: names, then the database, then everything else."""
    in_tree = verify_tree(trunk.tree, trunk.store, trunk.members_now())
    yield from (one for one in in_tree if one.kind in _NAMES)
    for fault in trunk.store.faults():
        yield Finding("database", "the database", fault, "restore it from a copy")
    yield from _interrupted(trunk)
    yield from (one for one in in_tree if one.kind not in _NAMES)
    yield from _mirrors(trunk)


def _interrupted(trunk: Trunk) -> Iterable[Finding]:
    """Yield builds that are marked as running or built although no round is running."""
    with trunk.store.read() as at:
        running = at.builds.running(trunk.name)
        unpublished = at.builds.unpublished(trunk.name)
    if not (running or unpublished):
        return
    try:
        with hold(trunk.folder / "round.lock", purpose="looking"):
            pass
    except RefusedError:  # a round is running, or this is one
        return
    for build in running:
        what = f"{build.commit} is marked as running, but no round is running"
        yield Finding("interrupted", f"build {build.id}", what, "the next round tries it again")
    for build in unpublished:
        what = f"{build.commit} was built and is not published"
        yield Finding("interrupted", f"build {build.id}", what, "the next round publishes it")


def _mirrors(trunk: Trunk) -> Iterable[Finding]:
    mirrors = trunk.remotes.mirrors
    for url in sorted(trunk.git_urls()):
        if fault := mirrors.fault(url):
            place, remedy = mirrors.path(url).name, "it is put aside and fetched again"
            yield Finding("mirror", place, fault, remedy, _mending(mirrors, url))
    yield from _lost_commits(trunk)


def _mending(mirrors: Mirrors, url: str) -> Callable[[], str]:
    def act() -> str:
        mirrors.set_aside(url)
        return ""

    return act


def _lost_commits(trunk: Trunk) -> Iterable[Finding]:
    """Yield queued commits that are no longer in their mirrors."""
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
                what = f"has no commit {hash_[:7]}, which build {build.id} needs"
                yield Finding("commit", mirror.path.name, what, "rdo trunk cancel")
