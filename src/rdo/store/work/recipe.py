"""What a build was made from, written beside its logs so that it can be made again."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rdo.errors import NotFoundError
from rdo.model.build import BuildJob

NAME = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A job and what its root was made from: platform, base layer, dependency repository.

    `base` is the digest of the base layer and its macros.
    """

    job: BuildJob
    platform: str
    base: str
    dependencies: Path | None

    def write(self, folder: Path) -> None:
        """Write the recipe into the folder of its build."""
        content = _adapter().dump_python(self, mode="json")
        (folder / NAME).write_text(json.dumps(content, indent=1))

    @classmethod
    def read(cls, folder: Path) -> "Recipe":
        """Return the recipe of a build.

        Raise NotFoundError if it never began in a root, or was removed.
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
    from pydantic import TypeAdapter  # only needed where something is built

    return TypeAdapter(Recipe)
