"""Make the SRPM of a build, for every builder, in a root of the platform."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rdo.builders.rooms.room import Room, limit_failure
from rdo.builders.rooms.workshop import Workshop
from rdo.builders.sources.source import prepare_source
from rdo.builders.sources.spec_rpms import expected_files, keep_names
from rdo.builders.verdict import rpmbuild_failure
from rdo.model.build import BuildJob, Failed, FailureReason, Waiting
from rdo.roots.build_root import build_root

_NAMES = "rpms-of-the-spec"
_SRPM_AND_NAMES = f"""\
"$@" && shift 3 &&
rpmspec -q --qf '%{{NAME}} %{{VERSION}} %{{RELEASE}} %{{ARCH}}\\n' "$@" > {_NAMES}
"""


def make_srpm(
    shop: Workshop, job: BuildJob, is_cancelled: Callable[[], bool]
) -> Path | Failed | Waiting:
    """Make the SRPM of a job for a builder that builds elsewhere; its log is `source.log`.

    The names of the spec's RPMs are written beside it, for `strangers_elsewhere`.
    """
    repositories = shop.repositories(job.repositories, job.last_resort)
    with build_root(shop.base, shop.content, shop.roots) as root:
        room = shop.room(root, repositories, job.folder / "source.log", is_cancelled)
        prepared = prepare_source(room, job)
        if isinstance(prepared, Failed | Waiting):
            return prepared
        options = [part for define in macros(job) for part in ("-D", define)]
        named = write_srpm(room, f"/builddir/SPECS/{prepared.spec}", options)
        if isinstance(named, Failed):
            return named
        made = room.take_rpms("SRPMS", job.folder)
        if len(made) != 1:
            return Failed(FailureReason.SPEC, f"the spec gave {len(made)} SRPMs instead of one")
        keep_names(job.folder, named)
        return made[0]


def write_srpm(room: Room, spec: str, options: Sequence[str]) -> frozenset[str] | Failed:
    """Write the SRPM of a spec whose sources are in place to /builddir/SRPMS.

    Return the file names of the RPMs that the spec defines, as rpm reads it. Both happen in one
    entry into the root, before any code of the package has run that could change the spec.
    """
    done = room.log("rpmbuild", "-bs", "--nodeps", *options, spec, script=_SRPM_AND_NAMES)
    if failed := limit_failure(done):
        return failed
    if done.returncode:
        return rpmbuild_failure(room.tail())
    rows = room.read(_NAMES).decode(errors="replace").splitlines()
    return expected_files(rows, room.root.base.platform.arch)


def macros(job: BuildJob) -> list[str]:
    """Return the macros that a job defines for its spec, as rpm's `-D` takes them."""
    return ["repo_bootstrap 1"] if job.bootstrap else []


def dates(job: BuildJob) -> dict[str, str]:
    """Return the variables that give a job's packages the same times in each build.

    `%autosetup -S git` makes commits, and pbr writes their hashes into the package.
    """
    stamp = str(int(job.commit.source_date.timestamp()))
    git = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{stamp} +0000")
    return {"SOURCE_DATE_EPOCH": stamp, **git}
