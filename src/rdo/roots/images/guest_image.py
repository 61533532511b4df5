"""The image of a guest, to try a cloud with; we make it, because a cloud may have no internet.

It is the package `rdo-guest-image`, built from `roots/guest/` in a root that has the platform's set
`guest`. It is named after a hash of everything it is made of, so it is made only once.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rdo import lock
from rdo.roots.build_root import build_root
from rdo.roots.content import ContentStore
from rdo.roots.door import Inside
from rdo.roots.images.image_packages import ImageSources
from rdo.roots.images.old_images import mark_used, remove_old
from rdo.solver import Chosen
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

SET = "guest"
"""The platform's set of packages that a guest is made from."""

_SPEC, _RPM, _IMAGE = "rdo-guest-image.spec", "rdo-guest-image.rpm", "guest.img"
_BUILD = (
    *("rpmbuild", "-bb", "-D", "_sourcedir /guest", "-D", "_topdir /builddir"),
    *("-D", "_rpmdir /builddir/RPMS", "-D", "_build_name_fmt %{NAME}.rpm", f"/guest/{_SPEC}"),
)


@dataclass(frozen=True, slots=True)
class GuestImage:
    """The disk of a guest, and the package that brings it to a host."""

    disk: Path
    rpm: Path

    @property
    def digest(self) -> str:
        """A hash of everything that the image is made of."""
        return self.disk.parent.name


@dataclass(frozen=True, slots=True)
class GuestImages:
    """The guest images of one platform, in `folder`; `roots` is where they are made."""

    sources: ImageSources
    content: ContentStore
    folder: Path
    roots: Path

    def image(self) -> GuestImage:
        """Return the image; make it if it does not exist. Raises the errors of `packages`."""
        base = self.sources.base
        chosen = self.sources.packages(SET)
        files = (f"{name} {hashlib.sha256(text).hexdigest()}" for name, text in _files())
        lines = [base.digest, *files, *sorted(one.sha256 for one in chosen)]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
        folder = self.folder / f"guest-{digest}"
        if not folder.exists():
            with lock.hold(self.folder / "guest.lock", purpose="making a guest image", wait=True):
                if not folder.exists():
                    self._make(chosen, folder)
                mark_used(folder)
                remove_old(self.folder, "guest-*")
        mark_used(folder)
        return GuestImage(folder / _IMAGE, folder / _RPM)

    def _make(self, chosen: Sequence[Chosen], folder: Path) -> None:
        started = time.monotonic()
        new = folder.with_name(".guest.new")
        remove_tree(new)
        new.mkdir()
        with build_root(self.sources.base, self.content, self.roots) as root:
            root.install(chosen)
            given = root.folder("guest")
            for name, text in _files():
                (given / name).write_bytes(text)
            root.bind(Bind(given, "/guest"))
            root.ask(*_BUILD)
            made = (f"/builddir/BUILD/{_IMAGE}", f"/builddir/RPMS/{_RPM}")
            root.door.take_files([Inside(name) for name in made], new)
        new.rename(folder)
        log.info("made a guest image in %.0f s", time.monotonic() - started)


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield the files from which the package is built, with their names."""
    folder = resources.files("rdo.roots") / "guest"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.is_file():
            yield file.name, file.read_bytes()
