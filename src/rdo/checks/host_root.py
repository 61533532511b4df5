"""A root like a fresh host of a target, in which checks install the packages of a repository."""

import contextlib
import fcntl
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic
from rdo.model.program import Completed
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import Chosen
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

RPMS = "/rdo-rpms"
"""The path inside the root of the folder with the RPMs."""

_DISK_BYTES = 40_000_000_000


@dataclass(frozen=True, slots=True)
class HostRoot:
    """A root with only a base layer, behind all walls; our folder `rpms` is visible inside."""

    root: Root
    rpms: Path

    def offer(self, packages: Sequence[Chosen]) -> list[str]:
        """Make the RPMs of packages visible inside; return their paths there."""
        paths = []
        for one in packages:
            name = f"{one.sha256[:24]}.rpm"
            if not (self.rpms / name).exists():
                atomic.link_or_copy(one.path.resolve(), self.rpms / name)
            paths.append(f"{RPMS}/{name}")
        return paths

    def rpm(self, *args: str, packages: Sequence[Chosen], seconds: float) -> Completed:
        """Run rpm inside as root with these packages, and return how it ended."""
        (self.rpms / "list").write_text("".join(f"{path}\n" for path in self.offer(packages)))
        command = f'exec rpm "$@" $(cat {RPMS}/list)'  # a command line could be too long for them
        return self.root.ask(
            *("sh", "-c", command, "sh", *args),
            privileged=True,
            timeout=seconds,
            ok=range(256),
        )


@contextlib.contextmanager
def host_root(base: BaseLayer, roots: Path, *binds: Bind) -> Iterator[HostRoot]:
    """Make a fresh root in the folder `roots`, and remove it at the end of the block.

    `binds` are more files and folders of ours that are visible inside.

    It is named and locked like the roots of builds, so that it is removed with theirs if the
    process is killed.
    """
    roots.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="root-", dir=roots))
    with (work / "in-use").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            rpms = work / "host/rpms"
            rpms.mkdir(parents=True)
            root = Root(
                base.layers,
                work / "root",
                (Bind(rpms, RPMS), *binds),
                has_home=True,
                may_chroot=True,
                disk_bytes=_DISK_BYTES,
            )
            yield HostRoot(root, rpms)
        finally:
            remove_tree(work)
