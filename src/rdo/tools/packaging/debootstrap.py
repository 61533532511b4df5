"""Run debootstrap to make small Debian trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CommandError
from rdo.log_tail import read_tail
from rdo.model.program import Bounds
from rdo.tools.packaging.apt import mirror_of
from rdo.tools.walls.as_root import AsRoot
from rdo.tools.walls.entry import Bind


@dataclass(frozen=True, slots=True)
class Debootstrap:
    """Makes small Debian trees; downloaded packages are kept in `cache`.

    `mirror` is used for suites that this machine's apt is not configured for.
    """

    cache: Path
    mirror: str

    def create(self, tree: Path, *, suite: str, packages: Sequence[str], log_file: Path) -> None:
        """Unpack and configure a minimal `suite` with `packages` in the new folder `tree`.

        Raises CommandError with the end of the log if debootstrap fails.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        folders = (
            Bind(tree.parent, "/made", writable=True),
            Bind(self.cache, "/kept", writable=True),
        )
        # Nobody can make devices in lxc's containers either: debootstrap then mounts them.
        namespaces = AsRoot(folders, has_network=True, environment=(("container", "lxc"),))
        done = namespaces.log(
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            "--cache-dir=/kept",
            suite,
            f"/made/{tree.name}",
            mirror_of(suite) or self.mirror,
            log_file=log_file,
            bounds=Bounds(seconds=3600),
        )
        if done.returncode:
            tail = read_tail(log_file, 1500)
            raise CommandError(
                f"debootstrap of {suite} failed; see {log_file}\n{tail}",
                hint="check that the Debian mirror is reachable, then run the command again",
            )
