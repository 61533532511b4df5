"""The RPMs that a spec defines, as rpm reads it, and a build's RPMs that it does not define."""

import logging
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from rdo.builders.sources.source import export_distgit
from rdo.errors import UserError
from rdo.model.build import BuildJob, Failed, FailureReason
from rdo.model.nevra import Nevra
from rdo.roots.platform.spec_macros import spec_macros
from rdo.spec.names import package_names
from rdo.tools.rpm.rpmspec import Rpmspec

log = logging.getLogger(__name__)

_KEPT = "rpms-of-the-spec"
_KEPT_NAMES = "names-of-the-spec"
_FOR_DEBUGGERS = re.compile(r"-debug(?:info|source)$")


def expected_files(rows: Sequence[str], arch: str) -> frozenset[str]:
    """Return the RPM files of packages, each as `NAME VERSION RELEASE ARCH`, the main one first.

    The source RPM has name and version of the main package, and rpmbuild adds packages for
    debuggers.

    >>> sorted(expected_files(["x 1 2 noarch", "x-doc 1 2 noarch"], "aarch64"))[-1]
    'x-doc-debuginfo-1-2.noarch.rpm'
    """
    packages = [row.split(" ") for row in rows]
    name, version, release, _ = packages[0]
    source = f"{name}-{version}-{release}"
    found = {f"{source}.src.rpm", f"{source}.nosrc.rpm"}
    arches = {arch, *(row[-1] for row in packages)}
    found |= {f"{name}-debugsource-{version}-{release}.{one}.rpm" for one in arches}
    for name, version, release, own in packages:
        found.add(f"{name}-{version}-{release}.{own}.rpm")
        found |= {f"{name}-debuginfo-{version}-{release}.{one}.rpm" for one in arches}
    return frozenset(found)


def strangers(rpms: Iterable[Path], expected: Collection[str]) -> Failed | None:
    """Return the failure of a build that made RPM files which its spec does not define."""
    return _refused([path.name for path in rpms if path.name not in expected])


def keep_names(folder: Path, expected: Collection[str]) -> None:
    """Write the names of the RPM files that the spec defines into a build's folder."""
    (folder / _KEPT).write_text("".join(f"{name}\n" for name in sorted(expected)))


def note_names(job: BuildJob, _is_cancelled: Callable[[], bool]) -> None:
    """Record the names that a job's spec defines, for a builder that reads the distgit itself.

    None are recorded if they depend on the platform, or if this machine has no sandbox: the command
    may know better.
    """
    try:
        names = _names_of(job)
    except UserError as error:
        log.debug("the packages of %s are not known: %s", job.commit, error)
        return
    if names is not None:
        (job.folder / _KEPT_NAMES).write_text("".join(f"{name}\n" for name in sorted(names)))


def _names_of(job: BuildJob) -> frozenset[str] | None:
    with tempfile.TemporaryDirectory(dir=job.folder) as place:
        folder = Path(place, "distgit")
        distgit = export_distgit(job, folder)
        if isinstance(distgit, Failed):
            return None
        return package_names(distgit.text, folder, Rpmspec(macros=spec_macros()))


def strangers_elsewhere(rpms: Iterable[Path], folder: Path) -> Failed | None:
    """Return the failure of a build elsewhere that made RPMs which its spec does not define.

    `folder` is the build's. Only names and versions are compared, or names alone if only those were
    recorded: release and architecture come from the macros of the other place. If nothing was
    recorded, nothing is compared.
    """
    kept, names = folder / _KEPT, folder / _KEPT_NAMES
    if not kept.is_file():
        return _strange_names(rpms, names) if names.is_file() else None
    expected = {_name_and_version(name) for name in kept.read_text().splitlines()}
    return _refused([one.name for one in rpms if _name_and_version(one.name) not in expected])


def _strange_names(rpms: Iterable[Path], kept: Path) -> Failed | None:
    names = set(kept.read_text().splitlines())
    found = [(one.name, _FOR_DEBUGGERS.sub("", _name_and_version(one.name)[0])) for one in rpms]
    return _refused([file for file, name in found if name not in names])


def _refused(strange: Sequence[str]) -> Failed | None:
    if not strange:
        return None
    detail = f"the build gave {', '.join(strange)}, which the spec does not name"
    return Failed(FailureReason.REFUSED, detail)


def _name_and_version(file_name: str) -> tuple[str, str]:
    """Return name and version of an RPM file, or its whole name if it cannot be split."""
    try:
        nevra = Nevra.parse(file_name)
    except ValueError:
        return file_name, ""
    return nevra.name, nevra.version
