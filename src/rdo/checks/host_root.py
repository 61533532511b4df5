"""A root like a fresh host of a target, in which checks install what a repository has."""

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
"""Where the root sees its folder of RPMs."""

_DISK_BYTES = 40_000_000_000


@dataclass(frozen=True, slots=True)
class HostRoot:
    """A root of a base layer alone, behind all walls; `rpms` is a folder of ours that it sees."""

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
        """Run rpm with the packages as root inside, and return how it ended."""
        (self.rpms / "list").write_text("".join(f"{path}\n" for path in self.offer(packages)))
        command = f'exec rpm "$@" $(cat {RPMS}/list)'  # more of them than a command line may have
        return self.root.ask(
            *("sh", "-c", command, "sh", *args),
            privileged=True,
            timeout=seconds,
            ok=range(256),
        )


@contextlib.contextmanager
def host_root(base: BaseLayer, roots: Path, *binds: Bind) -> Iterator[HostRoot]:
    """Make a fresh root below the folder `roots`, and remove it at the end of the block.

    `binds` are further files and folders of ours that it sees.

    It is named and locked as roots of builds are, so that what is left of a killed process goes
    with theirs.
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
