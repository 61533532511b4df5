"""A root for one build: base, macros, and the chosen packages on top, assembled in a moment."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rdo import atomic
from rdo.roots.content import ContentStore
from rdo.roots.platforms import Base
from rdo.solver import Chosen
from rdo.tools.root import BUILD_UID, Bind, Root

_RPMS = "/rdo-rpms"


class BuildRoot:
    """An overlay of unpacked RPMs whose rpmdb knows them; more may be added between entries.

    RPMs without scriptlets are layers plus `rpm -i --justdb`; those with scriptlets are really
    installed. The folder `work` belongs to the root and is removed with it.
    """

    def __init__(self, base: Base, content: ContentStore, work: Path) -> None:
        self.base = base
        self.work = work
        self._content = content
        self._rpms = work / "rpms"
        self._rpms.mkdir(parents=True)
        self.installed: dict[str, Chosen] = {}
        binds = (Bind(self._rpms, _RPMS),)
        self.root = Root(base.layers, work / "root", binds)
        home = self.root.upper / "builddir"
        home.mkdir(parents=True)
        for folder in ("BUILD", "BUILDROOT", "RPMS", "SOURCES", "SPECS", "SRPMS"):
            (home / folder).mkdir()
        self.own(home)
        locales = self.root.upper / "usr/lib/locale"
        if (base.tree / "usr/lib/locale/C.utf8").exists():  # all that Debian has without `locales`
            locales.mkdir(parents=True)
            (locales / "en_US.utf8").symlink_to("C.utf8")

    def own(self, folder: Path) -> None:
        """Give a folder inside, and all below it, to the build user."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, BUILD_UID, BUILD_UID, follow_symlinks=False)

    @property
    def builddir(self) -> Path:
        """/builddir as it is seen from outside."""
        return self.root.upper / "builddir"

    def bind(self, *binds: Bind) -> None:
        self.root = replace(self.root, binds=(*self.root.binds, *binds))

    def set_environment(self, **environment: str) -> None:
        """Variables for every program that is run inside from now on."""
        self.root = replace(self.root, environment={**self.root.environment, **environment})

    def install(self, packages: Iterable[Chosen]) -> None:
        """Add packages that are not there yet; the solver has seen that they fit."""
        new = self.base.fetch(one for one in packages if one.nevra not in self.installed)
        if not new:
            return
        plain: list[str] = []
        scripted: list[str] = []
        layers: list[Path] = []
        for one in new:
            inside = self._offer(one)
            layer = self._content.layer(one.path, one.sha256)
            (scripted if layer is None else plain).append(inside)
            if layer:
                layers.append(layer)
            self.installed[one.nevra] = one
        self.root = replace(self.root, layers=(*layers, *self.root.layers))
        command = ("rpm", "-i", "--nodeps", "--nosignature", "--quiet")
        if plain:  # they are there already: no space is needed for them
            self.root.ask(*command, "--justdb", "--ignoresize", *plain, privileged=True)
        if scripted:
            self.root.ask(*command, *scripted, privileged=True)

    def _offer(self, package: Chosen) -> str:
        """Show the RPM inside and return its name there."""
        name = f"{package.sha256[:16]}.rpm"
        place = self._rpms / name
        if not place.exists():
            atomic.link_or_copy(package.path.resolve(), place)
        return f"{_RPMS}/{name}"


@contextlib.contextmanager
def build_root(base: Base, content: ContentStore, roots: Path) -> Iterator[BuildRoot]:
    """A fresh root below the folder `roots`, thrown away at the end of the block."""
    roots.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="root-", dir=roots))
    with (work / "in-use").open("w") as file, content.in_use():
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield BuildRoot(base, content, work)
        finally:
            shutil.rmtree(work)


def remove_leftovers(roots: Path) -> int:
    """Remove the folders of roots whose process was killed; how many there were.

    Their mounts and processes ended with their namespaces.
    """
    removed = 0
    for work in roots.glob("root-*"):
        with (
            contextlib.suppress(FileNotFoundError, BlockingIOError),  # gone or in use
            (work / "in-use").open("a") as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(work)
            removed += 1
    return removed
