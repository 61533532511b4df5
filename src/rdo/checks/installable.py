"""Check that every package of a repository can be installed, and which requirements vanished."""

from collections.abc import Iterable, Mapping, Sequence

from rdo.checks.findings import CheckName, Defect
from rdo.model.nevra import Nevra
from rdo.solver import SolverRepository, Uninstallable, uninstallable


def check_installable(
    repositories: Sequence[SolverRepository],
    checked: Iterable[str],
    *,
    arch: str,
    packages: Mapping[str, str],
    before: Sequence[SolverRepository] = (),
) -> tuple[Defect, ...]:
    """Return a finding for each RPM of the repositories named `checked` that has no solution.

    `packages` are the packages of the release by RPM. If a repository in `before` provided what an
    RPM requires, the finding belongs to the check `vanished`, and the package that no longer
    provides it must be fixed.
    """
    found = uninstallable(repositories, checked, arch=arch, before=before)
    return tuple(finding(one, packages) for one in found)


def finding(one: Uninstallable, packages: Mapping[str, str]) -> Defect:
    """Return the finding for an RPM that has no solution, with the package that must be fixed."""
    asked = packages.get(one.name, one.name)
    if gone := next((lack for lack in one.missing if lack.was), None):
        was = Nevra.parse(gone.was).name
        what = f"{one.nevra} cannot be installed: {gone.was} provided {gone.need}, which is gone"
        return Defect(CheckName.VANISHED, packages.get(was, was), what, one.chain)
    if one.missing:
        lack = one.missing[0]
        by = _name(lack.by)
        what = f"{one.nevra} cannot be installed: nothing provides {lack.need}"
        return Defect(CheckName.INSTALLABLE, packages.get(by, asked), what, one.chain)
    what = f"{one.nevra} cannot be installed"
    return Defect(CheckName.INSTALLABLE, asked, what, one.chain)


def _name(nevra: str) -> str:
    """Return the name in a NEVRA that libsolv wrote, or the text if it is not a NEVRA."""
    try:
        return Nevra.parse(nevra).name
    except ValueError:
        return nevra
