"""The root of one build: an overlay of base layer, macros layer and the chosen packages."""

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
from rdo.roots.platforms import BaseLayer
from rdo.solver import Chosen
from rdo.tools.root import BUILD_UID, Bind, Root

_RPMS = "/rdo-rpms"


class BuildRoot:
    """An overlay of unpacked RPMs that its RPM database lists.

    Packages can be added between entries.

    RPMs without scriptlets are mounted as layers and recorded by `rpm -i --justdb`; rpm really
    installs the others. The folder `work` belongs to the root and is removed with it.
    """

    def __init__(self, base: BaseLayer, content: ContentStore, work: Path) -> None:
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
        if (base.tree / "usr/lib/locale/C.utf8").exists():  # Debian's only one without `locales`
            locales.mkdir(parents=True)
            (locales / "en_US.utf8").symlink_to("C.utf8")

    def own(self, folder: Path) -> None:
        """Make the build user the owner of a folder of the root and everything below it."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, BUILD_UID, BUILD_UID, follow_symlinks=False)

    @property
    def builddir(self) -> Path:
        """The root's /builddir, as a path on the host."""
        return self.root.upper / "builddir"

    def bind(self, *binds: Bind) -> None:
        """Show more files and folders of the host inside the root."""
        self.root = replace(self.root, binds=(*self.root.binds, *binds))

    def set_environment(self, **environment: str) -> None:
        """Set variables for every program that runs in the root from now on."""
        self.root = replace(self.root, environment={**self.root.environment, **environment})

    def install(self, packages: Iterable[Chosen]) -> None:
        """Add the packages that are not installed yet.

        The caller has had the solver choose them.
        """
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
        if plain:  # their files exist already and need no space
            self.root.ask(*command, "--justdb", "--ignoresize", *plain, privileged=True)
        if scripted:
            self.root.ask(*command, *scripted, privileged=True)

    def _offer(self, package: Chosen) -> str:
        """Make the RPM visible inside the root and return its path there."""
        name = f"{package.sha256[:16]}.rpm"
        place = self._rpms / name
        if not place.exists():
            atomic.link_or_copy(package.path.resolve(), place)
        return f"{_RPMS}/{name}"


@contextlib.contextmanager
def build_root(base: BaseLayer, content: ContentStore, roots: Path) -> Iterator[BuildRoot]:
    """Make a fresh root below the folder `roots` and remove it at the end of the block."""
    roots.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="root-", dir=roots))
    with (work / "in-use").open("w") as file, content.in_use():
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield BuildRoot(base, content, work)
        finally:
            shutil.rmtree(work)


def remove_leftovers(roots: Path) -> int:
    """Remove the folders of roots whose process was killed, and return how many there were.

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
