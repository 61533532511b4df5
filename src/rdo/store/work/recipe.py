"""The recipe of a build, written beside its logs so that the build can be repeated."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rdo.errors import NotFoundError
from rdo.model.build import BuildJob
from rdo.model.packed_archive import PackedArchive

NAME = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A job and what its root was made from: platform, base layer, dependency repository.

    `base` is the digest of the base layer and its macros; empty for a build in mock, whose lock is
    beside the recipe and names everything in the chroot. `neighbours` are the repositories of other
    targets, with their priorities, `archive` is the source, once it is known.
    """

    job: BuildJob
    platform: str
    base: str
    dependencies: Path | None
    neighbours: tuple[tuple[Path, int], ...] = ()
    archive: PackedArchive | None = None

    @property
    def is_of_mock(self) -> bool:
        """Whether the build ran in mock, not in a root."""
        return not self.base

    @property
    def took_archive(self) -> bool:
        """Whether its source is an archive that another build made."""
        return self.archive is not None and self.archive.build != self.job.id

    def write(self, folder: Path) -> None:
        """Write the recipe into the folder of its build."""
        content = _adapter().dump_python(self, mode="json")
        (folder / NAME).write_text(json.dumps(content, indent=1))

    @classmethod
    def read(cls, folder: Path) -> "Recipe":
        """Return the recipe of a build.

        Raises NotFoundError if the build never started in a root, or was removed.
        """
        try:
            text = (folder / NAME).read_text()
        except FileNotFoundError:
            raise NotFoundError(
                f"build {folder.name} has no recipe: it never began, ran elsewhere, or its "
                "folder was removed",
                hint="rdo trunk recheck builds its commit again",
            ) from None
        found: Recipe = _adapter().validate_python(json.loads(text))
        return found


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # only builds need it

    return TypeAdapter(Recipe)
