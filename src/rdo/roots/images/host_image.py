"""The image of a host: the layers below the changes of all hosts of one platform and target.

It is a layer over the base layer's tree, made only of RPMs: rpm installs the platform's set `host`
and the package `rdo-host`, which is built from `roots/host/`. The image is named after a hash of
all of them, so it is made only once.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rdo import atomic, lock
from rdo.roots.door import Door, Inside
from rdo.roots.images.guest_image import GuestImage
from rdo.roots.images.image_packages import ImageSources
from rdo.roots.images.old_images import mark_used, remove_old
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import Chosen
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

log = logging.getLogger(__name__)

VERSION = 2
"""Increase this when a change here makes a different image from the same RPMs."""

SET = "host"
"""The platform's set of packages that every host has."""

_RPMS = "/rdo-rpms"
_KEYS = ("rsa", "ecdsa", "ed25519")
_OF_ONE = (
    *("/etc/hostname", "/etc/resolv.conf", "/root/.rpmdb"),
    *(f"/etc/ssh/ssh_host_{kind}_key{end}" for kind in _KEYS for end in ("", ".pub")),
)
"""Files that belong to a single machine: the one that made the base layer, or each host."""

_INSTALL = ("rpm", "--dbpath", "/var/lib/rpm", "-i", "--nosignature", "--quiet")


@dataclass(frozen=True, slots=True)
class HostImage:
    """Layers of a host, topmost first, and how they were made.

    `failed` are the packages whose own configuration failed.
    """

    layers: tuple[Path, ...]
    packages: int
    failed: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of everything in the image."""
        return self.layers[0].parent.name.removeprefix("host-")


@dataclass(frozen=True, slots=True)
class HostImages:
    """The images of one platform's hosts, in `folder`; `roots` is where they are made.

    A host also has the package of `guest`, if there is one.
    """

    sources: ImageSources
    folder: Path
    roots: Path
    guest: GuestImage | None = None

    @property
    def base(self) -> BaseLayer:
        """The base layer, which lies below the image."""
        return self.sources.base

    def image(self) -> HostImage:
        """Return the image of the set `host`; make it if it does not exist.

        Raises NotFoundError if the platform has no such set or a package of it is in no
        repository, CommandError if the packages conflict or cannot be installed.
        """
        chosen = self.sources.packages(SET)
        folder = self.folder / f"host-{self._digest(chosen)}"
        if not folder.exists():
            with lock.hold(self.folder / "host.lock", purpose="making a host image", wait=True):
                if not folder.exists():
                    self._make(chosen, folder)
                mark_used(folder)
                remove_old(self.folder, "host-*")
        mark_used(folder)
        failed = (folder / "failed").read_text().split()
        own = 2 if self.guest else 1
        return HostImage((folder / "layer", self.base.tree), len(chosen) + own, tuple(failed))

    def _digest(self, chosen: Iterable[Chosen]) -> str:
        sources = (f"{name} {hashlib.sha256(text).hexdigest()}" for name, text in _own_sources())
        lines = [str(VERSION), self.base.digest, *sources, *sorted(one.sha256 for one in chosen)]
        lines += [self.guest.digest] if self.guest else []
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def _make(self, chosen: Sequence[Chosen], folder: Path) -> None:
        started = time.monotonic()
        new = folder.with_name(".host.new")
        remove_tree(new)
        rpms = new / "rpms"
        rpms.mkdir(parents=True)
        own = [self._own_rpm(new, rpms)]
        for one in chosen:
            atomic.link_or_copy(one.path.resolve(), rpms / one.path.name)
        if self.guest:
            atomic.link_or_copy(self.guest.rpm, rpms / self.guest.rpm.name)
            own.append(self.guest.rpm.name)
        root = Root((self.base.tree,), new / "work", (Bind(rpms, _RPMS),), may_chroot=True)
        names = [f"{_RPMS}/{name}" for name in (*own, *(one.path.name for one in chosen))]
        root.ask(*_INSTALL, *names, privileged=True, timeout=3600)
        root.ask("rm", "-rf", *_OF_ONE, privileged=True)
        failed = root.ask(
            *(
                "sed",
                "-nE",
                r"s/^the postinst of (\S+) ended with .*/\1/p",
                "/var/log/rdo-host.log",
            ),
            privileged=True,
        )
        (new / "failed").write_text(failed.stdout)
        root.written.rename(new / "layer")
        remove_tree(new / "work")
        remove_tree(rpms)
        new.rename(folder)
        log.info(
            "made a host image of %d packages in %.0f s", len(names), time.monotonic() - started
        )

    def _own_rpm(self, new: Path, rpms: Path) -> str:
        """Build the package rdo-host into the folder `rpms`; return the name of its file."""
        sources = new / "sources"
        sources.mkdir()
        for name, content in _own_sources():
            (sources / name).write_bytes(content)
        root = Root(self.base.layers, new / "own", (Bind(sources, "/sources"),), has_home=True)
        root.ask(
            *(
                "rpmbuild",
                "-bb",
                "--nodeps",
                "-D",
                "_sourcedir /sources",
                "-D",
                "_topdir /builddir",
            ),
            *("-D", "_rpmdir /builddir/RPMS", "-D", "_build_name_fmt %{NAME}.rpm"),
            "/sources/rdo-host.spec",
        )
        [made] = Door(root.written).take_files([Inside("/builddir/RPMS/rdo-host.rpm")], rpms)
        remove_tree(new / "own")
        remove_tree(sources)
        return made.name


def _own_sources() -> Iterator[tuple[str, bytes]]:
    """Yield the files from which rdo-host is built, with their names."""
    folder = resources.files("rdo.roots") / "host"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        yield file.name, file.read_bytes()
