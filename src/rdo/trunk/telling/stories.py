"""Gather everything known about a failure or a fix from store, mirrors and logs."""

import logging
import re
from pathlib import Path, PurePosixPath
from typing import Any

from rdo.dlrn.layout import hash_directory
from rdo.errors import UserError
from rdo.logs.reader import LogReading, read_log_file
from rdo.model.build import BUILD_LOG, INSTALLED, Built, Failed, FailureReason
from rdo.model.nevra import Nevra
from rdo.model.package import Package
from rdo.model.text.url import is_on_pypi, without_secret
from rdo.notify.links import commit_url
from rdo.notify.story import (
    Audience,
    Changes,
    EventKind,
    LastGoodBuild,
    LinkedCommit,
    OnIt,
    RootChange,
    Story,
    UnmetRequirement,
)
from rdo.store.messages.events import Event
from rdo.store.work.builds import Build
from rdo.tools.git.mirror import Mirror
from rdo.trunk.context import Trunk
from rdo.trunk.order.providers import Providers, needed_names

log = logging.getLogger(__name__)

MAX_COMMITS = 20
MAX_ROOT_CHANGES = 40
_COMPLETE_ROOT = {FailureReason.COMPILE, FailureReason.TEST, FailureReason.INSTALL}
"""Failures that occur after all requirements of the build were installed."""
_HAS_LOG = frozenset(FailureReason) - {FailureReason.CYCLE, FailureReason.MISSING_DEPENDENCY}


def empty_story(trunk: Trunk, event: Event, audience: Audience, **more: Any) -> Story:
    """Return the part that every story has."""
    package = trunk.packages.get(event.package)
    return Story(
        kind=EventKind(event.kind),
        target=trunk.name,
        release=trunk.release,
        platform=trunk.platform,
        package=event.package,
        when=event.created,
        audience=audience,
        maintainers=package.maintainers if package else (),
        factory=trunk.factory,
        page_url=trunk.tree.site.url(PurePosixPath(f"packages/{event.package}.html")),
        **more,
    )


def build_story(
    trunk: Trunk, event: Event, audience: Audience, *, waiting: tuple[str, ...] = ()
) -> Story:
    """Return the story of an event about a build."""
    assert event.build_id is not None
    with trunk.store.read() as at:
        build = at.builds.get(event.build_id)
        first = at.builds.get(event.break_id) if event.break_id else None
        history = at.builds.history(trunk.name, event.package, limit=500)
        good = good_before(history, build)
        is_mend = event.kind == EventKind.MENDED
        shown = build if is_mend else good
        artifacts = at.artifacts.of_build(shown.id) if shown else ()
        ack = at.acks.at(trunk.name, event.package, event.created)
    failed = build.outcome if isinstance(build.outcome, Failed) else None
    since = first if is_mend else good
    package = trunk.packages.get(event.package)
    nvr = next((str(x.nevra) for x in artifacts if x.is_source), "").removesuffix(".src")
    read = _read_log(trunk, build) if failed and failed.reason in _HAS_LOG else LogReading("", ())
    log_url, repository_url = _urls(trunk, build)
    return empty_story(
        trunk,
        event,
        audience,
        build_id=build.id,
        commit=build.commit.upstream_hash,
        commit_url=commit_url(package.upstream_of(build.commit), build.commit.upstream_hash)
        if package
        else "",
        distgit_commit=build.commit.distgit_hash,
        nvr=nvr if is_mend else "",
        reason=failed.reason if failed else None,
        detail=failed.detail if failed else "",
        says=read.says,
        lines=read.lines,
        broken=first.finished if first else None,
        good=LastGoodBuild(good.id, nvr, good.finished or good.created)
        if good and not is_mend
        else None,
        upstream=upstream_changes(trunk, package, build, since, history),
        distgit=distgit_changes(trunk, package, build, since),
        root=_root_changes(trunk, build, good, failed.reason) if failed and good else (),
        needs=_needs(trunk, build, failed) if failed else (),
        waiting=waiting,
        ack=OnIt(ack.by, ack.since, ack.why, ack.link) if ack else None,
        log_url=log_url,
        repository_url=repository_url,
    )


def _urls(trunk: Trunk, build: Build) -> tuple[str, str]:
    """Return the URLs of the log and the directory of a build, if they are published.

    A commit that was good once keeps its repository when a later build of it fails.
    """
    site = trunk.tree.site
    place = hash_directory(build.commit, site.component(build.package, build.commit.component))
    with trunk.store.read() as at:
        there = at.repositories.at_path(site.target, str(place))
    if build.bootstrap or (there and there.build_id != build.id):
        return "", ""
    return site.url(place / BUILD_LOG), site.url(place)


def good_before(history: tuple[Build, ...], build: Build) -> Build | None:
    """Return the newest build before this one that made RPMs and is not superseded."""
    return next(
        (
            one
            for one in history
            if one.id < build.id and isinstance(one.outcome, Built) and not one.bootstrap
        ),
        None,
    )


def _read_log(trunk: Trunk, build: Build) -> LogReading:
    return read_log_file(trunk.build_folder(build) / BUILD_LOG)


def upstream_changes(
    trunk: Trunk,
    package: Package | None,
    build: Build,
    since: Build | None,
    history: tuple[Build, ...],
) -> Changes:
    """Return what is new in the upstream of the build; other upstreams are not included."""
    if package is None:
        return Changes()
    remote = package.upstream_of(build.commit)
    if since and package.upstream_of(since.commit) != remote:
        of_same = (one for one in history if package.upstream_of(one.commit) == remote)
        since = good_before(tuple(of_same), build)
    return _changes(
        trunk.remotes.upstream(package, build.commit),
        remote,
        since.commit.upstream_hash if since else None,
        build.commit.upstream_hash,
    )


def distgit_changes(
    trunk: Trunk, package: Package | None, build: Build, since: Build | None
) -> Changes:
    if package is None:
        return Changes()
    return _changes(
        trunk.remotes.distgit(package),
        package.distgit,
        since.commit.distgit_hash if since else None,
        build.commit.distgit_hash,
        folder=package.distgit_path,
    )


def _changes(
    mirror: Mirror, remote: str, base: str | None, head: str, *, folder: str = ""
) -> Changes:
    """Return the commits after `base`; without a base only the head. None if git lacks them."""
    if base == head:
        return Changes()
    try:
        count, commits = mirror.changes(base, head, folder=folder, limit=MAX_COMMITS)
    except UserError as error:
        log.debug("%s", error)
        return Changes()
    is_release = is_on_pypi(remote)
    newest = tuple(
        LinkedCommit(
            commit.hash,
            commit.subject,
            "" if is_release else commit.author,
            commit.time,
            commit_url(remote, commit.hash),
        )
        for commit in commits
    )
    shown = "" if remote.startswith(("file:", "/")) else without_secret(remote)
    return Changes(count, newest, shown)


def _root_changes(
    trunk: Trunk, build: Build, good: Build, reason: FailureReason
) -> tuple[RootChange, ...]:
    """Return the packages that differ from the last good build's root, besides the base.

    Missing packages are only reported if the build came so far that everything was installed.
    """
    before = installed(trunk.build_folder(good) / INSTALLED)
    after = installed(trunk.build_folder(build) / INSTALLED)
    if not before or not after:
        return ()
    names = sorted(before.keys() | after.keys() if reason in _COMPLETE_ROOT else after.keys())
    changed = [
        RootChange(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ]
    return tuple(changed[:MAX_ROOT_CHANGES])


def installed(path: Path) -> dict[str, str]:
    """Return version and release of each package in a build's root, by name."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        try:
            nevra = Nevra.parse(line)
        except ValueError:  # not a line of ours
            continue
        found[nevra.name] = f"{nevra.version}-{nevra.release}"
    return found


def _needs(trunk: Trunk, build: Build, failed: Failed) -> tuple[UnmetRequirement, ...]:
    """Return the requirements that were not met, each with the available versions."""
    if failed.reason is not FailureReason.MISSING_DEPENDENCY:
        return ()
    lacking = [need for need in build.asked if need in failed.detail]
    if not lacking:
        lacking = [part for part in failed.detail.split(", ") if re.match(r"[\w(/.-]+", part)][:5]
    with trunk.store.read() as at:
        good = at.artifacts.good(trunk.name)
    published: dict[str, tuple[str, ...]] = {}
    versions: dict[str, str] = {}
    for stored in good:
        if not stored.artifact.is_source:
            published[stored.package] = published.get(stored.package, ()) + stored.artifact.provides
            versions[stored.package] = stored.artifact.nevra.version
    providers = Providers(trunk.packages.values(), published)
    return tuple(UnmetRequirement(need, _found(need, providers, versions)) for need in lacking)


def _found(need: str, providers: Providers, versions: dict[str, str]) -> str:
    """Return what is available instead of a requirement.

    What the release's packages do not have was requested from the bridge before the build failed.
    """
    names = sorted(providers.of(need))
    own = [f"{name} has {versions[name]}" for name in names if name in versions]
    if own:
        is_versioned = any(sign in need for sign in "<>=")
        kind = "not in the version that is asked for" if is_versioned else "but not this"
        return f"{', '.join(own)}: {kind}"
    if names:
        return f"{', '.join(names)} packages it and was never built"
    shown = ", ".join(sorted(needed_names(need)))
    return f"no package of the release provides {shown}, nor does anything from outside"
