"""Check that packages work once installed: modules import, files are intact, units are valid."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.checks.findings import CheckAnswer, CheckName, Defect, no_space
from rdo.checks.host_root import HostRoot, host_root
from rdo.checks.together import full_host
from rdo.disk_usage import is_full
from rdo.errors import CommandError
from rdo.model.text.short_list import short_list
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import SolverRepository
from rdo.tools.walls.entry import Bind

log = logging.getLogger(__name__)

MOST_ROOTS = 3
"""Maximum number of roots for packages that cannot be installed together."""

_INSTALL_SECONDS, _LOOK_SECONDS, _MODULE_SECONDS = 3600.0, 3600.0, 120.0
_PROGRAM = "/rdo-look/look_at_installed.py"
_SYSTEMD = "systemd"


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation to check: the base layer, the folder of roots, and repositories.

    `checked` are the names of the repositories to check; `packages` are those of the release by
    RPM. Modules in `import_exceptions` are not imported.
    """

    base: BaseLayer
    roots: Path
    repositories: Sequence[SolverRepository]
    checked: Sequence[str]
    packages: Mapping[str, str]
    import_exceptions: Sequence[str] = ()


def check_installed(what: Installation, log_file: Path) -> CheckAnswer:
    """Install all packages in as few roots as possible and check each of them.

    Another check reports packages that cannot be installed at all.
    """
    left: tuple[str, ...] = ()
    findings: list[Defect] = []
    totals = _Totals()
    with log_file.open("w") as text:
        for number in range(MOST_ROOTS):
            if number and not left:
                break
            before = left
            left = _one_root(what, left, findings, totals, text.write)
            if left == before:
                break
        if left:
            text.write(f"not installed: {', '.join(sorted(left))}\n")
    said = f"{totals.rpms} RPMs installed, {totals.imported} modules imported"
    if totals.units and not totals.has_systemd:
        said += f"; skipped: {totals.units} units, because the root has no systemd-analyze"
        said += " (rdo platform deps add @host brings it)"
    if left:
        said += f"; not installed: {short_list(sorted(left))}"
    if not totals.rpms and not findings:
        return CheckAnswer(CheckName.INSTALL, skipped="none of its packages can be installed")
    return CheckAnswer(CheckName.INSTALL, tuple(findings), said=said)


@dataclass(slots=True)
class _Totals:
    """Totals over all roots."""

    rpms: int = 0
    imported: int = 0
    units: int = 0
    has_systemd: bool = True


def _one_root(
    what: Installation,
    names: Sequence[str],
    findings: list[Defect],
    totals: _Totals,
    write: Any,
) -> tuple[str, ...]:
    """Install the packages that fit into one root and check them; return the other names."""
    arch = what.base.platform.arch
    host = full_host(what.checked, what.repositories, arch=arch, names=names, also=[_SYSTEMD])
    own = [one for one in host.packages if one.repository in set(what.checked)]
    left = tuple(sorted({_name(nevra) for nevra in host.left_out}))
    if not own:
        return left
    packages = what.base.fetch(host.packages)
    write(f"installing {len(packages)} packages, {len(own)} of them checked\n")
    log.info("installing %d packages, %d of them checked", len(packages), len(own))
    program = Path(__file__).with_name("look_at_installed.py")
    with host_root(what.base, what.roots, Bind(program, _PROGRAM)) as root:
        done = root.rpm("-i", "--nosignature", packages=packages, seconds=_INSTALL_SECONDS)
        write(done.stdout + done.stderr)
        if done.returncode and is_full(what.roots):
            raise no_space(CheckName.INSTALL)
        if done.returncode:
            findings.append(_not_installed(what, done.stderr))
            return ()
        findings += [_complaint(what, line) for line in _complaints(done.stderr)]
        python = what.base.platform.python_program
        found = _look(root, python, sorted({one.name for one in own}), what.import_exceptions)
    write(json.dumps(found, indent=1) + "\n")
    totals.rpms += len(own)
    totals.has_systemd = bool(found["has_systemd"])
    for row in found["rpms"]:
        totals.imported += int(row["imported"])
        totals.units += int(row["units"])
        findings += _defects(what, row)
    return left


def _look(
    root: HostRoot, python: str, names: Sequence[str], exceptions: Sequence[str]
) -> dict[str, Any]:
    """Return the answer of the program inside; installed packages may have forged it."""
    root.root.ask("mkdir", "-p", "-m", "1777", "/run/systemd", privileged=True)  # for its analyzer
    asked = {"rpms": list(names), "seconds": _MODULE_SECONDS, "exceptions": list(exceptions)}
    question = json.dumps(asked).encode()
    done = root.root.ask(python, "-I", _PROGRAM, stdin=question, timeout=_LOOK_SECONDS)
    try:
        found = json.loads(done.stdout)
        for row in found["rpms"]:
            for key in ("imported", "units", "not_imported_count"):
                row[key] = int(row[key])
            for key in ("not_imported", "changed", "faulty_units"):
                row[key] = list(row[key])
            row["rpm"] = str(row["rpm"])
        bool(found["has_systemd"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CommandError(
            "a package made the check of the installed files return an invalid answer"
        ) from error
    return dict(found)


def _not_installed(what: Installation, said: str) -> Defect:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if not line.startswith("warning:")), "rpm says no more")
    package = next(
        (what.packages[one] for one in what.packages if f" {one}-" in f" {first}"), "rpm"
    )
    text = f"rpm does not install the packages together: {first}"
    return Defect(CheckName.INSTALL, package, text, tuple(lines[:20]))


def _complaints(said: str) -> list[str]:
    """Return rpm's messages about failed scriptlets, which do not stop the installation."""
    return [line for line in said.splitlines() if "scriptlet failed" in line][:50]


def _complaint(what: Installation, line: str) -> Defect:
    package = next((what.packages[one] for one in what.packages if f"({one}-" in line), "rpm")
    return Defect(CheckName.INSTALL, package, line.removeprefix("warning: "))


def _defects(what: Installation, row: Mapping[str, Any]) -> list[Defect]:
    """Return the findings for one RPM: for its imports, its files and its units."""
    rpm, found = row["rpm"], []
    if row["not_imported"]:
        (name, why), count = row["not_imported"][0], row["not_imported_count"]
        more = f" and {count - 1} more modules" if count > 1 else ""
        chain = tuple(f"{name}: {why}" for name, why in row["not_imported"])
        found.append((f"{rpm}: {name}{more} cannot be imported: {why}", chain))
    if row["changed"]:
        changed = tuple(map(str, row["changed"]))
        found.append((f"{rpm}: rpm -V finds {len(changed)} files changed", changed))
    if row["faulty_units"]:
        faulty = tuple(map(str, row["faulty_units"]))
        found.append((f"{rpm}: {faulty[0]}", faulty))
    package = what.packages.get(rpm, rpm)
    return [Defect(CheckName.INSTALL, package, text, chain) for text, chain in found]


def _name(nevra: str) -> str:
    """Return the name in a NEVRA that libsolv wrote."""
    return nevra.rsplit("-", 2)[0]
