"""The folder with the bare repositories of distgits: `NAME.git`, where NAME may contain folders."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic
from rdo.errors import NotFoundError, RefusedError
from rdo.lookaside.layout import check_package
from rdo.tools.git.bare import BareRepository

_GIT = ".git"


@dataclass(frozen=True, slots=True)
class DistgitFolder:
    """The folder at `path`; entries that begin with a dot are not served."""

    path: Path

    @property
    def hooks(self) -> Path:
        """The folder with the hooks of all repositories."""
        return self.path / ".hooks"

    @property
    def incoming(self) -> Path:
        """The folder for requests while they are received."""
        return self.path / ".incoming"

    @property
    def ssh(self) -> Path:
        """The folder with keys and configuration of our own sshd."""
        return self.path / ".ssh"

    def repository(self, asked: str) -> tuple[str, Path]:
        """Return name and path of a repository that a client asked for, with `.git` or `/`.

        Raises NotFoundError if it cannot be served, whatever the reason.
        """
        try:
            name = check_name(asked.strip("/").removesuffix(_GIT))
        except RefusedError:
            name = ""
        place = self.place(name)
        if not name or not (place / "HEAD").is_file():
            raise NotFoundError(f"there is no distgit {asked[:200]!r} here")
        return name, place

    def place(self, name: str) -> Path:
        """Return the path of the repository with this name, even if it does not exist yet."""
        return self.path / f"{name}{_GIT}"

    def names(self) -> list[str]:
        """Return the names of all repositories."""
        return sorted(self._names())

    def _names(self) -> Iterator[str]:
        for here, folders, _ in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in [one for one in folders if one.endswith(_GIT)]:
                folders.remove(name)
                yield str((Path(here) / name).relative_to(self.path)).removesuffix(_GIT)

    def create(self, name: str, branch: str) -> BareRepository:
        """Create an empty repository whose first branch will be `branch`; it appears complete."""
        place = self.place(check_name(name))
        with atomic.new_directory(place) as fresh:
            BareRepository(fresh).create(branch)
        return BareRepository(place)


def check_name(name: str) -> str:
    """Return the name of a distgit; raises RefusedError if it is invalid, or inside another one."""
    if any(part.endswith((_GIT, ".lock")) for part in name.split("/")):
        raise RefusedError(f"{name!r} cannot be the name of a distgit")
    return check_package(name)
