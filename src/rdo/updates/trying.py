"""Try an update before it is pushed: its RPMs as a repository over what users have."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.checks.findings import Defect
from rdo.checks.installable import check_installable
from rdo.errors import RefusedError
from rdo.solver import SolverRepository, provided
from rdo.updates.build_sources import BuildSources
from rdo.updates.update_file import UpdateFile
from rdo.updates.yum_folder import YumFolder

_NEW, _USERS = "update", "users"


@dataclass(frozen=True, slots=True)
class TriedPlace:
    """One repository of an update: its faults, and the folder of the trial, if kept."""

    place: str
    defects: tuple[Defect, ...]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class UpdateTrial:
    """Tries updates over the users' repositories, whose paths begin with `base`.

    `others` are additional repositories of hosts; without any, whatever the users' repository does
    not provide is missing. The trial's repositories stay in the folder `kept`.
    """

    sources: BuildSources
    base: str
    arch: str
    others: Sequence[SolverRepository] = ()
    kept: Path | None = None

    def run(self, update: UpdateFile) -> list[TriedPlace]:
        """Return, for each repository of an update, what could not be installed with it.

        These are its own RPMs and all that users have, with newer RPMs in place of older ones.
        Raises the errors of build sources.
        """
        places = list(dict.fromkeys(build.place for build in update.builds))
        return [self._try(update, place) for place in places]

    def _try(self, update: UpdateFile, place: str) -> TriedPlace:
        rpms = [
            path
            for build in update.builds
            if build.place == place
            for path in self.sources.get(build.source).rpms(build)
        ]
        users = Path(f"{self.base}{place}")
        has_users = (users / "repodata/repomd.xml").is_file()
        with self._folder(place) as folder:
            tried = YumFolder(folder)
            tried.add(rpms)
            old = SolverRepository(_USERS, users)
            new = SolverRepository(_NEW, folder)
            with self._left(old if has_users else None, tried) as left:
                asked = [_NEW, *(one.name for one in left)]
                found = check_installable(
                    (new, *left, *self.others),
                    asked,
                    arch=self.arch,
                    packages={},
                    before=[old] if has_users else [],
                )
        return TriedPlace(place, found, self.kept and self.kept / place)

    @contextmanager
    def _left(
        self, users: SolverRepository | None, tried: YumFolder
    ) -> Iterator[tuple[SolverRepository, ...]]:
        """Yield the users' RPMs, except those that a newer one replaces."""
        if users is None:
            yield ()
            return
        replaced = {name for name, _ in tried.newest()}
        rows = provided([users], arch=self.arch)
        kept = {
            f"{name}-{evr}.{arch}"
            for name, versions in rows.items()
            for rpm, evr in versions
            if rpm == name and name not in replaced
            for arch in ("noarch", self.arch)
        }
        with tempfile.NamedTemporaryFile("w", prefix="rdo-update-") as file:
            file.write("".join(f"{nevra}\n" for nevra in sorted(kept)))
            file.flush()
            yield (replace(users, visible=Path(file.name)),)

    @contextmanager
    def _folder(self, place: str) -> Iterator[Path]:
        if self.kept is None:
            with tempfile.TemporaryDirectory(prefix="rdo-update-") as scratch:
                yield Path(scratch)
            return
        folder = self.kept / place
        if folder.exists() and any(folder.iterdir()):
            raise RefusedError(f"{folder} is not empty", hint="name another folder with --keep")
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
