"""The built-in builder: each build runs in a root of its own, without network and privileges."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rdo.beneath import Limits
from rdo.builders.in_process import InProcessBuilder
from rdo.builders.inspection import inspected
from rdo.builders.rooms.room import Room, disk_failure, on_disk_of
from rdo.builders.rooms.rpmbuild import build_spec
from rdo.builders.rooms.srpm import dates, macros
from rdo.builders.rooms.workshop import Workshop
from rdo.builders.sources.source import PreparedSource, prepare_source
from rdo.model.artifact import RpmFile
from rdo.model.build import (
    BUILD_LOG,
    INSTALLED,
    INSTALLED_SUMS,
    BuildJob,
    Built,
    Failed,
    Outcome,
    Waiting,
)
from rdo.roots.build_root import BuildRoot, build_root
from rdo.roots.door import Inside
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import Missing, SolverRepository, solve
from rdo.store.work.recipe import Recipe
from rdo.tools.walls.id_range import user_name
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

_ANY_NAME = re.compile(r"[^/]+", re.DOTALL)


class RootBuilder(InProcessBuilder):
    """Builds commits in roots of this machine."""

    name = "root"

    def __init__(
        self, workshop: Workshop, on_failure: Callable[[Room], None] | None = None
    ) -> None:
        """`on_failure` is called with the room of a failed build, before the room is removed.

        It is called from the build's thread, and not for a cancelled build.
        """
        super().__init__()
        self._workshop = workshop
        self._on_failure = on_failure

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        remove_tree(job.folder)  # leftovers of an interrupted try
        job.folder.mkdir(parents=True)
        shop = self._workshop
        neighbours = tuple(shop.neighbours())
        shop = replace(shop, neighbours=lambda: neighbours)  # the same ones until the build ends
        base = shop.base
        recipe = Recipe(job, base.platform.name, base.digest, shop.dependencies(), neighbours)
        recipe.write(job.folder)
        repositories = shop.repositories(job.repositories, job.last_resort)
        handed_over = job.folder / "source"
        log_file = job.folder / BUILD_LOG
        with build_root(shop.base, shop.content, shop.roots) as root, on_disk_of(shop.roots):
            room = shop.room(root, repositories, log_file, is_cancelled)
            prepared = disk_failure(prepare_source(room, job), shop.roots)
            if isinstance(prepared, Failed | Waiting):
                self._show(room)
                return prepared
            _hand_over(root, prepared, handed_over)
            replace(recipe, archive=prepared.archive).write(job.folder)
        with build_root(shop.base, shop.content, shop.roots) as root, on_disk_of(shop.roots):
            root.give(handed_over, Inside("/builddir"))
            room = shop.room(root, repositories, log_file, is_cancelled)
            root.set_environment(**dates(job))
            outcome = build_spec(
                room, prepared.spec, macros(job), job.folder, skip_tests=job.skip_tests
            )
            outcome = disk_failure(outcome, shop.roots)
            remove_tree(handed_over)
            write_installed(root, job.folder / INSTALLED)
            if not isinstance(outcome, Built):
                self._show(room)
                return outcome
            log.debug("built %d RPMs", len(outcome.rpms))
            outcome = inspected(outcome)
            if isinstance(outcome, Built):
                return replace(outcome, lacking=lacking(outcome.read, repositories, shop.base))
            return outcome

    def _lacking(self, job: BuildJob, rpms: Sequence[RpmFile]) -> tuple[str, ...]:
        repositories = self._workshop.repositories(job.repositories, job.last_resort)
        return lacking(rpms, repositories, self._workshop.base)

    def examine(self) -> tuple[str, ...]:
        shop = self._workshop
        return (
            f"builds in roots of {shop.base.platform.name}, without network, as {user_name()}",
            f"a build may take {shop.seconds / 60:.0f} minutes and {shop.disk_bytes / 1e6:.0f} MB",
        )

    def _show(self, room: Room) -> None:
        if self._on_failure and not room.bounds.is_cancelled():
            self._on_failure(room)


def _hand_over(root: BuildRoot, prepared: PreparedSource, folder: Path) -> None:
    """Copy spec and sources out of the root that made them; only regular files are taken."""
    place, top = folder / "SOURCES", Limits(depth=0)
    root.door.take(Inside("/builddir/SOURCES"), place, _ANY_NAME, top, are_sources=True)
    (folder / "SPECS").mkdir()
    (folder / "SPECS" / prepared.spec).write_bytes(prepared.text)


def lacking(
    rpms: Iterable[RpmFile], repositories: Sequence[SolverRepository], base: BaseLayer
) -> tuple[str, ...]:
    """Return what the packages require once installed and nothing provides."""
    binary = [one for one in rpms if not one.artifact.is_source]
    given = frozenset[str]().union(*({*one.artifact.provides, *one.files} for one in binary))
    asked = {need for one in binary for need in one.requires if need.split()[0] not in given}
    if not asked:
        return ()
    answer = solve(asked, repositories, arch=base.platform.arch)
    return answer.needs if isinstance(answer, Missing) else ()


def write_installed(root: BuildRoot, path: Path) -> None:
    """Write the NEVRAs that the build added to the base, and a second file with checksums."""
    packages = sorted(root.installed.items())
    path.write_text("".join(f"{nevra}\n" for nevra, _ in packages))
    sums = "".join(f"{one.sha256}  {nevra}\n" for nevra, one in packages)
    path.with_name(INSTALLED_SUMS).write_text(sums)
