"""Sets of builds: those in a repository, and those that a repository can be composed of.

The files of a repository list its RPMs; the store says which builds made them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rdo.app.targets import OpenTarget
from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.model.text.dates import minute_utc
from rdo.publish.consistent import set_digest
from rdo.publish.good import GoodBuild, GoodBuilds
from rdo.publish.names import CURRENT
from rdo.publish.references import has_repodata, held
from rdo.store import Transaction
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build

_FEWEST_LETTERS = 6
_BUILD = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Composition:
    """A set of builds, at most one of each package.

    `label` is the text by which a person asked for it. `repositories` contain exactly these builds,
    one per component; empty until they are composed.
    """

    label: str
    builds: Mapping[str, GoodBuild]
    repositories: tuple[Repository, ...] = ()

    @property
    def build_ids(self) -> frozenset[int]:
        """The numbers of its builds."""
        return frozenset(one.id for one in self.builds.values())


def find(opened: OpenTarget, text: str) -> Composition:
    """Return what a name, a name at a time (`NAME@TIME`, `@TIME`), or a path points to.

    Instead of a path, the start of its last part is enough. Raises NotFoundError if there is no
    such repository or it was purged, ConfigError for an invalid time, RefusedError if several paths
    begin like this.
    """
    with opened.store.read() as at:
        return _composition(at, opened, text, repositories_of(at, opened, text))


def of_repositories(
    opened: OpenTarget, label: str, repositories: tuple[Repository, ...]
) -> Composition:
    """Return the builds of several repositories together; raises the errors of `find`."""
    with opened.store.read() as at:
        return _composition(at, opened, label, repositories)


def change(
    opened: OpenTarget, base: Composition, instead: Iterable[str], without: Iterable[str] = ()
) -> Composition:
    """Return a composition with other builds of some packages.

    `instead` are texts `PACKAGE=BUILD` or `PACKAGE=REPOSITORY`: a build by its number, or the build
    in a repository; `PACKAGE=@TIME` is the newest good build at that time. Packages in `without`
    are left out. Raises ConfigError for a package named twice or for a malformed text,
    NotFoundError if there is no such build.
    """
    instead, without = tuple(instead), tuple(without)
    builds = dict(base.builds)
    chosen = [*map(_chosen, instead), *((_left_out(text), "") for text in without)]
    changed: set[str] = set()
    for name, where in chosen:
        package = name if name in builds else opened.package(name).name
        if package in changed:
            raise ConfigError(f"package {package} is named twice: {name}")
        changed.add(package)
        builds.pop(package, None)
        if where:
            builds[package] = _build(opened, package, where)
    if not changed:
        return base
    label = " ".join([base.label, *(f"but {one}" for one in instead)])
    label = " ".join([label, *(f"without {one}" for one in without)])
    return replace(base, label=label, builds=builds, repositories=())


def _chosen(text: str) -> tuple[str, str]:
    """Split a text `PACKAGE=BUILD` into package and build."""
    name, _, where = text.partition("=")
    if not name or not where:
        raise ConfigError(f"{text!r} does not name a build", hint="write PACKAGE=BUILD")
    return name, where


def _left_out(text: str) -> str:
    if "=" in text:
        raise ConfigError(
            f"{text!r} names a build, but the package is left out",
            hint="name the package alone, or take another build with --but PACKAGE=BUILD",
        )
    return text


def parse_moment(text: str) -> datetime:
    """Return a time written in ISO 8601; without a time zone it is UTC.

    >>> parse_moment("2026-11-20T10:00").isoformat()
    '2026-11-20T10:00:00+00:00'

    Raises ConfigError for any other text.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is not a time", hint="write it as 2026-11-20T10:00, in UTC"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def repositories_of(at: Transaction, opened: OpenTarget, text: str) -> tuple[Repository, ...]:
    """Return the repositories that a text names, one per component.

    Raises NotFoundError if there are none, RefusedError if several paths begin like this.
    """
    name, sign, when = text.partition("@")
    if sign:
        moment, name = parse_moment(when), name or CURRENT
        if found := at.names.components_at(opened.name, name, moment):
            return tuple(found.values())
        if at.names.components(opened.name, name):
            raise NotFoundError(f"{name} of {opened.name} led nowhere at {minute_utc(moment)}")
    elif led := at.names.components(opened.name, text):
        return tuple(led.values())
    elif by_path := _by_path(at, opened, text):
        return (by_path,)
    names = sorted({name for name, _ in at.names.all(opened.name)})
    raise NotFoundError(
        f"{opened.name} has no repository {name}{did_you_mean(name, names)}",
        hint="rdo repo list shows the repositories",
    )


def _composition(
    at: Transaction, opened: OpenTarget, label: str, repositories: tuple[Repository, ...]
) -> Composition:
    ids: set[int] = set()
    for one in repositories:
        ids |= _builds_of(at, opened, one)
    return Composition(label, GoodBuilds().read(at, ids), repositories)


def _by_path(at: Transaction, opened: OpenTarget, text: str) -> Repository | None:
    wanted = text.strip("/")
    if found := at.repositories.at_path(opened.name, wanted):
        return found
    if len(wanted) < _FEWEST_LETTERS or "/" in wanted:
        return None
    alike = [
        one
        for one in at.repositories.in_tree(opened.name)
        if one.path.rpartition("/")[2].startswith(wanted)
    ]
    if len(alike) > 1:
        shown = ", ".join(one.path for one in alike[:5])
        raise RefusedError(f"{text} is the start of several repositories: {shown}")
    return alike[0] if alike else None


def _builds_of(at: Transaction, opened: OpenTarget, repository: Repository) -> set[int]:
    """Return the builds whose RPMs a repository of the tree contains.

    Raises NotFoundError if the repository was removed, or replaced by a recheck, and DamagedError
    if its files are not intact.
    """
    is_there = at.repositories.at_path(opened.name, repository.path) == repository
    folder = opened.tree.repos / repository.path
    if not is_there or not has_repodata(folder):
        when = f" on {minute_utc(repository.removed)}" if repository.removed else ""
        raise NotFoundError(
            f"{repository.path} of {opened.name} was removed or replaced{when}",
            hint="rdo repo list shows what exists; rdo trunk purge --older-than keeps it longer",
        )
    hashes, plain = held(folder)
    own = {repository.build_id} if repository.build_id is not None else set()
    found = at.artifacts.builds_with(opened.name, hashes)
    if plain:
        plain -= {one.artifact.file_name for one in at.artifacts.of_builds(own)}
        found |= at.artifacts.builds_named(opened.name, plain)
    if len(found) != len(hashes) + len(plain):
        raise RefusedError(
            f"{repository.path} contains RPMs that the database does not know",
            hint=f"rdo trunk verify --target {opened.name}",
        )
    newest = own | {max(ids) for ids in found.values()}
    if not newest or set_digest(newest) == repository.digest:
        return newest
    # a later build has the same bytes as one of these
    limit = repository.build_id or max(newest)
    earlier = own | {max([one for one in ids if one <= limit] or ids) for ids in found.values()}
    oldest = own | {min(ids) for ids in found.values()}
    return next((one for one in (earlier, oldest) if set_digest(one) == repository.digest), newest)


def _build(opened: OpenTarget, package: str, where: str) -> GoodBuild:
    """Return one build of a package. Raises NotFoundError if it never existed, or was removed."""
    if _BUILD.fullmatch(where):
        found = _read(
            opened, package, lambda at: at.builds.to_stay_at(opened.name, package, int(where))
        )
    elif where.startswith("@"):
        moment = parse_moment(where[1:])
        found = _read(opened, package, lambda at: at.builds.good_at(opened.name, package, moment))
    else:
        found = find(opened, where).builds.get(package)
    if found is None:
        raise NotFoundError(
            f"there is no good build of {package} at {where} with RPMs",
            hint=f"rdo why {package} --target {opened.name} shows its builds",
        )
    if not found.artifacts:
        raise NotFoundError(f"the RPMs of build {found.id} of {package} were purged")
    return found


def _read(
    opened: OpenTarget, package: str, choose: Callable[[Transaction], Build | None]
) -> GoodBuild | None:
    with opened.store.read() as at:
        chosen = choose(at)
        return GoodBuilds().read(at, [chosen.id] if chosen else []).get(package)
