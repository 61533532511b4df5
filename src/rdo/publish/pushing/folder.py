"""A folder that repositories are pushed to: of this machine, or mounted from another one."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic
from rdo.errors import OutsideError
from rdo.model.outside import OutsideListing


@dataclass(frozen=True, slots=True)
class OutsideFolder:
    """A folder that a web server serves; each file appears in it complete."""

    folder: Path
    has_links: bool = True

    def listing(self) -> OutsideListing:
        """Return the files in the folder; nothing if it does not exist yet.

        Raises OutsideError if it cannot be read.
        """
        files: dict[str, int] = {}
        links: dict[str, str] = {}
        with self._in_use():
            for place, folders, names in os.walk(self.folder, onerror=_unless_missing):
                for name in (*folders, *names):
                    path = Path(place, name)
                    shown = str(path.relative_to(self.folder))
                    if path.is_symlink():
                        links[shown] = str(path.readlink())
                    elif name in names:
                        files[shown] = path.stat().st_size
        return OutsideListing(files, links)

    def send(self, stage: Path, paths: Iterable[str]) -> None:
        """Copy files of the folder `stage` to the same paths; raises OutsideError."""
        touched: set[Path] = set()
        with self._in_use():
            for path in paths:
                place = self.folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                new = place.with_name(f".{place.name}.new")
                shutil.copyfile(stage / path, new)
                new.chmod(0o644)
                atomic.sync(new)
                new.replace(place)
                touched.add(place.parent)
            atomic.sync(*touched)

    def point(self, links: Mapping[str, str]) -> None:
        """Make links point to their targets, each by one rename; raises OutsideError."""
        with self._in_use():
            for path, leads in links.items():
                link = self.folder / path
                link.parent.mkdir(parents=True, exist_ok=True)
                atomic.point_link(link, link.parent / leads)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, links, and folders with everything in them; raises OutsideError."""
        with self._in_use():
            for path in paths:
                place = self.folder / path
                if place.is_dir() and not place.is_symlink():
                    shutil.rmtree(place)
                else:
                    place.unlink(missing_ok=True)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename2 or error.filename or self.folder  # of a copy, where it goes
            raise OutsideError(
                f"cannot push to {place}: {os.strerror(error.errno or 0)}",
                hint="what was sent stays; the next push continues from there",
            ) from error


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
