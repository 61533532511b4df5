"""Roots of failed builds that somebody wanted to keep, to enter them later.

Each is a folder as made by `build_root`, with a note of the layers below it. If one of these layers
was removed since then, the root is useless, and entering it says so.
"""

import contextlib
import fcntl
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rdo import lock
from rdo.errors import NotFoundError, RefusedError
from rdo.roots.build_root import RPMS, BuildRoot
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

_NOTE, _IN_USE = "kept.json", "in-use"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*")


@dataclass(frozen=True, slots=True)
class KeptRoots:
    """The folder of kept roots, one for each name."""

    folder: Path

    @classmethod
    def beside(cls, roots: Path) -> "KeptRoots":
        """Return the kept roots that belong to a folder of live roots."""
        return cls(roots / "kept")

    def names(self) -> list[str]:
        """Return the names of all kept roots, sorted."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path.name for path in found if (path / _NOTE).is_file())

    def keep(self, root: BuildRoot, name: str) -> str:
        """Keep a live root when its build ends, and return the name it gets.

        It replaces the one kept under that name, unless somebody is in it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        chosen, count = name, 1
        while not self._is_cleared(self.folder / chosen):
            count += 1
            chosen = f"{name}-{count}"
        state = root.state
        note = {
            "layers": [str(path.absolute()) for path in state.layers],
            "environment": dict(state.environment),
            "links": [list(pair) for pair in state.links],
        }
        root.keep(self.folder / chosen, {_NOTE: json.dumps(note, indent=1)})
        return chosen

    @contextlib.contextmanager
    def entered(self, name: str) -> Iterator[Root]:
        """Yield a kept root, which no other process enters or removes inside the block.

        Raises NotFoundError if there is none or if one of its layers is gone, and RefusedError if
        somebody is in it.
        """
        place = self.folder / name
        if not _NAME.fullmatch(name) or not (place / _NOTE).is_file():
            known = ", ".join(self.names()) or "none"
            raise NotFoundError(
                f"no root is kept as {name!r}",
                hint=f"kept: {known}; rdo build --keep-root keeps that of a failed build",
            )
        with (place / _IN_USE).open("a") as file:
            if not _is_alone(file):
                raise RefusedError(f"another shell is in the root {name}", hint="leave that first")
            yield self._root(place, json.loads((place / _NOTE).read_text()))

    def removable(self) -> list[Path]:
        """Return the kept roots that nobody is in, and leftovers of killed processes."""
        found = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return [place for place in found if not lock.is_held(place / _IN_USE)]

    def _is_cleared(self, place: Path) -> bool:
        """Remove a kept root; return False if somebody is in it."""
        if lock.is_held(place / _IN_USE):
            return False
        remove_tree(place)
        return True

    def _root(self, place: Path, note: Mapping[str, Any]) -> Root:
        layers = [Path(one) for one in note["layers"]]
        if gone := next((one for one in layers if not one.is_dir()), None):
            raise NotFoundError(
                f"the root {place.name} cannot be entered: its layer {gone} was removed",
                hint="build it again with --keep-root",
            )
        return Root(
            tuple(layers),
            place / "root",
            (Bind(place / "host/rpms", RPMS),),
            environment=dict(note["environment"]),
            has_home=True,
            links=tuple((one[0], one[1]) for one in note["links"]),
        )


def _is_alone(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
