"""Scratch builds: build a maintainer's change or an open review as the target would.

They build like the target, against `current`; nothing is stored or published. Packages that a
scratch build needs from outside are bridged only for it.
"""

import contextlib
import fcntl
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.bridge.protocol import Bridge
from rdo.builders.failure import failure_of
from rdo.builders.protocol import Builder, build_and_wait
from rdo.errors import ConfigError, NotFoundError, OutsideError, UserError
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.text.url import without_secret
from rdo.tools.walls.removal import remove_tree
from rdo.trunk.context import Trunk
from rdo.trunk.order.providers import Providers
from rdo.trunk.sources.selection import Sources
from rdo.trunk.sources.unmerged import FollowedSide, OpenChange, Side, changed_side

log = logging.getLogger(__name__)

MAX_TRIES = 12
"""How many times a build may request more packages; no known package needs a dozen tries."""


@dataclass(frozen=True, slots=True)
class ScratchRequest:
    """The change to try: for each side a folder, a ref or a review; None: the followed branch."""

    package: str
    source: str | OpenChange | None = None
    distgit: str | OpenChange | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """The two commits of a scratch build."""

    upstream: Side
    distgit: Side


def choose_sides(trunk: Trunk, asked: ScratchRequest, scratch: Path) -> Sides:
    """Fetch both sides.

    Raises OutsideError if a remote cannot be reached, ConfigError if the metadata is wrong.
    """
    package = trunk.packages[asked.package]
    if package.fault:
        raise ConfigError(f"the metadata of {package.name} is wrong: {package.fault}")
    (found,) = trunk.remotes.poll([package])
    if found.sources is None:
        raise OutsideError("; ".join(found.problems))
    for problem in found.problems:
        log.warning("%s", problem)
    dist = found.sources.distgit
    distgit = FollowedSide(dist.mirror, dist.branch, dist.head, package.distgit)
    return Sides(
        _upstream_side(trunk, package, found.sources, asked.source, scratch),
        _side(asked.distgit, distgit, scratch / "distgit.git", trunk),
    )


def _upstream_side(
    trunk: Trunk,
    package: Package,
    sources: Sources,
    asked: str | OpenChange | None,
    scratch: Path,
) -> Side:
    """Return the upstream side; the ref may be in any of several upstreams."""
    with trunk.store.read() as at:
        newest = at.commits.newest(trunk.name, package.name)
    # First the one of the newest commit, else the last one, whose head would be newest.
    own = [one for one in sources.upstreams if newest and one.url == newest.upstream]
    histories = [*own, *(one for one in reversed(sources.upstreams) if one not in own)]
    missing: list[NotFoundError] = []
    for number, one in enumerate(histories):
        head = package.pin.upstream_hash if package.pin else one.head
        url = next(url for url in package.upstreams if without_secret(url) == one.url)
        followed = FollowedSide(one.mirror, one.branch, head, url)
        try:
            side = _side(asked, followed, scratch / f"upstream{number}.git", trunk)
            if len(package.upstreams) == 1 or _is_complete(asked):
                return side
            return replace(side, origin=f"{side.origin} of {one.url}")
        except NotFoundError as error:
            missing.append(error)
    raise NotFoundError("; ".join(map(str, missing)), hint=missing[0].hint)


def _is_complete(asked: str | OpenChange | None) -> bool:
    """Whether the request names the place of a side, whichever upstream that is."""
    return isinstance(asked, OpenChange) or (asked is not None and Path(asked).is_dir())


def _side(
    asked: str | OpenChange | None, followed: FollowedSide, place: Path, trunk: Trunk
) -> Side:
    if asked is None:
        return followed.side
    return changed_side(asked, followed, place, trunk.now())


def job_of(
    trunk: Trunk, package: Package, sides: Sides, folder: Path, more: Sequence[Path] = ()
) -> BuildJob:
    """Return the job of a scratch build; packages in the folders `more` rank like the release's."""
    upstream, distgit = sides.upstream.commit, sides.distgit.commit
    commit = Commit(
        package=package.name,
        upstream_hash=upstream.hash,
        distgit_hash=distgit.hash,
        upstream_time=upstream.time,
        distgit_time=distgit.time,
        upstream_branch=sides.upstream.branch,
        component=package.component,
    )
    return BuildJob(
        id=0,
        commit=commit,
        release=trunk.release_number(commit, trunk.now()),
        upstream=sides.upstream.mirror.path,
        distgit=sides.distgit.mirror.path,
        folder=folder,
        repositories=(*more, *trunk.tree.current_directories()),
        distgit_path=package.distgit_path,
        version_from=package.version_from,
        skip_tests=bool(package.skip_tests),
        spec_hash=distgit.hash,
        keep_changelog=trunk.keep_changelog,
        overlay=trunk.remotes.overlay(package, package.pin.distgit_hash) if package.pin else None,
    )


def build(trunk: Trunk, builder: Builder, bridge: Bridge, job: BuildJob) -> Outcome:
    """Build to the end; Waiting means that the release lacks a package that the build needs."""
    needs: tuple[str, ...] = ()
    for _ in range(MAX_TRIES):
        remove_tree(job.folder)
        outcome = build_and_wait(builder, job)
        if isinstance(outcome, Built) and outcome.lacking:
            _provide(trunk, bridge, outcome.lacking)  # if this fails, installing reports it
        if not isinstance(outcome, Waiting):
            return outcome
        if outcome.needs == needs:
            detail = f"{', '.join(needs)} (was brought in from outside, and does not meet it)"
            return Failed(FailureReason.MISSING_DEPENDENCY, detail)
        needs = outcome.needs
        if stopped := _provide(trunk, bridge, needs):
            return stopped
    return Failed(
        FailureReason.MISSING_DEPENDENCY, f"the build asks for more each time: {', '.join(needs)}"
    )


def _provide(trunk: Trunk, bridge: Bridge, needs: Sequence[str]) -> Failed | Waiting | None:
    """Bridge what the release does not package; None if that meets all requirements."""
    with trunk.store.read() as at:
        provides = at.artifacts.provides(trunk.name)
        good = {state.package for state in at.packages.states(trunk.name) if state.good}
    owners = _owners(Providers(trunk.packages.values(), provides), needs)
    absent = {need for need, names in owners.items() if names - good}
    if absent:
        return Waiting(tuple(need for need in needs if need in absent))
    if owners:
        return Failed(FailureReason.MISSING_DEPENDENCY, ", ".join(owners))
    try:
        missing = bridge.provide(needs).missing
    except (UserError, OSError) as error:
        return failure_of(error)
    return Failed(FailureReason.MISSING_DEPENDENCY, ", ".join(missing)) if missing else None


def _owners(providers: Providers, needs: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Return the requirements that the release itself packages, with their packages."""
    return {need: providers.of(need) for need in needs if providers.are_sure_of(need)}


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for one scratch build, and remove it at the end with leftovers of kills."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("try-*"):
        with (
            contextlib.suppress(FileNotFoundError, BlockingIOError),  # it is gone or in use
            (left / "in-use").open("a") as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(left)
    folder = Path(tempfile.mkdtemp(prefix="try-", dir=parent))
    with (folder / "in-use").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            remove_tree(folder)
