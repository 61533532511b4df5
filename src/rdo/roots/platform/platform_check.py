"""Check that the repositories of a platform have the names that rdo assumes.

Checked are the packages of the definition, the packages that our macros replace elsewhere, the
versions of Python and glibc, and the RPM names in the table of the default platform.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError
from rdo.model.platform import Family, Platform
from rdo.roots.platform.definition import built_in_platform
from rdo.roots.platform.dnf_base import BaseRepositories, fetch_metadata
from rdo.roots.platform.macro_layer import PROVIDES
from rdo.solver import provided

_TABLES_OF = "deb12-x86_64"
_OURS = frozenset({"openstack-macros", "epel-rpm-macros"})
"""Names in `PROVIDES` that come with RDO and EPEL, not with the distribution."""

Offered = Mapping[str, list[tuple[str, str]]]
"""What provides each name: RPMs with their versions."""


@dataclass(frozen=True, slots=True)
class AssumedName:
    """A name that rdo assumes; `found` are the RPMs that provide it, as name and version.

    `where` is what assumes it. If it `is_needed`, builds fail without it; the others are names in
    the table, some of which a distribution may lack. `fault` is empty if there is no problem.
    """

    name: str
    where: str
    is_needed: bool
    found: tuple[str, ...] = ()
    fault: str = ""


def check_platform(platform: Platform, cache: Path) -> list[AssumedName]:
    """Return every name that rdo assumes of a dnf platform, with the RPMs that provide it.

    The repositories' metadata is fetched into `cache` and removed again. Raises RefusedError for a
    platform without repositories, OutsideError if one cannot be read.
    """
    if platform.family is not Family.DNF:
        raise RefusedError(
            f"platform {platform.name} has no repositories of RPMs to ask",
            hint="check a platform of the family dnf, such as el9s-x86_64",
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="check-") as name:
        folder = Path(name)
        fetch_metadata(platform, folder)
        repositories = BaseRepositories(platform, folder, folder / "rpms").for_solver
        return list(_answers(platform, provided(repositories, arch=platform.arch)))


def faults(answers: Iterable[AssumedName]) -> list[AssumedName]:
    """Return the needed names that are missing, or whose RPMs are not as rdo assumes."""
    return [one for one in answers if one.is_needed and one.fault]


def _answers(platform: Platform, offered: Offered) -> Iterator[AssumedName]:
    for name in platform.packages:
        yield _answer(name, "packages", offered)
    for name in sorted(set(PROVIDES) - _OURS):
        yield _answer(name, "macros", offered)
    yield _version("python3", platform.base_python, "python", offered)
    if platform.interpreter:
        yield _version(platform.python_program, platform.python, "interpreter", offered)
        yield _answer(f"{platform.python_program}-devel", "interpreter", offered)
    yield _version("glibc", platform.glibc, "glibc", offered)
    for name in _table_names():
        yield _answer(name, "table", offered, is_needed=False)


def _table_names() -> list[str]:
    default = built_in_platform(_TABLES_OF)
    tables = (default.provides, default.bridged)
    return sorted({name for table in tables for names in table.values() for name in names})


def _answer(name: str, where: str, offered: Offered, *, is_needed: bool = True) -> AssumedName:
    found = tuple(f"{rpm} {evr}" for rpm, evr in offered.get(name, ()))
    return AssumedName(name, where, is_needed, found, "" if found else "nothing provides it")


def _version(name: str, version: str, where: str, offered: Offered) -> AssumedName:
    """Return whether the RPM `name` has the version in the definition."""
    rows = [evr.rpartition(":")[2] for rpm, evr in offered.get(name, ()) if rpm == name]
    fitting = [evr for evr in rows if evr.startswith((f"{version}.", f"{version}-"))]
    has = ", ".join(sorted(set(rows))) or "nothing"
    fault = "" if fitting else f"the definition says {version}, the repositories have {has}"
    return AssumedName(name, where, True, tuple(f"{name} {evr}" for evr in rows), fault)
