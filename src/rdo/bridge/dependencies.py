"""The dependency repository of a target: packages that neither its release nor its base provides.

Python packages come from PyPI, Debian packages from the base's own suite. The lock file lists every
choice with its hash. Each set of choices is a snapshot, a folder `<16 hex digits>/` with RPMs and
repodata that never changes; the lock file names the current one, and the link `current` points to
it.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from rdo import atomic, lock
from rdo.bridge.choice import UNKNOWN, Choice, Chooser
from rdo.bridge.doubles import doubles, without_doubles
from rdo.bridge.lock_file import LockedPackage, LockFile, PackageOrigin
from rdo.bridge.protocol import Provision
from rdo.bridge.wheels import WheelRefusedError, WheelStore
from rdo.errors import NotFoundError, OutsideError
from rdo.model.repo_file import (
    DEPENDENCIES,
    MIRRORLIST,
    NOT_SIGNED,
    RepoSection,
    RepoTrust,
    mirrorlist,
)
from rdo.python_names import python_requirement
from rdo.repodata import Composer, read_rpms
from rdo.signing import Signer
from rdo.solver import Missing, solve
from rdo.tools.packaging.pip import Resolved

log = logging.getLogger(__name__)

CURRENT = "current"
"""The link to the current snapshot: a stable address for programs that use no .repo file."""

MAX_BROUGHT = 200
"""Maximum number of times that the builds of wheels may request RPM dependencies in one choice."""


@dataclass(frozen=True, slots=True)
class RepoFile:
    """The .repo file through which dnf finds the current snapshot, below `url`.

    `others` returns more sections: those of other targets.
    """

    path: Path
    repo_id: str
    url: str
    others: Callable[[], str] = str

    def say_where(self, place: Path, before: str) -> None:
        """Write addresses of this snapshot and the one before it into its mirror list.

        So a host that has read the earlier snapshot's index still finds its RPMs.
        """
        file, names = place / MIRRORLIST, dict.fromkeys((place.name, before))
        if not file.exists() or before != place.name:
            atomic.write_file(file, mirrorlist(*(f"{self.url}/{name}" for name in names)))

    def write(self, snapshot: str, trust: RepoTrust = NOT_SIGNED) -> None:
        """Write the address of this snapshot, if any; an unchanged file is not touched."""
        name, url = f"{self.repo_id}-{snapshot}", f"{self.url}/{snapshot}"
        section = RepoSection(self.repo_id, name, (url,), priority=DEPENDENCIES).trusting(trust)
        texts = [str(section)] if snapshot else []
        text = "\n".join(filter(None, (*texts, self.others())))
        if text and (not self.path.exists() or self.path.read_text() != text):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_file(self.path, text)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Provides packages that neither the release nor the base provides.

    `snapshots` is the folder of snapshots; `lock_file` names the current choice. With a `signer`
    their RPMs and repodata are signed, and a new key makes a new snapshot. `neighbours` returns the
    repositories of other targets that builds also use, with their priorities.
    """

    wheels: WheelStore
    chooser: Chooser
    snapshots: Path
    lock_file: Path
    repo_file: RepoFile | None = None
    signer: Signer | None = None
    neighbours: Callable[[], tuple[tuple[Path, int], ...]] = tuple

    def repository(self) -> Path | None:
        """Return the current snapshot; None if nothing was bridged yet."""
        return snapshot_that_counts(self.lock_file, self.snapshots)

    def prepare(self) -> None:
        """Add what every root needs and drop what the release now packages itself.

        A package whose names in the platform's tables have changed is made again.

        Also completes what a killed process left unfinished: link and .repo file follow the lock
        file. Raises OutsideError if PyPI lacks a package that every root needs.
        """
        with self._alone("preparing the dependency repository"):
            locked = LockFile.read(self.lock_file)
            kept = tuple(one for one in locked.entries if not self.chooser.is_own(one))
            is_gone = locked.snapshot and not (self.snapshots / locked.snapshot).is_dir()
            is_other = locked.made_from and locked.made_from != self._made_from(kept)
            if kept != locked.entries or is_gone or is_other or self._needs_signature(locked):
                self._publish(kept)
            elif locked.snapshot:
                self._show(locked.snapshot)
            elif self.repo_file:
                self.repo_file.write("")
            known = {one.key for one in kept}
            absent = [
                need
                for need in self.wheels.base.platform.always_required
                if (PackageOrigin.PYPI, _project(need)) not in known
            ]
            missing = self._provide(absent).missing if absent else ()
        if missing:
            raise OutsideError(f"PyPI has no package that provides {', '.join(missing)}")

    def provide(self, needs: Sequence[str]) -> Provision:
        """Provide RPM dependencies from PyPI or Debian; see `rdo.bridge.protocol.Bridge`."""
        with self._alone("bridging"):
            return self._provide(needs)

    def update(self) -> tuple[tuple[LockedPackage, ...], tuple[LockedPackage, ...]]:
        """Choose again from what PyPI and Debian offer today; return the entries before and after.

        Raises OutsideError, and changes nothing, if something is no longer available.
        """
        with self._alone("updating the dependency repository"):
            before = LockFile.read(self.lock_file).entries
            self.chooser.debs.apt.update()
            needs = dict.fromkeys(need for one in before for need in one.asked_by)
            choice = self._choose(tuple(needs), ())
            if choice.impossible:
                lost = "; ".join(f"{need}: {why}" for need, why in choice.impossible.items())
                raise OutsideError(
                    f"nothing was changed, because these are no longer available: {lost}"
                )
            self._publish(choice.entries)
            return before, choice.entries

    def drop(self, name: str) -> tuple[LockedPackage, ...]:
        """Remove a package and the packages that only it required, and return what was removed.

        Raises NotFoundError if the package is not bridged.
        """
        with self._alone(f"dropping {name}"):
            before = LockFile.read(self.lock_file).entries
            if canonicalize_name(name) not in {one.key[1] for one in before}:
                raise NotFoundError(f"{name} is not a bridged package")
            kept = self.chooser.without(before, name)
            self._publish(kept)
            return tuple(one for one in before if one not in kept)

    @contextmanager
    def _alone(self, purpose: str) -> Iterator[None]:
        in_use = self.wheels.content.in_use()  # keeps the content store's files
        with lock.hold(self.lock_file.with_suffix(".lock"), purpose=purpose, wait=True), in_use:
            shutil.rmtree(self.chooser.scratch, ignore_errors=True)  # leftovers of a killed process
            yield

    def _provide(self, needs: Sequence[str]) -> Provision:
        before = LockFile.read(self.lock_file).entries
        choice = self._published(needs, before)
        choice.impossible.update((need, UNKNOWN) for need in self._not_provided(choice.unsure))
        for need, why in choice.impossible.items():
            log.warning("cannot bridge %s: %s", need, why)
        return Provision(
            tuple(need for need in needs if need not in choice.impossible),
            tuple(need for need in needs if need in choice.impossible),
        )

    def _published(self, needs: Sequence[str], before: tuple[LockedPackage, ...]) -> Choice:
        """Choose and publish; leave out dependencies for which a wheel is refused."""
        refused: dict[str, str] = {}
        while True:
            left = [need for need in needs if need not in refused]
            choice = self._choose(left, before)
            choice.impossible.update(refused)
            if choice.entries == before:
                return choice
            try:
                self._keep(choice.entries)
            except WheelRefusedError as error:
                because = self.chooser.needing(left, choice.entries, error.project)
                if not because:
                    raise
                refused |= dict.fromkeys(because, str(error))
            else:
                return choice

    def _not_provided(self, needs: Iterable[str]) -> list[str]:
        """Return the dependencies that no repository provides, now that the choice is published."""
        shop = self.chooser.resolver.sdists.workshop
        arch = shop.base.platform.arch
        repositories = shop.repositories()
        answers = {need: solve([need], repositories, arch=arch) for need in needs}
        return [
            need
            for need, answer in answers.items()
            if isinstance(answer, Missing) and any(not one.by for one in answer.requirements)
        ]

    def _choose(
        self,
        needs: Sequence[str],
        entries: tuple[LockedPackage, ...],
        awaited: frozenset[str] = frozenset(),
    ) -> Choice:
        """Return the choice; what the builds of wheels require is published on the way.

        `awaited` are the dependencies of wheels whose builds wait for this choice.
        """
        brought: set[str] = set()

        def publish(
            first: Sequence[str], entries: tuple[LockedPackage, ...]
        ) -> tuple[tuple[LockedPackage, ...], frozenset[str]]:
            # Already bridged and still missing, or required by a wheel that this choice is made
            # for.
            hopeless = {one for one in first if one in brought or one in awaited}
            new = [one for one in first if one not in hopeless]
            brought.update(new)
            if not new or len(brought) > MAX_BROUGHT:
                return entries, frozenset(first)
            before = self._choose(new, entries, awaited.union(new))
            self._publish(before.entries)
            return before.entries, frozenset({*hopeless, *before.impossible})

        try:
            return self.chooser.choose(needs, entries, publish)
        except WheelRefusedError as error:
            return Choice(entries, dict.fromkeys(needs, str(error)))

    def _keep(self, entries: tuple[LockedPackage, ...]) -> None:
        """Publish the entries; if only the reasons have changed, just write the lock file."""
        locked = LockFile.read(self.lock_file)
        is_same = _content(entries) == _content(locked.entries)
        if is_same and locked.made_from == self._made_from(entries):
            python = self.chooser.resolver.pip.interpreter.version
            replace(locked, entries=entries, python=python).write(self.lock_file)
        else:
            self._publish(entries)

    def _publish(self, entries: tuple[LockedPackage, ...]) -> None:
        """Make the snapshot of these entries, then make it current by renaming the lock file."""
        pypi = [one.resolved for one in entries if one.origin is PackageOrigin.PYPI]
        debian = [one.deb for one in entries if one.origin is PackageOrigin.DEBIAN]
        resolver = self.chooser.resolver
        wheels = self.wheels.rpms(pypi, resolver.pip, resolver.sdists.wheels)
        debs = self.chooser.debs.rpms(debian)
        made = [*wheels.values(), *debs.values()]
        rpms = sorted(path for paths in made for path in paths)
        names = "\n".join(f"{path.parent.name}/{path.name}" for path in rpms)
        signer = self.signer.pinned() if self.signer else None
        key = signer.fingerprint if signer else ""
        asked = {one.deb for one in entries if one.asked_by and one.origin is PackageOrigin.DEBIAN}
        instead = doubles(
            (path for deb, paths in debs.items() if deb not in asked for path in paths),
            (path for paths in wheels.values() for path in paths),
        )
        names += "".join(f"\nin place of {path.name}" for path in sorted(instead))
        names += f"\nsigned by {key}" if key else ""
        snapshot = self.snapshots / hashlib.sha256(names.encode()).hexdigest()[:16]
        if not snapshot.exists():
            of_wheels = {path: one for one, paths in wheels.items() for path in paths}
            write_snapshot(
                snapshot, rpms, of_wheels, signer, self._signed_copies, in_place_of=instead
            )
        made_from = self._made_from(entries)
        python = resolver.pip.interpreter.version
        LockFile(entries, snapshot.name, made_from, key, python).write(self.lock_file)
        self._show(snapshot.name)
        log.info("bridged: %d packages from PyPI, %d from Debian", len(pypi), len(debian))

    def _made_from(self, entries: Iterable[LockedPackage]) -> str:
        """Return what a snapshot of these entries depends on, including the names in our tables."""
        places = [
            self.wheels.place(one.resolved)
            if one.origin is PackageOrigin.PYPI
            else self.chooser.debs.place(one.deb)
            for one in entries
        ]
        return hashlib.sha256("\n".join(place.name for place in places).encode()).hexdigest()

    def _show(self, snapshot: str) -> None:
        """Point the link `current` and the .repo file to a snapshot."""
        link, place = self.snapshots / CURRENT, self.snapshots / snapshot
        if self.repo_file and place.exists():
            before = link.resolve().name if link.exists() else snapshot
            self.repo_file.say_where(place, before)
        if place.exists() and link.resolve() != place.resolve():
            atomic.point_link(link, place)
        if self.repo_file:
            key = LockFile.read(self.lock_file).signed_by
            trust = self.signer.trust([key]) if self.signer and key else NOT_SIGNED
            self.repo_file.write(snapshot, trust)

    def _needs_signature(self, locked: LockFile) -> bool:
        """Whether the current snapshot lacks the signature of the current key."""
        return bool(self.signer and locked.snapshot) and self._key() != locked.signed_by

    def _key(self) -> str:
        return self.signer.fingerprint if self.signer else ""

    @property
    def _signed_copies(self) -> Path:
        """Return the folder beside the lock file with signed copies for the next snapshot."""
        return self.lock_file.with_name("signed-dependencies")


def snapshot_that_counts(lock_file: Path, snapshots: Path) -> Path | None:
    """Return the snapshot that a lock file names as current; None if nothing was bridged yet."""
    name = LockFile.read(lock_file).snapshot
    return snapshots / name if name else None


def _content(entries: Iterable[LockedPackage]) -> list[tuple[LockedPackage, bool]]:
    """Return what the content of a snapshot depends on.

    The requirer matters only for Debian's packages: one of them stays beside a wheel of the same
    name if something requires it.
    """
    return [
        (one.bare, one.origin is PackageOrigin.DEBIAN and bool(one.asked_by)) for one in entries
    ]


def _project(need: str) -> str:
    requirement = python_requirement(need)
    return canonicalize_name(requirement.name) if requirement else need


def write_snapshot(
    snapshot: Path,
    rpms: Sequence[Path],
    of_wheels: Mapping[Path, Resolved],
    signer: Signer | None = None,
    signed_copies: Path | None = None,
    *,
    in_place_of: frozenset[Path] = frozenset(),
) -> None:
    """Make the folder `snapshot`: a repository of these RPMs, or of signed copies of them.

    Debian's packages may have setuid files: they are signed, and trusted like the platform. Raises
    WheelRefusedError if the RPM of a wheel has such a file. `signed_copies` is a folder with the
    signed RPMs of earlier snapshots. RPMs of the Debian packages in `in_place_of`, which wheels
    replace, are left out unless another package requires them.
    """
    read = read_rpms(rpms)
    for path, one in zip(rpms, read, strict=True):
        if one.special and path in of_wheels:
            special = one.special[0]
            raise WheelRefusedError(of_wheels[path], f"it has {special.path} with {special.kind}")
    rpms, read = without_doubles(rpms, read, in_place_of)
    new = snapshot.with_name(f".{snapshot.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    if signer and signed_copies:
        shas = {path: one.artifact.sha256 for path, one in zip(rpms, read, strict=True)}
        rpms = signed_rpms(signer, shas, signed_copies)
        read = read_rpms(rpms)
    for path in rpms:
        atomic.link_or_copy(path, new / path.name)
    own = [(one.artifact.file_name, one.fragment) for one in read]
    Composer(lambda _: {}).write(new, own, (), revision=int(time.time()))
    if signer:
        signer.sign_files([new / "repodata/repomd.xml"])
    new.rename(snapshot)


def signed_rpms(signer: Signer, rpms: Mapping[Path, str], kept: Path) -> tuple[Path, ...]:
    """Return a signed copy of each RPM, given with its sha256, in the same order.

    Copies stay in `kept`/KEY/SHA256/ for the next snapshot; those that this snapshot does not use
    are removed.
    """
    folder = kept / signer.fingerprint
    places = {path: folder / sha256 / path.name for path, sha256 in rpms.items()}
    fresh = folder / ".fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    good = signer.good_copies({place: path for path, place in places.items()}, folder)
    missing = [path for path, place in places.items() if place not in good]
    copies = signer.sign_rpms(missing, fresh) if missing else ()
    for path, copy in zip(missing, copies, strict=True):
        places[path].parent.mkdir(exist_ok=True)
        copy.replace(places[path])
    shutil.rmtree(fresh, ignore_errors=True)
    needed = {place.parent for place in places.values()}
    for old in (*kept.iterdir(), *folder.iterdir()):
        if old not in needed and old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return tuple(places.values())
