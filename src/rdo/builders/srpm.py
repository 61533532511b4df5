"""The SRPM of a build: made here for every builder, in a root of the platform."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rdo.builders.room import Room, limit_failure
from rdo.builders.source import prepare_source
from rdo.builders.verdict import rpmbuild_failure
from rdo.builders.workshop import Workshop
from rdo.model.build import BuildJob, Failed, FailureReason, Waiting
from rdo.roots.build_root import build_root


def make_srpm(
    shop: Workshop, job: BuildJob, is_cancelled: Callable[[], bool]
) -> Path | Failed | Waiting:
    """Make the SRPM of a job for a builder that builds elsewhere; its log is `source.log`."""
    repositories = shop.repositories(job.repositories, job.last_resort)
    with build_root(shop.base, shop.content, shop.roots) as root:
        room = shop.room(root, repositories, job.folder / "source.log", is_cancelled)
        prepared = prepare_source(room, job)
        if isinstance(prepared, Failed | Waiting):
            return prepared
        options = [part for define in macros(job) for part in ("-D", define)]
        if failed := write_srpm(room, f"/builddir/SPECS/{prepared.spec}", options):
            return failed
        made = room.take_rpms("SRPMS", job.folder)
        if len(made) != 1:
            return Failed(FailureReason.SPEC, f"the spec gave {len(made)} SRPMs instead of one")
        return made[0]


def write_srpm(room: Room, spec: str, options: Sequence[str]) -> Failed | None:
    """Write the SRPM of a spec whose sources are in place; None when it is in /builddir/SRPMS."""
    done = room.log("rpmbuild", "-bs", "--nodeps", *options, spec)
    if failed := limit_failure(done):
        return failed
    return rpmbuild_failure(room.tail()) if done.returncode else None


def macros(job: BuildJob) -> list[str]:
    """Return the macros that a job defines for its spec, as rpm's `-D` takes them."""
    return ["repo_bootstrap 1"] if job.bootstrap else []
