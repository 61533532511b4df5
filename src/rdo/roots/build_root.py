"""The root of one build: an overlay of base layer, macros layer and the chosen packages."""

import contextlib
import fcntl
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rdo import atomic
from rdo.model.program import Bounds, Completed, Logged
from rdo.roots.content import ContentStore
from rdo.roots.door import Door, Inside
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import Chosen
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

RPMS, _GIVEN = "/rdo-rpms", "/rdo-given"


class BuildRoot:
    """An overlay of unpacked RPMs, which are recorded in its RPM database.

    Packages can be added between entries. RPMs without scriptlets are mounted as layers and
    recorded by `rpm -i --justdb`; rpm really installs the others. Files enter by `give` and `bind`,
    and leave by the `door`.
    """

    def __init__(self, base: BaseLayer, content: ContentStore, work: Path) -> None:
        self.base = base
        self._content = content
        self._work = work
        self._rpms = self.folder("rpms")
        self.installed: dict[str, Chosen] = {}
        has_c_utf8 = (
            base.tree / "usr/lib/locale/C.utf8"
        ).exists()  # the one of Debian without `locales`
        self._root = Root(
            base.layers,
            work / "root",
            (Bind(self._rpms, RPMS),),
            has_home=True,
            links=(("C.utf8", "/usr/lib/locale/en_US.utf8"),) if has_c_utf8 else (),
        )
        self.door = Door(work / "root/upper")
        self._given: list[tuple[Path, Inside]] = []
        self._kept_as: Path | None = None

    @property
    def state(self) -> Root:
        """The root with its current layers and settings."""
        return self._root

    def keep(self, place: Path, notes: Mapping[str, str]) -> None:
        """Move the root's folder to `place` at its end, with files beside it; do not remove it."""
        for name, text in notes.items():
            atomic.write_file(self._work / name, text)
        self._kept_as = place

    def end(self) -> None:
        """Remove the root, or move it to where it is kept."""
        if self._kept_as:
            self._work.rename(self._kept_as)
        else:
            remove_tree(self._work)

    def folder(self, name: str) -> Path:
        """Return a new folder on the host, removed with the root; `bind` shows it inside."""
        folder = self._work / "host" / name
        folder.mkdir(parents=True)
        return folder

    def give(self, folder: Path, target: Inside) -> None:
        """Make the build user copy a folder of ours to `target` before anything else runs.

        The folder must contain only files and folders of ours, and stays until a program was run.
        They are made readable for everybody, because the originals may not be.
        """
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        self._given.append((folder, target))

    def bind(self, *binds: Bind) -> None:
        """Show more files and folders of the host inside the root."""
        self._root = replace(self._root, binds=(*self._root.binds, *binds))

    def allow_network(self) -> None:
        """Let the build user reach what this machine reaches, with the machine's name servers."""
        names = [Path("/etc") / name for name in ("resolv.conf", "hosts")]
        self.bind(*(Bind(path, str(path)) for path in names if path.is_file()))
        self._root = replace(self._root, has_network=True)

    def set_environment(self, **environment: str) -> None:
        """Set variables for every program that runs inside from now on."""
        environment = {**self._root.environment, **environment}
        self._root = replace(self._root, environment=environment)

    def ask(
        self,
        *argv: str,
        privileged: bool = False,
        timeout: float = 600,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
    ) -> Completed:
        """Run a program inside to its end; CommandError unless its exit status is in `ok`."""
        root, copies = (self._root, ()) if privileged else self._with_given()
        return root.ask(
            *argv, privileged=privileged, timeout=timeout, ok=ok, stdin=stdin, copies=copies
        )

    def log(self, *argv: str, log_file: Path, cwd: str, bounds: Bounds) -> Logged:
        """Run a long program inside as the build user, writing to `log_file`."""
        root, copies = self._with_given()
        return root.log(*argv, log_file=log_file, cwd=cwd, bounds=bounds, copies=copies)

    def hand_over(self, *argv: str, privileged: bool = False, cwd: str = "/") -> int:
        """Run a program inside with the terminal."""
        return self._root.hand_over(*argv, privileged=privileged, cwd=cwd)

    def _with_given(self) -> tuple[Root, tuple[tuple[str, str], ...]]:
        """The root that also shows, for one run, what was given and what is to be copied."""
        shown = [(folder, f"{_GIVEN}/{n}", to) for n, (folder, to) in enumerate(self._given)]
        self._given = []
        binds = (Bind(folder, place) for folder, place, _ in shown)
        root = replace(self._root, binds=(*self._root.binds, *binds))
        return root, tuple((place, str(to)) for _, place, to in shown)

    def install(self, packages: Iterable[Chosen]) -> None:
        """Add the packages that are not installed yet, as the solver has chosen them.

        The caller has had the solver choose them.
        """
        new = self.base.fetch(one for one in packages if one.nevra not in self.installed)
        if not new:
            return
        plain: list[str] = []
        scripted: list[str] = []
        layers: list[Path] = []
        unpacked = self._content.layers({one.sha256: one.path for one in new})
        for one in new:
            inside, layer = self._offer(one), unpacked[one.sha256]
            (scripted if layer is None else plain).append(inside)
            if layer:
                layers.append(layer)
            self.installed[one.nevra] = one
        self._root = replace(self._root, layers=(*layers, *self._root.layers))
        command = ("rpm", "-i", "--nodeps", "--nosignature", "--quiet")
        if plain:  # their files exist already and need no space
            self._root.ask(*command, "--justdb", "--ignoresize", *plain, privileged=True)
        if scripted:
            self._root.ask(*command, *scripted, privileged=True)

    def _offer(self, package: Chosen) -> str:
        """Make the RPM visible inside the root and return its path there."""
        name = f"{package.sha256[:16]}.rpm"
        place = self._rpms / name
        if not place.exists():
            atomic.link_or_copy(package.path.resolve(), place)
        return f"{RPMS}/{name}"


@contextlib.contextmanager
def build_root(base: BaseLayer, content: ContentStore, roots: Path) -> Iterator[BuildRoot]:
    """Make a fresh root in the folder `roots`, and remove it at the end of the block."""
    roots.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="root-", dir=roots))
    with (work / "in-use").open("w") as file, content.in_use():
        fcntl.flock(file, fcntl.LOCK_EX)
        root: BuildRoot | None = None
        try:
            root = BuildRoot(base, content, work)
            yield root
        finally:
            root.end() if root else remove_tree(work)


def remove_leftovers(roots: Path) -> int:
    """Remove the folders of roots whose processes were killed; return how many there were.

    Their mounts and processes ended with their namespaces.
    """
    removed = 0
    for work in roots.glob("root-*"):
        with (
            contextlib.suppress(FileNotFoundError, BlockingIOError),  # it is gone or in use
            (work / "in-use").open("a") as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(work)
            removed += 1
    return removed
