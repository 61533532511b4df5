"""Checks of a repository's set of RPMs that need only their names and versions."""

from collections.abc import Iterable

from rdo.checks.findings import CheckName, Defect
from rdo.publish.backwards import gone_backwards
from rdo.store.work.artifacts import StoredArtifact


def check_duplicates(rpms: Iterable[StoredArtifact]) -> tuple[Defect, ...]:
    """Return a finding for each RPM with the same name and architecture as another RPM."""
    seen: dict[tuple[str, str, bool], StoredArtifact] = {}
    found = []
    for one in rpms:
        nevra = one.artifact.nevra
        first = seen.setdefault((nevra.name, nevra.arch, one.artifact.is_source), one)
        if first is not one:
            what = f"{one.artifact.file_name} has the name of {first.artifact.file_name}"
            chain = (f"package {first.package} has the other one",)
            found.append(Defect(CheckName.DUPLICATES, one.package, what, chain))
    return tuple(found)


def check_backwards(
    before: Iterable[StoredArtifact], after: Iterable[StoredArtifact]
) -> tuple[Defect, ...]:
    """Return a finding for each binary RPM that is older than the one hosts have."""
    after = tuple(after)
    owners = {one.artifact.nevra.name: one.package for one in after if not one.artifact.is_source}
    rows = gone_backwards((one.artifact for one in before), (one.artifact for one in after))
    return tuple(
        Defect(CheckName.BACKWARDS, owners[row.name], f"{row.name} goes back", (str(row),))
        for row in rows
    )
