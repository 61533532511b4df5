"""Find out which dependencies that a build has requested are available by now."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from packaging.utils import canonicalize_name

from rdo.bridge.lock_file import LockedPackage, PackageOrigin
from rdo.python_names import python_requirement
from rdo.store.work.reports import BuildLine

Owners: TypeAlias = Callable[[str], frozenset[str]]
"""Returns the packages of the release that may provide a dependency."""


@dataclass(frozen=True)
class Arrivals:
    """The packages that the release and the bridge provide by now.

    `good` are the good builds of the packages whose newest build is good; `coming` are the packages
    that have a build in the queue. `bridged` is read only if a build waits.
    """

    owners: Owners
    good: Mapping[str, BuildLine]
    coming: Collection[str]
    bridged: Callable[[], Sequence[LockedPackage]] = tuple

    def among(self, needs: Iterable[str], since: datetime | None) -> frozenset[str]:
        """Return the requirements that are met by now; by the release only after `since`."""
        return frozenset(need for need in needs if self._has_come(need, since))

    def _has_come(self, need: str, since: datetime | None) -> bool:
        owners = self.owners(need)
        if not owners:
            return self._is_bridged(need)
        built = (self.good[name].finished for name in owners - {*self.coming} if name in self.good)
        return any(finished and (since is None or finished > since) for finished in built)

    def _is_bridged(self, need: str) -> bool:
        asked, versions = self._from_outside
        if need in asked:
            return True
        wanted = python_requirement(need)
        if wanted is None or wanted.extras:
            return False
        version = versions.get(canonicalize_name(wanted.name))
        return version is not None and wanted.specifier.contains(version, prereleases=True)

    @cached_property
    def _from_outside(self) -> tuple[frozenset[str], dict[str, str]]:
        entries = self.bridged()
        asked = frozenset(need for one in entries for need in one.asked_by)
        pypi = (one for one in entries if one.origin is PackageOrigin.PYPI)
        return asked, {one.key[1]: one.version for one in pypi}
