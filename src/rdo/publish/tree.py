"""A target's published tree, `data/<target>/repos`: its content, and where names point."""

import contextlib
import logging
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Protocol

from rdo.dlrn.layout import hash_directory
from rdo.errors import NotFoundError, RefusedError
from rdo.model.artifact import Artifact, Fragment, RpmFile
from rdo.model.build import Built, Failed
from rdo.model.repo_file import MIRRORLIST, NOT_SIGNED
from rdo.notify.promotions import NameMove, note_moves
from rdo.publish import bootstrap, contents, directory, names, pool, signed
from rdo.publish.backwards import Backwards, gone_backwards
from rdo.publish.change import TRASH, TreeChange, has_files
from rdo.publish.consistent import Blocker
from rdo.publish.contents import DEBUG, Contents, TargetState
from rdo.publish.directory import SourceFolders
from rdo.publish.good import GoodBuilds
from rdo.publish.journal import TreeJournal
from rdo.publish.names import CONSISTENT, CURRENT, PREVIOUS, check_promotion_name
from rdo.publish.references import REPOMD, has_repodata, parts
from rdo.publish.site import Members, Site
from rdo.repodata import Composer, read_rpms
from rdo.signing import Signer
from rdo.store import Store, Transaction
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build

log = logging.getLogger(__name__)

_TRUNK = "trunk"


@dataclass(frozen=True, slots=True)
class Published:
    """The result of a publication.

    `directory` is the hash directory, None if the build got none; `moved` are the names that now
    point there; `provides` is what its RPMs provide; `blocked` is why `consistent` does not move.
    `backwards` are its RPMs that are older than those they replace.
    """

    directory: Path | None = None
    moved: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    blocked: tuple[Blocker, ...] = ()
    backwards: tuple[Backwards, ...] = ()


class ConsistentGate(Protocol):
    """A further condition for `consistent`, besides that all members are good."""

    def judge(self, *repositories: Repository) -> tuple[Blocker, ...]:
        """Return what keeps `consistent` from repositories in the tree; empty if nothing does.

        It would move to all of them in one step, each in its component.
        """

    def known(self, repository: Repository) -> tuple[Blocker, ...]:
        """Return the same, as far as it is known without a new check."""


class Tree:
    """The published tree of one target, in `folder`/repos. `folder` is `data/<target>`.

    With a `signer` nothing enters it without a signature. With a `gate`, `consistent` moves only
    where the gate allows.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        site: Site,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        signer: Signer | None = None,
    ) -> None:
        self.folder = folder
        self.repos = folder / "repos"
        self.site = site
        self._store = store
        self.now = clock
        self.signer = signer
        self.journal = TreeJournal(folder, site.target, store, clock=clock)
        self.gate: ConsistentGate | None = None
        self._good = GoodBuilds()
        self._composers: dict[tuple[str | None, str], Composer] = {}

    def publish(
        self,
        build: Build,
        build_folder: Path,
        members: Members,
        origin: SourceFolders | None = None,
        read: Sequence[RpmFile] = (),
    ) -> Published:
        """Publish a settled build that made RPMs; they are in `build_folder`, with its logs.

        `read` are the headers of the RPMs, if they were read already. The names move if the package
        is one of the members and no later commit is published. A build that is already published is
        left as it is. Raises RefusedError, without changing anything, for RPMs that may not be
        published (see `read_rpms`), SigningError if they cannot be signed.
        """
        built = source_first(read or _read(build, build_folder))
        with (
            self._signed(build, build_folder, built) as (rpms, folder),
            self.journal.alone(f"publishing {build.commit}"),
        ):
            with self._store.read() as at:
                build = at.builds.get(build.id)
                good = at.packages.state(self.site.target, build.package).good
                is_held = build.package in at.holds.all(self.site.target)
                now = TargetState.read(at, self.site.target, self._good)
            what = contents.of_build(self.site, build, rpms, members, now)
            if build.published is not None:
                return Published(self.repos / what.path, provides=_provides(rpms))
            in_pool = {
                artifact: pool.add(self._pool, folder / artifact.file_name, artifact)
                for artifact in rpms
            }
            if build.bootstrap:
                return self._publish_bootstrap(build, rpms)
            fresh = self.journal.fresh(str(build.id))
            self._write_repository(fresh, what, build.commit.upstream_hash)
            directory.write_success(fresh, build, in_pool, what.path, origin or SourceFolders())
            directory.link_logs(fresh, build_folder)
            directory.sync(fresh)
            superseded = is_held or contents.is_superseded(build, good)
            published = self._put_in_place(build, what, fresh, members, superseded=superseded)
            if folder != build_folder:
                signed.leave_once(in_pool, build_folder)
            before = now.good.get(build.package)
            if superseded or before is None:
                return published
            backwards = gone_backwards((one.artifact for one in before.artifacts), rpms)
            return replace(published, backwards=backwards)

    @contextlib.contextmanager
    def _signed(
        self, build: Build, build_folder: Path, rpms: Mapping[Artifact, Fragment]
    ) -> Iterator[tuple[Mapping[Artifact, Fragment], Path]]:
        """Yield the artifacts of a build's signed RPMs, and the folder with the files.

        Bootstrap builds are not signed, because only other builds use them.
        """
        if self.signer is None or build.bootstrap or build.published is not None:
            yield rpms, build_folder
            return
        with self.journal.explaining(), signed.workplace(self.folder, str(build.id)) as folder:
            places = {one.file_name: build_folder / one.file_name for one in rpms}
            yield signed.sign(self.signer, rpms, places, folder), folder

    def publish_failure(
        self, build: Build, build_folder: Path, origin: SourceFolders | None = None
    ) -> Published:
        """Give a failed build a hash directory with its logs, and no repodata.

        The repository of an earlier build of the same commit stays where it is. Raises TypeError
        for a build that has not failed.
        """
        if not isinstance(build.outcome, Failed):
            raise TypeError(f"build {build.id} has not failed")
        with self.journal.alone(f"publishing the logs of {build.commit}"):
            component = self.site.component(build.package, build.commit.component)
            path = hash_directory(build.commit, component)
            with self._store.read() as at:
                taken = at.repositories.at_path(self.site.target, str(path))
            if taken or build.bootstrap:
                return Published()
            fresh = self.journal.fresh(str(build.id))
            directory.link_logs(fresh, build_folder, with_srpm=True)
            directory.write_failure(fresh, build, build.outcome, origin or SourceFolders())
            directory.sync(fresh)
            with self.journal.deciding() as (at, changes):
                changes.append(self.change(at, fresh=fresh, path=path))
            return Published(self.repos / path)

    def has_directory(self, build: Build) -> bool:
        """Whether the commit of a build has a hash directory; bootstrap builds have none."""
        if build.bootstrap:
            return True
        component = self.site.component(build.package, build.commit.component)
        return (self.repos / hash_directory(build.commit, component)).is_dir()

    def refresh(self, members: Members) -> tuple[Path, ...]:
        """Point `consistent` where the state says; return its repository if it moved.

        Needed after changes without a publication: a package was removed, renamed, held or left its
        review. If no repository contains exactly the members' newest builds, one is composed.
        """
        with self.journal.alone("moving consistent"):
            found = {one: self._due(one, members) for one in members.components(self.site)}
            due = {component: one for component, one in found.items() if one}
            moved: list[Path] = []
            for component, one in list(due.items()):
                if self.gate is None or not self.gate.judge(one):
                    moved += self._make_consistent([one])
                    del due[component]
            if self.gate:
                moved += self._refresh_together(self.gate, due, members)
        return tuple(moved)

    def stay_at(
        self, package: str, build_id: int | None, members: Members, *, by: str, why: str
    ) -> tuple[Build | None, tuple[Path, ...]]:
        """Keep another build of a package in the tree; without an id, the newest one again.

        Composes a repository, and moves `current` to it, and `consistent` if the state says so.
        Returns the build, and the repositories that names point to if they moved.
        """
        with self.journal.alone(f"moving {package}"):
            target = self.site.target
            with self._store.read() as at:
                before = at.packages.state(target, package).good
                build = at.builds.to_stay_at(target, package, build_id)
                if build is None or (before and before.id == build.id):
                    return build, ()
                now = TargetState.read(at, target, self._good, {package: build.id})
            component = self.site.component(package, build.commit.component)
            what = contents.of_members(self.site, component, members, now)
            fresh = self.journal.fresh(what.digest)
            self._write_repository(fresh, what, what.digest)
            directory.sync(fresh)
            with self.journal.deciding() as (at, changes):
                at.builds.stay_at(build.id)
                moves = {CURRENT: self._add_repository(at, what, None)}
                change = self.change(at, moves, fresh=fresh, path=what.path, by=by, why=why)
                changes.append(change)
            moved = (self.repos / what.path, self._refresh(component, members))
        return build, tuple(place for place in dict.fromkeys(moved) if place)

    def compose(self, builds: Collection[int], members: Members) -> tuple[Repository, ...]:
        """Put repositories of exactly these builds into the tree, one per component; no name moves.

        An existing repository stays. Raises NotFoundError if the RPMs of a build are no longer in
        the store.
        """
        with self.journal.alone("composing a repository"):
            with self._store.read() as at:
                good = GoodBuilds().read(at, builds)
            for one in good.values():
                if not one.artifacts:
                    raise NotFoundError(f"the RPMs of build {one.id} of {one.commit} were purged")
            parts = contents.of_builds(self.site, good.values(), members)
            return tuple(self._find(what) or self._write_composed(what, "any") for what in parts)

    def composed(self, builds: Collection[int], members: Members) -> tuple[Repository, ...]:
        """Return the repositories that `compose` would find; empty if one has to be written."""
        with self._store.read() as at:
            good = GoodBuilds().read(at, builds)
        found = [self._find(what) for what in contents.of_builds(self.site, good.values(), members)]
        return tuple(one for one in found if one) if all(found) else ()

    def _find(self, what: Contents) -> Repository | None:
        """Return the repository in the tree that contains the same builds."""
        target = self.site.target
        with self._store.read() as at:
            found = at.repositories.newest_of(target, what.component, what.digest)
            is_there = found and at.repositories.at_path(target, found.path) == found
        return found if found and is_there and has_repodata(self.repos / found.path) else None

    def blockers(self, members: Members) -> dict[str | None, tuple[Blocker, ...]]:
        """Return, by component, what keeps `consistent` from the members' newest builds."""
        with self._store.read() as at:
            verdicts = {
                component: names.judge(at, self.site, component, members)
                for component in members.components(self.site)
            }
        return {
            component: self.gate.known(verdict.repository)
            if self.gate and verdict.repository
            else verdict.blocked
            for component, verdict in verdicts.items()
        }

    def leads(self, name: str) -> tuple[Repository, ...]:
        """Return where a name points now, one repository per component; empty if nowhere."""
        with self._store.read() as at:
            return tuple(at.names.components(self.site.target, name).values())

    def move_name(self, name: str, repository: Repository, *, by: str, why: str) -> None:
        """Point a promotion name to a published repository, in that repository's component.

        Raises NotFoundError if the repository is no longer in the tree.
        """
        check_promotion_name(name)
        with self.journal.alone(f"moving {name}"):
            if not (self.repos / repository.path).is_dir():
                raise NotFoundError(f"repository {repository.path} is not in the tree")
            with self.journal.deciding() as (at, changes):
                changes.append(self.change(at, {name: repository}, by=by, why=why))

    def aggregate_hash(self, repositories: Collection[Repository]) -> str:
        """Return the hash of the aggregate of a name that points to these repositories.

        Raises NotFoundError if one is no longer in the tree.
        """
        texts = []
        for one in sorted(repositories, key=lambda one: one.component or ""):
            text = self._repo_file(one.path)
            if text is None:
                raise NotFoundError(f"repository {one.path} is not in the tree")
            texts.append(text)
        return names.aggregate_of(texts)

    def promote(
        self,
        name: str,
        repositories: Collection[Repository],
        *,
        by: str,
        why: str,
        expected: Collection[Repository] | None = None,
        record: Callable[[Transaction], None] = lambda _: None,
    ) -> tuple[Repository, ...]:
        """Point a promotion name to one repository of each named component, all in one step.

        `previous-NAME` then points to where the name pointed before. `record` writes what belongs
        to the move, in its transaction. Returns the repositories to which the name did not point
        already. Raises NotFoundError if one is no longer in the tree, RefusedError for a name that
        rdo itself moves, or one that does not point to what is `expected`.
        """

        def decide(at: Transaction) -> None:
            was = at.names.components(self.site.target, name)
            if expected is not None and {one.id for one in was.values()} != {
                one.id for one in expected
            }:
                raise RefusedError(
                    f"{name} of {self.site.target} was moved by someone else in the meantime",
                    hint=f"rdo promotion history {name} shows by whom; try again",
                )
            record(at)

        moves = [(name, one) for one in repositories]
        return self.promote_all(moves, by=by, why=why, record=decide)

    def promote_all(
        self,
        moves: Collection[tuple[str, Repository]],
        *,
        by: str,
        why: str,
        record: Callable[[Transaction], None] = lambda _: None,
    ) -> tuple[Repository, ...]:
        """Point several promotion names to repositories, all in one step, as `promote` does.

        Raises NotFoundError and RefusedError for the same reasons; then no name moves.
        """
        for name in dict.fromkeys(name for name, _ in moves):
            check_promotion_name(name)
            if name.startswith(PREVIOUS):
                raise RefusedError(
                    f"{name} is kept by rdo itself", hint="rdo promotion rollback NAME"
                )
        shown = ", ".join(dict.fromkeys(name for name, _ in moves))
        with self.journal.alone(f"promoting {shown}"), self.journal.deciding() as (at, changes):
            record(at)
            rows: list[tuple[str, Repository]] = []
            moved: list[NameMove] = []
            last = {(name, wanted.component): wanted for name, wanted in moves}
            for (name, component), wanted in last.items():
                was = at.names.repository(self.site.target, component, name)
                if was == wanted:
                    continue
                self._check_is_there(at, wanted)
                moved.append(NameMove(name, was, wanted))
                rows += [(f"{PREVIOUS}{name}", was)] if was else []
                rows.append((name, wanted))
            if rows:
                note_moves(at, moved, now=self.now(), by=by, why=why)
                changes.append(self._moving(at, rows, by=by, why=why))
        return tuple(one.leads for one in moved)

    def _check_is_there(self, at: Transaction, repository: Repository) -> None:
        """Raise NotFoundError if a repository is no longer in the tree."""
        is_there = at.repositories.at_path(self.site.target, repository.path) == repository
        place = self.repos / repository.path
        if not is_there or not has_repodata(place):
            raise NotFoundError(f"repository {repository.path} is not in the tree")
        if not (place / MIRRORLIST).exists():  # an earlier version wrote it
            directory.say_where(place, self.site, PurePosixPath(repository.path))

    def remove(
        self,
        known: Collection[int],
        repositories: Collection[str],
        others: Collection[str],
        builds: Collection[int],
    ) -> None:
        """Remove repositories and other paths from the tree, and the RPMs of builds from the store.

        `known` are the repositories on which the decision was based. Raises RefusedError if there
        are others by now, or if somebody needs one of the paths, which are relative to the tree.
        """
        with self.journal.alone("removing old repositories"):
            target = self.site.target
            with self.journal.deciding() as (at, changes):
                there = {one.id for one in at.repositories.in_tree(target)}
                if there != set(known):
                    raise RefusedError(f"the tree of {target} has just changed", hint="try again")
                at.repositories.remove(target, repositories, now=self.now())
                at.artifacts.forget(builds)
                changes.append(TreeChange(removals=(*repositories, *others)))
        shutil.rmtree(self.repos / TRASH, ignore_errors=True)

    def rewrite(self, repository: Repository, members: Members) -> bool:
        """Write a damaged repository again, if the state still shows what was in it."""
        with self.journal.alone(f"mending {repository.path}"):
            with self._store.read() as at:
                now = TargetState.read(at, self.site.target, self._good)
                build = at.builds.get(repository.build_id) if repository.build_id else None
                stored = at.artifacts.of_builds([build.id] if build else [])
                fragments = at.artifacts.fragments([one.id for one in stored])
            if build is None:
                what = contents.of_members(self.site, repository.component, members, now)
            else:
                own = {one.artifact: fragments[one.id] for one in stored}
                what = contents.of_build(self.site, build, own, members, now)
            in_pool = {artifact: pool.place(self._pool, artifact) for artifact in what.own}
            is_same = what.digest == repository.digest and str(what.path) == repository.path
            if not is_same or not all(place.is_file() for place in in_pool.values()):
                return False
            fresh = self.journal.fresh("mending")
            self._write_repository(
                fresh, what, build.commit.upstream_hash if build else what.digest
            )
            if build:
                directory.write_success(fresh, build, in_pool, what.path, SourceFolders())
                folder = self.folder / "builds" / str(build.id)
                if folder.is_dir():
                    directory.link_logs(fresh, folder)
            directory.sync(fresh)
            with self.journal.deciding() as (at, changes):
                at.repositories.put_back(repository.id)
                changes.append(self.change(at, fresh=fresh, path=what.path))
            return True

    def write_again(self, repository: Repository, what: Contents) -> None:
        """Write a repository again at its path, with the same RPMs and all its other files.

        The RPMs may have other bytes, because they were signed.
        """
        with self.journal.alone(f"signing {repository.path}"):
            with self._store.read() as at:
                build = at.builds.get(repository.build_id) if repository.build_id else None
            fresh = self.journal.fresh("again")
            self._write_repository(
                fresh, what, build.commit.upstream_hash if build else what.digest
            )
            in_pool = {artifact: pool.place(self._pool, artifact) for artifact in what.own}
            directory.link_rpms(fresh, in_pool)
            old = self.repos / repository.path
            directory.keep_others(old, fresh, self.repos / "deps")
            directory.sync(fresh)
            with self.journal.deciding() as (at, changes):
                changes.append(self.change(at, fresh=fresh, path=what.path))

    def forget_good_builds(self) -> None:
        """Read builds from the store again, because their RPMs were signed."""
        self._good = GoodBuilds()

    def take_out(self, repository: Repository) -> None:
        """Remove a repository. Raises RefusedError if somebody needs it."""
        with (
            self.journal.alone(f"removing {repository.path}"),
            self.journal.deciding() as (at, changes),
        ):
            at.repositories.remove(self.site.target, [repository.path], now=self.now())
            changes.append(TreeChange(removals=(repository.path,)))

    def compose_instead(
        self, repository: Repository, led: Collection[str], members: Members
    ) -> None:
        """Point names to what the state says, because the repository they pointed to is lost.

        The state may say the same path as before; that repository is then written again and stays.
        """
        with self.journal.alone(f"mending {', '.join(led)}"):
            fresh_one = self._compose(repository.component, members)
            with self.journal.deciding() as (at, changes):
                why = f"{repository.path} was damaged"
                moves = dict.fromkeys(led, fresh_one)
                changes.append(self.change(at, moves, why=why))
                if fresh_one.path != repository.path:
                    at.repositories.remove(self.site.target, [repository.path], now=self.now())
                    changes.append(TreeChange(removals=(repository.path,)))

    def current_directories(self) -> tuple[Path, ...]:
        """Return the repositories that `current` points to, one per component; they never change.

        A build that uses them sees one state from start to end. The bootstrap repository comes
        last, as long as some packages have nothing better. Raises NotFoundError if one is missing.
        """
        with self._store.read() as at:
            current = at.names.components(self.site.target, CURRENT)
        for repository in current.values():
            if not has_repodata(self.repos / repository.path):
                raise NotFoundError(
                    f"{CURRENT} leads to {repository.path}, which is gone",
                    hint=f"rdo trunk verify --repair --target {self.site.target}",
                )
        places = tuple(self.repos / repository.path for repository in current.values())
        return (*places, *bootstrap.directories(self.folder, self._store, self.site.target))

    @property
    def _pool(self) -> Path:
        return self.repos / pool.NAME

    def _put_in_place(
        self, build: Build, what: Contents, fresh: Path, members: Members, *, superseded: bool
    ) -> Published:
        """Record the publication, then change the tree."""
        shared = members.of(self.site, what.component)
        enters = not superseded and any(member.name == build.package for member in shared)
        verdict = names.ConsistentVerdict()
        moves: dict[str, Repository] = {}
        with self.journal.deciding() as (at, changes):
            at.artifacts.add(build.id, what.own)
            at.builds.publish(build.id, superseded=superseded)
            repository = self._add_repository(at, what, build.id)
            if enters:
                moves[CURRENT] = repository
                verdict = names.judge(at, self.site, what.component, members)
                if verdict.repository and self.gate is None:
                    moves[CONSISTENT] = verdict.repository
            why = str(build.commit)
            changes.append(self.change(at, moves, fresh=fresh, path=what.path, why=why))
        blocked = verdict.blocked
        if (
            verdict.repository
            and self.gate
            and not (blocked := self.gate.judge(verdict.repository))
        ):
            self._refresh(what.component, members)
            moves[CONSISTENT] = verdict.repository
        moved = tuple(name for name, place in moves.items() if place == repository)
        return Published(self.repos / what.path, moved, _provides(what.own), blocked)

    def _publish_bootstrap(self, build: Build, rpms: Mapping[Artifact, Fragment]) -> Published:
        """Record the build in the store only; its repository is composed when it is needed."""
        with self._store.write() as at:
            at.artifacts.add(build.id, rpms)
            at.builds.publish(build.id, superseded=False)
        return Published(provides=_provides(rpms))

    def _refresh(self, component: str | None, members: Members) -> Path | None:
        repository = self._due(component, members)
        if repository is None or (self.gate and self.gate.judge(repository)):
            return None
        return self._make_consistent([repository])[0]

    def _refresh_together(
        self, gate: ConsistentGate, due: Mapping[str | None, Repository], members: Members
    ) -> list[Path]:
        """Move components that pass only together, because they require each other's new builds.

        A component with an uninstallable package is left out.
        """
        while len(due) > 1:
            blocked = {one.package for one in gate.judge(*due.values())}
            if not blocked:
                return self._make_consistent([*due.values()])
            left = {
                component: one
                for component, one in due.items()
                if blocked.isdisjoint(member.name for member in members.of(self.site, component))
            }
            if left == due:
                break
            due = left
        return []

    def _due(self, component: str | None, members: Members) -> Repository | None:
        """Return where `consistent` should point by the state of its members, if it does not."""
        with self._store.read() as at:
            verdict = names.judge(at, self.site, component, members)
            leads = at.names.repository(self.site.target, component, CONSISTENT)
        if verdict.blocked or not verdict.wanted:
            return None
        repository = verdict.repository or self._compose(component, members)
        return repository if repository != leads else None

    def _make_consistent(self, repositories: Sequence[Repository]) -> list[Path]:
        with self.journal.deciding() as (at, changes):
            why, moves = "the state of its members", [(CONSISTENT, one) for one in repositories]
            changes.append(self._moving(at, moves, by=_TRUNK, why=why))
        return [self.repos / one.path for one in repositories]

    def _compose(self, component: str | None, members: Members) -> Repository:
        """Compose a repository of the members' newest good builds."""
        with self._store.read() as at:
            now = TargetState.read(at, self.site.target, self._good)
        return self._write_composed(contents.of_members(self.site, component, members, now))

    def _write_composed(self, what: Contents, shelf: str = "") -> Repository:
        fresh = self.journal.fresh(what.digest)
        self._write_repository(fresh, what, what.digest, shelf)
        directory.sync(fresh)
        with self.journal.deciding() as (at, changes):
            repository = self._add_repository(at, what, None)
            changes.append(self.change(at, fresh=fresh, path=what.path))
        return repository

    def _write_repository(self, fresh: Path, what: Contents, name: str, shelf: str = "") -> None:
        """Write a repository; `shelf` is a separate cache of its metadata segments."""
        revision = int(self.now().timestamp())
        main, debug = what.part(is_debug=False), what.part(is_debug=True)
        composer = self._composer(what.component, shelf)
        signer = self.signer.pinned() if self.signer else None
        trust = signer.trust(what.signed_by) if signer else NOT_SIGNED
        label = directory.Label(name, revision, trust)
        directory.write_repository(fresh, main, self.site, composer, label)
        if debug.own or debug.others:
            composer = self._composer(what.component, f"{shelf}{DEBUG}")
            directory.write_debug_repository(fresh, debug, self.site, composer, label)
        directory.copy_dependencies(fresh, self.repos / self.site.dependencies_file)
        if signer:
            try:
                signer.sign_files([part / REPOMD for part in parts(fresh)])
            except Exception:
                shutil.rmtree(fresh, ignore_errors=True)
                raise

    def _composer(self, component: str | None, part: str = "") -> Composer:
        folder = self.folder / "segments" / f"{component or ''}-{part}"
        return self._composers.setdefault((component, part), Composer(self._fragments, folder))

    def _fragments(self, keys: Collection[int]) -> Mapping[int, Fragment]:
        with self._store.read() as at:
            return at.artifacts.fragments(keys)

    def _add_repository(self, at: Transaction, what: Contents, build_id: int | None) -> Repository:
        return at.repositories.add(
            self.site.target,
            component=what.component,
            path=str(what.path),
            build_id=build_id,
            digest=what.digest,
            now=self.now(),
        )

    def change(
        self,
        at: Transaction,
        moves: Mapping[str, Repository] | None = None,
        *,
        fresh: Path | None = None,
        path: PurePosixPath | None = None,
        by: str = _TRUNK,
        why: str = "",
    ) -> TreeChange:
        """Return the change that puts `fresh` at `path` and moves names; it is recorded in `at`."""
        ready = {str(path): fresh} if fresh else {}
        change = self._moving(at, (moves or {}).items(), by=by, why=why, ready=ready)
        if fresh is None:
            return change
        return replace(
            change,
            place=str(path),
            fresh=str(fresh.relative_to(self.repos)),
            inode=fresh.stat().st_ino,
        )

    def _moving(
        self,
        at: Transaction,
        moves: Iterable[tuple[str, Repository]],
        *,
        by: str,
        why: str,
        ready: Mapping[str, Path] | None = None,
    ) -> TreeChange:
        """Return the change that moves names; `ready` are repositories not yet at their path."""

        links, aggregates = names.move(
            at,
            self.site,
            moves,
            now=self.now(),
            by=by,
            why=why,
            repo_file=lambda path: self._repo_file(path, ready),
        )
        return TreeChange(links=links, aggregates=aggregates, reponame=self.site.reponame)

    def _repo_file(self, path: str, ready: Mapping[str, Path] | None = None) -> str | None:
        """Return the .repo file of a repository; None if the repository was damaged."""
        folder = (ready or {}).get(path, self.repos / path)
        if has_files(folder, self.site.reponame):
            return (folder / f"{self.site.reponame}.repo").read_text()
        log.warning(
            "%s is damaged, so aggregates leave it out; run: rdo trunk verify --repair", path
        )
        return None


def _read(build: Build, folder: Path) -> tuple[RpmFile, ...]:
    if not isinstance(build.outcome, Built):
        raise TypeError(f"build {build.id} produced no RPMs")
    return read_rpms([folder / rpm.name for rpm in build.outcome.rpms])


def source_first(rpms: Iterable[RpmFile]) -> dict[Artifact, Fragment]:
    """Return the RPMs of a build, the source RPM first, with their fragments."""
    rows = ((one.artifact, one.fragment) for one in rpms)
    return dict(sorted(rows, key=lambda row: (not row[0].is_source, row[0].file_name)))


def _provides(rpms: Collection[Artifact]) -> tuple[str, ...]:
    binary = (artifact for artifact in rpms if not artifact.is_source)
    return tuple(dict.fromkeys(name for artifact in binary for name in artifact.provides))
