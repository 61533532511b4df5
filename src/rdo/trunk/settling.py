"""Settle a build that has ended: its row, its next try, and its publication."""

import logging
from collections.abc import Sequence

from rdo.builders.failure import outcome_of
from rdo.errors import is_of_the_machine
from rdo.model.artifact import RpmFile
from rdo.model.build import Built, Failed, FailureReason
from rdo.publish.directory import SourceFolders
from rdo.publish.tree import Published
from rdo.store import Transaction
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.order.retry import may_retry
from rdo.trunk.plan import digest_of_inputs
from rdo.trunk.telling import events

log = logging.getLogger(__name__)

INTERRUPTED = Failed(FailureReason.INTERRUPTED, "the round was stopped")


def publish_build(trunk: Trunk, build: Build, read: Sequence[RpmFile] = ()) -> Published:
    """Publish a settled build with RPMs; `read` are their headers, if known."""
    folder, origin = trunk.build_folder(build), _origin(trunk, build)
    return trunk.tree.publish(build, folder, trunk.members, origin, read)


def settle_success(
    trunk: Trunk, build: Build, outcome: Built, platform_digest: str
) -> tuple[Build, Build | None]:
    """Record that a build made RPMs, and plan the second pass of a bootstrap build.

    The second pass is a build of its own, with a later release date. It is planned in the same
    transaction, so that a kill in between cannot make the bootstrap build the last one.
    """

    def settle(at: Transaction) -> tuple[Build, Build | None]:
        settled = events.settle(at, build, outcome, now=trunk.now())
        if not build.bootstrap:
            return settled, None
        package = trunk.packages[build.package]
        inputs = digest_of_inputs(
            build.commit, platform_digest, skip_tests=bool(package.skip_tests)
        )
        return settled, at.builds.plan(trunk.name, build.commit, now=trunk.now(), inputs=inputs)

    return trunk.store.change(settle)


def settle_failure(trunk: Trunk, build: Build, failure: Failed) -> bool:
    """Record a failure; return True if it is spurious and the build is queued once more."""

    def settle(at: Transaction) -> tuple[Build, bool]:
        tries = at.builds.spurious_attempts(build.id)
        will_retry = may_retry(failure, tries=tries, limit=trunk.retries)
        settled = events.settle(at, build, failure, now=trunk.now(), final=not will_retry)
        if will_retry:
            at.builds.retry(build.id, now=trunk.now())
        return settled, will_retry

    settled, will_retry = trunk.store.change(settle)
    if not will_retry:
        trunk.build_folder(build).mkdir(parents=True, exist_ok=True)  # it may never have started
        publish_failed(trunk, settled)
    return will_retry


def publish_failed(trunk: Trunk, build: Build) -> None:
    """Publish the logs of a failed build; faults in the logs do not change the outcome.

    Raises only errors of the machine itself; then the next round tries again.
    """
    try:
        trunk.tree.publish_failure(build, trunk.build_folder(build), _origin(trunk, build))
    except Exception as error:
        if is_of_the_machine(error):
            raise
        log.warning("the logs of %s cannot be published", build.commit, exc_info=error)


def spoil(trunk: Trunk, build: Build, error: Exception) -> Failed:
    """Turn a build with RPMs that cannot be published into a failure, because of `error`."""
    found = outcome_of(error, trunk.build_folder(build))
    failure = Failed(FailureReason.UNKNOWN, f"it cannot be published: {found.detail}")
    spoilt = trunk.store.change(lambda at: events.spoil(at, build, failure, now=trunk.now()))
    publish_failed(trunk, spoilt)
    return failure


def _origin(trunk: Trunk, build: Build) -> SourceFolders:
    package = trunk.packages.get(build.package)
    if package is None:  # removed from the metadata since the build started
        return SourceFolders()
    places = (trunk.remotes.upstream(package, build.commit), trunk.remotes.distgit(package))
    return SourceFolders(*(place.path.name for place in places))
