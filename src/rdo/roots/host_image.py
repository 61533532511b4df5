"""The image of a host: what booting hosts of one platform and target have below their changes.

It is a layer over the base layer's tree, made of RPMs alone: rpm installs the platform's set
`host` and the package `rdo-host`, which is built from `roots/host/`. The image is named by the
content of all of them, so it is made once.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rdo import atomic, lock
from rdo.errors import CommandError, NotFoundError
from rdo.roots.door import Door, Inside
from rdo.roots.platforms import BaseLayer
from rdo.solver import Chosen, Conflict, Missing, SolverRepository, solve
from rdo.tools.entry import Bind
from rdo.tools.removal import remove_tree
from rdo.tools.root import Root

log = logging.getLogger(__name__)

VERSION = 1
"""Increase this when a change here makes a different image from the same RPMs."""

SET = "host"
"""The platform's set of packages that every host has."""

_RPMS = "/rdo-rpms"
_OF_THE_MACHINE = ("/etc/hostname", "/etc/resolv.conf", "/root/.rpmdb", _RPMS)
"""What the base layer may have of the machine that made it, and what only the making needs."""

_INSTALL = ("rpm", "--dbpath", "/var/lib/rpm", "-i", "--nosignature", "--quiet")


@dataclass(frozen=True, slots=True)
class HostImage:
    """Layers of a host, topmost first, and how they were made; `failed` are the packages whose
    own configuration failed.
    """

    layers: tuple[Path, ...]
    packages: int
    failed: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What names the image: the content of all that is in it."""
        return self.layers[0].parent.name.removeprefix("host-")


@dataclass(frozen=True, slots=True)
class HostImages:
    """The images of one platform's hosts, below `folder`; `roots` is where they are made."""

    base: BaseLayer
    folder: Path
    roots: Path

    @property
    def wanted(self) -> tuple[str, ...]:
        """The platform's set `host`; NotFoundError if it has none."""
        platform = self.base.platform
        if SET not in platform.sets:
            raise NotFoundError(
                f"platform {platform.name} has no set of packages {SET!r}, so no host can be made",
                hint=f"add `{SET} = [...]` to [sets] of its definition",
            )
        return platform.sets[SET]

    def image(self, own: Sequence[Path], dependencies: Path | None) -> HostImage:
        """Return the image of the set `host`, out of the repositories in these folders.

        It is made if it is not there. Raises NotFoundError if the platform has no such set or a
        package of it is in no repository, CommandError if the packages conflict or cannot be
        installed.
        """
        chosen = self._chosen(own, dependencies)
        folder = self.folder / f"host-{self._digest(chosen)}"
        if not folder.exists():
            with lock.hold(self.folder / "host.lock", purpose="making a host image", wait=True):
                if not folder.exists():
                    self._make(chosen, folder)
        failed = (folder / "failed").read_text().split()
        return HostImage((folder / "layer", self.base.tree), len(chosen) + 1, tuple(failed))

    def _chosen(self, own: Sequence[Path], dependencies: Path | None) -> tuple[Chosen, ...]:
        rows = [SolverRepository(f"own-{n}", path, 1) for n, path in enumerate(own)]
        rows += [SolverRepository("dependencies", dependencies, 50)] if dependencies else []
        rows.append(SolverRepository("base", self.base.metadata, 90, installed=True))
        answer = solve(self.wanted, rows, arch=self.base.platform.arch)
        if isinstance(answer, Missing):
            raise NotFoundError(
                f"no repository has {', '.join(map(str, answer.requirements))}",
                hint=f"bring the packages of hosts with: rdo platform deps add @{SET}",
            )
        if isinstance(answer, Conflict):
            raise CommandError(f"the packages of a host conflict: {'; '.join(answer.problems)}")
        return answer.packages

    def _digest(self, chosen: Iterable[Chosen]) -> str:
        sources = (f"{name} {hashlib.sha256(text).hexdigest()}" for name, text in _own_sources())
        lines = [str(VERSION), self.base.digest, *sources, *sorted(one.sha256 for one in chosen)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def _make(self, chosen: Sequence[Chosen], folder: Path) -> None:
        started = time.monotonic()
        new = folder.with_name(".host.new")
        remove_tree(new)
        rpms = new / "rpms"
        rpms.mkdir(parents=True)
        own = self._own_rpm(new, rpms)
        for one in chosen:
            atomic.link_or_copy(one.path.resolve(), rpms / one.path.name)
        root = Root((self.base.tree,), new / "work", (Bind(rpms, _RPMS),), may_chroot=True)
        names = [f"{_RPMS}/{name}" for name in (own, *(one.path.name for one in chosen))]
        root.ask(*_INSTALL, *names, privileged=True, timeout=3600)
        root.ask("rm", "-rf", *_OF_THE_MACHINE[:-1], privileged=True)
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
