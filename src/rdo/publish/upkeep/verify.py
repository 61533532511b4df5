"""Check that store and tree agree, and repair what does not.

Each check compares the store only with the disk, so that it finds damage from outside: a lost file,
a moved link, a failing disk.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rdo import lock
from rdo.dlrn.formats import aggregate_hash, aggregate_repo
from rdo.dlrn.layout import component_directory
from rdo.publish import pool, signed
from rdo.publish.change import has_files
from rdo.publish.journal import FRESH
from rdo.publish.names import CONSISTENT, CURRENT
from rdo.publish.references import has_repodata
from rdo.publish.site import Members
from rdo.publish.tree import Tree
from rdo.publish.upkeep import mending
from rdo.store import Store
from rdo.store.given.repositories import Repository
from rdo.store.work.artifacts import StoredArtifact
from rdo.tools.signing.rpm_signature import badly_signed


@dataclass(frozen=True, slots=True)
class Finding:
    """Damage that a check has found. `remedy` is what a repair does about it.

    `repair` returns what remains to be done, such as a build that it has queued; usually nothing.
    """

    kind: str
    place: str
    what: str
    remedy: str
    repair: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    @property
    def can_be_repaired(self) -> bool:
        return self.repair is not None


def verify_tree(tree: Tree, store: Store, members: Members) -> list[Finding]:
    """Return all damage in a target's tree, without changing anything.

    If there is any, the tree is checked again while nobody publishes, because it may just have
    changed.
    """
    check = _Check(tree, store, members)
    if not check.findings():
        return []
    with lock.hold(tree.folder / "publish.lock", purpose="verifying", wait=True):
        return check.findings()


def verify_names(tree: Tree, store: Store) -> list[Finding]:
    """Return the names of a target that do not point to what the store says."""
    check = _Check(tree, store, Members(()))
    if not check.name_findings():
        return []
    try:  # a round may be moving them right now
        with lock.hold(tree.folder / "publish.lock", purpose="verifying", wait=True):
            return check.name_findings()
    except PermissionError:  # this user may only read
        return check.name_findings()


@dataclass(frozen=True, slots=True)
class _Check:
    tree: Tree
    store: Store
    members: Members

    def findings(self) -> list[Finding]:
        """Return the damage; if changes of the tree are unfinished, only those."""
        with self.store.read() as at:
            target = self.tree.site.target
            repositories = at.repositories.in_tree(target)
            led = at.names.all(target)
            unfinished = at.intents.unfinished(target)
        if unfinished:
            # Everything else can only be judged after they are carried out.
            what = f"{len(unfinished)} changes of the tree were not finished"
            remedy = "they are carried out"
            return [
                Finding("unfinished", "intents", what, remedy, _whole(self.tree.journal.recover))
            ]
        sums: dict[Path, str] = {}
        paths = {repository.path for _, repository in led}
        with signed.signature_check(self.tree.signer) as check:
            damaged = [*self._repositories(repositories, paths, sums, check)]
        return [
            *self._names(led),
            *damaged,
            *self._good_builds(sums),
            *self._signatures(),
            *self._unpublished(),
            *self._strangers(repositories, [name for name, _ in led]),
        ]

    def name_findings(self) -> list[Finding]:
        """The faults of names, including names that the store does not have."""
        with self.store.read() as at:
            led = at.names.all(self.tree.site.target)
        return [*self._names(led), *self._unknown_names(led)]

    def _unknown_names(self, led: Collection[tuple[str, Repository]]) -> Iterator[Finding]:
        known = {component_directory(one.component) / name for name, one in led}
        repos = self.tree.repos
        of_all = [] if self.tree.site.components else [repos]
        for part in (*of_all, *sorted(repos.glob("component/*"))):
            for link in (part / CURRENT, part / CONSISTENT):
                shown = link.relative_to(repos)
                if link.is_symlink() and PurePosixPath(shown) not in known:
                    what = f"leads to {link.readlink()}, which the store does not know"
                    yield Finding("name", str(shown), what, "rdo trunk verify --repair")

    def _names(self, led: Collection[tuple[str, Repository]]) -> Iterator[Finding]:
        """Check links and the top-level files of components."""
        judged = set[str]()
        for name, repository in led:
            link = self.tree.repos / component_directory(repository.component) / name
            place = self.tree.repos / repository.path
            shown = str(link.relative_to(self.tree.repos))
            leads = link.readlink() if link.is_symlink() else None
            if leads is None or str(leads) != os.path.relpath(place, link.parent):
                what = f"leads to {leads}" if leads else "is not a link"
                yield Finding(
                    "name",
                    shown,
                    f"{what}, and the store says {repository.path}",
                    "the link is restored",
                    self._turning(name, repository),
                )
            elif not has_repodata(place):
                what = f"leads to {repository.path}, which has no repodata"
                repair = self._repairing(repository, is_led=True)
                yield Finding("name", shown, what, "a repository is composed for it", repair)
            elif self.tree.site.components and name not in judged:
                judged.add(name)  # an aggregate covers all components
                if what := self._aggregate_fault(name):
                    turn = self._turning(name, repository)
                    yield Finding("aggregate", name, what, "it is written again", turn)

    def _aggregate_fault(self, name: str) -> str:
        top, reponame = self.tree.repos / name, self.tree.site.reponame
        try:
            text = (top / f"{reponame}.repo").read_text()
            if (top / f"{reponame}.repo.md5").read_text() != aggregate_hash(text):
                return "its checksum does not match its .repo file"
            if text != aggregate_repo(self._parts(name)):
                return "it does not match the repositories of the components"
            (top / "versions.csv").read_text()
        except OSError as error:
            return f"its files cannot be read: {error}"
        return ""

    def _parts(self, name: str) -> list[str]:
        """Return the .repo files from which a name's aggregate is made."""
        reponame = self.tree.site.reponame
        there = [self.tree.repos / one.path for one in self.tree.leads(name) if one.component]
        return [(one / f"{reponame}.repo").read_text() for one in there if has_files(one, reponame)]

    def _turning(self, name: str, repository: Repository) -> Callable[[], str]:
        return _whole(lambda: mending.turn(self.tree, self.store, name, repository))

    def _repositories(
        self,
        repositories: Collection[Repository],
        led: Collection[str],
        sums: dict[Path, str],
        check: signed.SignatureFault,
    ) -> Iterator[Finding]:
        for repository in repositories:
            directory = self.tree.repos / repository.path
            if fault := mending.fault_of(directory, self.tree.site.reponame, sums, check):
                repair = self._repairing(repository, is_led=repository.path in led)
                remedy = "it is written again, or removed if no name points to it"
                yield Finding("repository", repository.path, fault, remedy, repair)

    def _repairing(self, repository: Repository, *, is_led: bool) -> Callable[[], str]:
        return _whole(
            lambda: mending.repair(self.tree, self.store, repository, self.members, is_led=is_led)
        )

    def _good_builds(self, sums: dict[Path, str]) -> Iterator[Finding]:
        """Check the newest good RPMs of every package, which new repositories will use."""
        with self.store.read() as at:
            stored = (*at.artifacts.good(self.tree.site.target),)
        for one in stored:
            artifact = one.artifact
            place = self.tree.repos / pool.NAME / artifact.sha256 / artifact.file_name
            if mending.is_intact(place, artifact, sums):
                continue
            shown = f"{pool.NAME}/{artifact.sha256[:16]}…/{artifact.file_name}"
            remedy = "it is replaced by another copy; if there is none, it is built again"
            what = "is damaged" if place.exists() else "is not there"
            repair = self._restoring(place, one)
            yield Finding("rpm", shown, f"{what}; {one.package} needs it", remedy, repair)

    def _signatures(self) -> Iterator[Finding]:
        """Check that the target's keys have signed the newest good RPMs recorded as signed."""
        if self.tree.signer is None:
            return
        with self.store.read() as at:
            stored = at.artifacts.good(self.tree.site.target)
        folder = self.tree.repos / pool.NAME
        said = [one for one in stored if one.artifact.signed_by]
        places = {pool.place(folder, one.artifact): one for one in said}
        there = [place for place in places if place.is_file()]
        keys = [*dict.fromkeys(self.tree.signer.public_keys().values())]
        for place in badly_signed(there, keys, folder):
            what = (
                f"is not signed with any key of the target; it belongs to {places[place].package}"
            )
            remedy = f"restore {self.tree.signer.key_name(places[place].artifact.signed_by)}"
            yield Finding("signature", place.name, what, remedy)

    def _restoring(self, place: Path, stored: StoredArtifact) -> Callable[[], str]:
        def act() -> str:
            if mending.restore(self.tree, place, stored.artifact.sha256):
                return ""
            with self.store.write() as at:
                queued = at.builds.lost(stored.build_id, now=self.tree.now())
            return (
                f"{place.name}: no good copy; {stored.package} is queued as build {queued.id}, "
                "the next round builds it"
            )

        return act

    def _unpublished(self) -> Iterator[Finding]:
        """Check the RPMs of builds that the next round will publish."""
        with self.store.read() as at:
            left = at.builds.unpublished(self.tree.site.target)
        for build in left:
            folder = self.tree.folder / "builds" / str(build.id)
            names = [rpm.name for rpm in getattr(build.outcome, "rpms", ())]
            lost = [name for name in names if not (folder / name).is_file()]
            if lost:
                what = f"{', '.join(lost)} of {build.commit} was not published yet and is gone"
                remedy = "the build is queued again"
                yield Finding("build", str(build.id), what, remedy, self._again(build.id))

    def _again(self, build_id: int) -> Callable[[], str]:
        def act() -> None:
            with self.store.write() as at:
                at.builds.lost(build_id, now=self.tree.now())

        return _whole(act)

    def _strangers(
        self, repositories: Collection[Repository], names: Collection[str]
    ) -> Iterator[Finding]:
        """Find files in the tree that are not in the store."""
        known = {repository.path for repository in repositories}
        with self.store.read() as at:
            known |= {one.path for _, one in at.names.all(self.tree.site.target)}
            failures = at.builds.failed_commits(self.tree.site.target).values()
        site = self.tree.site
        known |= {str(site.directory(commit)) for commit in failures}
        repos = self.tree.repos
        for pattern in ("??/??/*", "component/*/??/??/*", "composed/??/??/*"):
            for place in sorted(repos.glob(pattern)):
                shown = str(place.relative_to(repos))
                if shown not in known and not (repos / shown.split("/")[0]).is_symlink():
                    yield self._stranger(place, "the store does not know it")
        for place in sorted(repos.glob("*")):
            if place.is_symlink() and place.name not in {*names, CURRENT, CONSISTENT}:
                yield self._stranger(place, "is a link that the store does not know")
        for place in sorted((*repos.glob(f"{FRESH}/*"), *repos.glob(".*.new"))):
            yield self._stranger(place, "was left by a process that was killed")

    def _stranger(self, place: Path, what: str) -> Finding:
        def act() -> None:
            aside = self.tree.folder / "lost+found" / f"{place.name}-{place.lstat().st_ino}"
            self.tree.journal.put_aside(place, aside)

        def remove() -> None:
            shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()

        shown = str(place.relative_to(self.tree.repos))
        if shown.startswith("."):
            return Finding("leftover", shown, what, "it is removed", _whole(remove))
        remedy = "it is moved to lost+found beside the tree"
        return Finding("stranger", shown, what, remedy, _whole(act))


def _whole(repair: Callable[[], None]) -> Callable[[], str]:
    """Return a repair after which nothing remains to be done."""

    def act() -> str:
        repair()
        return ""

    return act
