"""Find the repositories that contain a commit, a fix or a version, and the names pointing to them.

The commit of each package is read from a repository's versions.csv, not computed.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from rdo.app.targets import OpenTarget
from rdo.cancellation import in_threads
from rdo.errors import NotFoundError
from rdo.mirrors import Mirrors
from rdo.model.package import Package
from rdo.model.text.ids import asked_id, ids_in
from rdo.model.text.url import is_on_pypi
from rdo.store import Transaction
from rdo.store.given.names import PastPlace
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build
from rdo.tools.git.mirror import Mirror

_AT_ONCE = 16
_MOST_MOVES = 200
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class NameContaining:
    """A name whose repository contains what was asked for.

    `since` is when it first pointed to such a repository. With `at_the_latest`, earlier
    repositories of the name were removed, so it may have been before that.
    """

    name: str
    component: str | None
    path: str
    build_id: int
    since: datetime
    at_the_latest: bool = False


@dataclass(frozen=True, slots=True)
class RepositoryContaining:
    """A repository of the tree with what was asked for, and the names that point to it."""

    id: int
    path: str
    component: str | None
    created: datetime
    names: tuple[str, ...]
    url: str
    build_id: int


@dataclass(frozen=True, slots=True)
class Containing:
    """Everything about one package that contains what was asked for.

    `builds` of the package contain it, in the order of their commits; `first` is the repository of
    the earliest of them, None if that was removed.
    """

    package: str
    builds: tuple[Build, ...]
    names: tuple[NameContaining, ...]
    first: RepositoryContaining | None


def contains(opened: OpenTarget, builds: Sequence[Build]) -> tuple[Containing, ...]:
    """Return, for each package, the names that point to a repository with one of its builds.

    A fix may be in several packages, and a name may have it in only one of them.
    """
    of: dict[str, list[Build]] = {}
    for one in builds:
        of.setdefault(one.package, []).append(one)
    return tuple(_containing(opened, package, of[package]) for package in sorted(of))


def _containing(opened: OpenTarget, package: str, builds: Sequence[Build]) -> Containing:
    with opened.store.read() as at:
        reader = _Reader.of(opened, at, builds)
        names = tuple(
            found
            for name, repository in at.names.all(opened.name)
            if (found := reader.name(name, repository))
        )
        own = at.repositories.find(opened.name, reader.oldest)
        first = reader.repository(own) if own and own.removed is None else None
    return Containing(package, reader.builds, names, first)


def repositories_containing(
    opened: OpenTarget, builds: Sequence[Build], *, before: int | None = None, most: int | None
) -> tuple[tuple[RepositoryContaining, ...], int | None]:
    """Return the repositories of the tree with one of these builds, newest first.

    Searches at most `most` of those older than `before`; the second value is where to continue.
    """
    with opened.store.read() as at:
        reader = _Reader.of(opened, at, builds)
        listed = [
            one
            for one in reversed(at.repositories.in_tree(opened.name))
            if one.id >= reader.oldest and (before is None or one.id < before)
        ]
        looked = listed if most is None else listed[:most]
        found = tuple(one for place in looked if (one := reader.repository(place)))
    return found, looked[-1].id if len(listed) > len(looked) else None


def find_builds(
    opened: OpenTarget, mirrors: Mirrors, what: str, version: str = ""
) -> tuple[Build, ...]:
    """Return the published builds that contain a commit, a fix, or a version of a package.

    A commit is given by its hash or the start of its hash. Rounds have recorded the sources of most
    builds; only for the others are the packages' mirrors searched: the first build at or above the
    commit contains it, and so do all later ones. Raises NotFoundError if there is none.
    """
    if version:
        package = opened.package(what).name
        with opened.store.read() as at:
            found = at.history.of_version(opened.name, package, version)
        told = f"no published build of {package} has the version {version}"
    elif _COMMIT.fullmatch(what.lower()):
        found = _with_hash(opened, mirrors, what.lower())
        told = f"no published build of {opened.name} has the commit {what}"
    elif fix := asked_id(what):
        with opened.store.read() as at:
            found = at.traces.builds(opened.name, fix)
            unread = at.traces.untraced_packages(opened.name)
        found = _merged(found, _above(opened, mirrors, fix, unread) if unread else ())
        told = f"no commit in a published build of {opened.name} names {what}"
    else:
        raise NotFoundError(
            f"{what!r} is neither the hash of a commit, of 7 digits or more, nor the id of a fix",
            hint="for a package, name its version, too: rdo repo contains PACKAGE VERSION",
        )
    if not found:
        raise NotFoundError(told, hint="rdo repo list shows what is published")
    return found


def _with_hash(opened: OpenTarget, mirrors: Mirrors, start: str) -> tuple[Build, ...]:
    """Return the builds whose sources contain a git commit."""
    with opened.store.read() as at:
        names = at.traces.names_beginning(opened.name, start)
        traced = at.traces.builds(opened.name, names[0]) if len(names) == 1 else ()
        found = _merged(at.history.of_hash(opened.name, start), traced)
        unread = at.traces.untraced_packages(opened.name)
    if not found:
        return _above(opened, mirrors, start, opened.packages)
    # another package with the same remote may have it below its first build
    having = {build.package for build in found}
    remotes = {url for name in having for url in _remotes(opened, name)}
    sharing = {name for name in opened.packages if remotes & _remotes(opened, name)}
    others = (unread | sharing) - having
    return _merged(found, _above(opened, mirrors, start, others) if others else ())


def _remotes(opened: OpenTarget, name: str) -> frozenset[str]:
    return opened.packages[name].remotes if name in opened.packages else frozenset()


def _merged(*found: Sequence[Build]) -> tuple[Build, ...]:
    builds = {build.id: build for some in found for build in some}
    return tuple(sorted(builds.values(), key=lambda one: (one.package, one.position, one.id)))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Searches builds in the repositories of a tree, within one transaction.

    `oldest` is the id of the first repository that may contain one of them; `names` are the names
    that point to each repository, by its id.
    """

    opened: OpenTarget
    at: Transaction
    builds: tuple[Build, ...]
    oldest: int
    names: Mapping[int, Sequence[str]]

    @classmethod
    def of(cls, opened: OpenTarget, at: Transaction, builds: Sequence[Build]) -> "_Reader":
        """Return a reader that searches these builds."""
        oldest = at.repositories.first_of({one.id for one in builds})
        names: dict[int, list[str]] = {}
        for name, repository in at.names.all(opened.name):
            names.setdefault(repository.id, []).append(name)
        return cls(opened, at, tuple(builds), oldest or 0, names)

    def name(self, name: str, now: Repository) -> NameContaining | None:
        """Return a name if the repository that it points to now contains one of the builds."""
        build = self.build_in(now)
        if build is None:
            return None
        at_the_latest = False
        for past in self._past(name, now):
            [place] = past.repositories
            if place.id == now.id or (place.removed is None and self.build_in(place) is not None):
                return NameContaining(
                    name, now.component, now.path, build, past.since, at_the_latest
                )
            at_the_latest |= place.removed is not None
        return NameContaining(name, now.component, now.path, build, now.created, True)

    def _past(self, name: str, now: Repository) -> tuple[PastPlace, ...]:
        return self.at.names.led_to_from(
            self.opened.name, now.component, name, self.oldest, limit=_MOST_MOVES
        )

    def repository(self, one: Repository) -> RepositoryContaining | None:
        """Return a repository if it contains one of the builds."""
        build = self.build_in(one)
        if build is None:
            return None
        names = sorted(self.names.get(one.id, ()))
        url = self.opened.tree.site.url(PurePosixPath(one.path))
        return RepositoryContaining(
            one.id, one.path, one.component, one.created, tuple(names), url, build
        )

    def build_in(self, one: Repository) -> int | None:
        """Return the newest of the builds in a repository, according to its versions.csv."""
        try:
            text = (self.opened.tree.repos / one.path / "versions.csv").read_text()
        except (FileNotFoundError, NotADirectoryError):
            return None
        packages = {build.package for build in self.builds}
        rows = {line.partition(",")[0]: line.split(",") for line in _rows(text, packages)}
        found = [build.id for build in self.builds if _is_of(build, rows.get(build.package, []))]
        limit = one.build_id or max(found, default=0)
        return max([number for number in found if number <= limit] or found, default=None)


def _rows(text: str, packages: Collection[str]) -> Iterator[str]:
    """Yield the lines of some packages in a versions.csv, without parsing all others."""
    for name in packages:
        start = text.find(f"\n{name},") + 1
        if start:
            yield text[start : text.find("\n", start)]


def _is_of(build: Build, row: Sequence[str]) -> bool:
    """Whether a row of versions.csv is about the commit of a build."""
    commit = build.commit
    wanted = (commit.upstream_hash, commit.distgit_hash, str(commit.extended_hash))
    return len(row) > 8 and (row[2], row[4], row[8]) == wanted


def _above(
    opened: OpenTarget, mirrors: Mirrors, what: str, names: Collection[str]
) -> tuple[Build, ...]:
    """Return the builds of packages with commits that git finds by their hash or message."""
    places = [
        (package, url)
        for package in opened.packages.values()
        for url in sorted(package.remotes)
        if package.name in names and not is_on_pypi(url) and mirrors.path(url).is_dir()
    ]
    urls = sorted({url for _, url in places})

    def commits(url: str) -> list[str]:
        mirror = Mirror(mirrors.path(url))
        if _COMMIT.fullmatch(what):
            resolved = mirror.resolve(what)
            return [resolved] if resolved else []
        naming = mirror.messages(mirror.naming(what.rpartition("#")[2]))
        return [hash_ for hash_, message in naming.items() if what in ids_in(message)]

    answers = in_threads(commits, urls, at_once=_AT_ONCE, name="contains")
    found = dict(zip(urls, answers, strict=True))
    return _merged(
        *(
            _with_commit(opened, Mirror(mirrors.path(url)), package, url, commit)
            for package, url in places
            for commit in found[url]
        )
    )


def _with_commit(
    opened: OpenTarget, mirror: Mirror, package: Package, url: str, commit: str
) -> tuple[Build, ...]:
    """Return the first build of a package whose sources descend from a commit, and later ones."""
    with opened.store.read() as at:
        builds = at.history.published(opened.name, package.name)
    is_spec = url == package.distgit
    if not is_spec:
        builds = tuple(one for one in builds if package.upstream_of(one.commit) == url)

    def has(build: Build) -> bool:
        head = package.spec_hash(build.commit) if is_spec else build.commit.upstream_hash
        return head == commit or mirror.is_ancestor(commit, head)

    low, high = 0, len(builds)
    while low < high:  # each commit of a package descends from the one before it
        middle = (low + high) // 2
        low, high = (low, middle) if has(builds[middle]) else (middle + 1, high)
    return builds[low:]
