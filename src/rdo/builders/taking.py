"""Take the noarch RPMs that a build of the same commit made on another platform."""

import re
from collections.abc import Iterator, Sequence

from rdo import atomic
from rdo.builders.inspection import inspected
from rdo.checksum import sha256_of
from rdo.model.artifact import RpmFile
from rdo.model.build import BUILD_LOG, BuildJob, Built, Donor, Failed
from rdo.tools.walls.removal import remove_tree

_NOARCH = (".noarch.rpm", ".src.rpm")
_OF_A_PYTHON = re.compile(r"python\(abi\) = (?P<abi>\S+)|python(?P<dist>3\.\d+)dist\(.*")


def take_rpms(job: BuildJob, donor: Donor) -> Built | str:
    """Copy the donor's RPMs into the folder of a job, or return why they cannot be used."""
    if not donor.sums:
        return f"{donor} left no RPMs"
    for name, _ in donor.sums:
        if not name.endswith(_NOARCH):
            return f"{name} of {donor} is not noarch"
    remove_tree(job.folder)  # leftovers of an interrupted try
    job.folder.mkdir(parents=True)
    for name, sha256 in donor.sums:
        try:
            atomic.link_or_copy(donor.folder / name, job.folder / name)
        except FileNotFoundError:
            return f"{name} of {donor} is gone"
        if sha256_of(job.folder / name) != sha256:
            return f"{name} of {donor} is not what was built"
    (job.folder / BUILD_LOG).write_text(f"The RPMs are those of {donor}: all are noarch.\n")
    rpms = tuple(job.folder / name for name, _ in donor.sums)
    looked_at = inspected(Built(rpms, taken_from=donor.maker))
    if isinstance(looked_at, Failed):
        return f"the RPMs of {donor} cannot be read: {looked_at.detail}"
    for name, need in _for_another_python(looked_at.read, donor.python):
        return f"{name} of {donor} requires {need}, and the Python here is {donor.python}"
    return looked_at


def _for_another_python(rpms: Sequence[RpmFile], python: str) -> Iterator[tuple[str, str]]:
    """Yield the requirements of RPMs on a Python that is not the platform's."""
    for rpm in rpms:
        for need in rpm.requires:
            found = _OF_A_PYTHON.fullmatch(need)
            if found and python and (found["abi"] or found["dist"]) != python:
                yield rpm.artifact.file_name, need
