"""Twins: builds of one commit on several targets of a release, which share noarch RPMs."""

from rdo.lock import is_held
from rdo.model.build import Built, Donor
from rdo.store import Transaction
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk


def may_share(trunk: Trunk, build: Build) -> bool:
    """Whether a build may take RPMs of another target: its package allows it, and there is one."""
    package = trunk.packages.get(build.package)
    return bool(package and package.shares_noarch and trunk.siblings and not build.bootstrap)


def are_awaited(trunk: Trunk, at: Transaction, build: Build) -> bool:
    """Whether a round of another target is making the RPMs of a build, which can then be taken.

    Remote builds are not waited for, because a farm may be away.
    """
    if not may_share(trunk, build):
        return False
    siblings = {name: one for name, one in trunk.siblings.items() if one.is_local}
    return any(
        _is_unfinished(twin) and is_held(siblings[twin.target].folder / "round.lock")
        for twin in at.builds.twins(build, siblings.keys())
    )


def donor(trunk: Trunk, at: Transaction, build: Build) -> Donor | None:
    """Return the build of another target whose RPMs a build may take; None if there is none.

    Targets with the same Python come first.
    """
    if not may_share(trunk, build):
        return None
    siblings, python = trunk.siblings, trunk.python()
    found = at.builds.twins(build, siblings.keys())
    for twin in sorted(found, key=lambda one: siblings[one.target].python() != python):
        if isinstance(twin.outcome, Built) and twin.published is not None:
            folder = siblings[twin.target].folder / "builds" / str(twin.id)
            files = at.artifacts.of_build(twin.id)
            sums = sorted((one.file_name, one.built_sha256) for one in files)
            maker = twin.outcome.taken_from or f"{twin.target}/{twin.id}"
            return Donor(maker, folder, tuple(sums), python)
    return None


def _is_unfinished(twin: Build) -> bool:
    return twin.is_running or (isinstance(twin.outcome, Built) and twin.published is None)
