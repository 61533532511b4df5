"""A root made of layers, and running programs inside it."""

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rdo.errors import CommandError
from rdo.log_tail import last_line, read_tail
from rdo.model.program import Bounds, Completed, Limit, Logged
from rdo.run import hand_over_pty, run, run_logged
from rdo.tools.children.enter_root import ENTER_FAILED
from rdo.tools.walls.entry import CHROOT, FAILED, INSTALLING, LIMIT, Bind, Entry, written_in
from rdo.tools.walls.id_range import id_range

BUILD_UID = 61184
"""The user that runs a build inside, and its group; without privileges there."""

HOME = "/builddir"
"""The build user's own folder, in which rpmbuild works."""

_HOME_FOLDERS = ("BUILD", "BUILDROOT", "RPMS", "SOURCES", "SPECS", "SRPMS")
_ENVIRONMENT = {
    "PATH": "/usr/bin:/usr/sbin:/bin:/sbin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
}


@dataclass(frozen=True, slots=True)
class Root:
    """Layers, topmost first, under a writable folder of its own.

    `work` contains what was written inside; it is kept between entries, so that a root can be
    entered again, and the caller removes it. With `has_home` the build user has its folders.
    `may_chroot` leaves that capability to privileged programs, for an rpm that installs into a
    folder. `links` are made inside, target and name. With `has_network`, programs without
    privileges reach what the machine reaches.
    """

    layers: tuple[Path, ...]
    work: Path
    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int = 4096
    memory_bytes: int | None = 8_000_000_000
    disk_bytes: int | None = None
    has_home: bool = False
    may_chroot: bool = False
    inner_binds: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    has_network: bool = False

    @property
    def written(self) -> Path:
        """The folder with everything that was written inside, as a layer for other roots."""
        return written_in(self.work)

    def ask(
        self,
        *argv: str,
        privileged: bool = False,
        cwd: str = "/",
        timeout: float = 600,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
        copies: tuple[tuple[str, str], ...] = (),
    ) -> Completed:
        """Run a program inside to its end and return its output.

        Raises CommandError if its exit status is not one of `ok`.
        """
        entry = replace(self._entry(privileged, cwd), copies=copies)
        done = run(*entry.command(argv), timeout=timeout, ok=range(256), stdin=stdin)
        if done.returncode == ENTER_FAILED and done.stderr.startswith(FAILED):
            raise _no_root(done.stderr)
        if done.returncode not in ok:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:]
            raise CommandError(
                f"{shlex.join(argv)} in a root: exit status {done.returncode}\n{said}"
            )
        return done

    def log(
        self,
        *argv: str,
        log_file: Path,
        cwd: str = "/",
        bounds: Bounds,
        copies: tuple[tuple[str, str], ...] = (),
    ) -> Logged:
        """Run a long program inside as the build user, writing to `log_file`."""
        entry = replace(
            self._entry(False, cwd),
            disk_bytes=bounds.disk_bytes,
            memory_bytes=bounds.memory_bytes or self.memory_bytes,
            copies=copies,
        )
        done = run_logged(*entry.command(argv), log_file=log_file, bounds=bounds)
        if done.returncode == ENTER_FAILED and FAILED in (said := read_tail(log_file, 2000)):
            raise _no_root(FAILED + said.rpartition(FAILED)[2])
        return replace(done, limit=done.limit or self._limit())

    def hand_over(self, *argv: str, privileged: bool = False, cwd: str = "/") -> int:
        """Run a program inside on the terminal, and return its exit status.

        It gets another terminal, so that it cannot type into the operator's shell.
        """
        return hand_over_pty(*self._entry(privileged, cwd).command(argv))

    def _limit(self) -> Limit | None:
        """The limit that ended the program, if the kernel or the setup process enforced one."""
        file = self.work / LIMIT
        return Limit(file.read_text()) if file.is_file() else None

    def _entry(self, privileged: bool, cwd: str) -> Entry:
        kept = (*INSTALLING, *([CHROOT] if self.may_chroot else []))
        home = "/root" if privileged else HOME
        return Entry(
            ids=id_range(),
            work=self.work,
            uid=0 if privileged else BUILD_UID,
            layers=self.layers,
            binds=self.binds,
            inner_binds=self.inner_binds,
            links=self.links,
            folders=(HOME, *(f"{HOME}/{name}" for name in _HOME_FOLDERS)) if self.has_home else (),
            capabilities=kept if privileged else (),
            has_network=self.has_network and not privileged,
            processes=self.processes,
            memory_bytes=self.memory_bytes,
            disk_bytes=self.disk_bytes,
            cwd=cwd,
            environment={**_ENVIRONMENT, "HOME": home, **self.environment},
        )


def _no_root(said: str) -> CommandError:
    """Return the error for a machine that does not let us make roots: no package is to blame."""
    reason = last_line(said).removeprefix(FAILED)
    return CommandError(
        f"cannot enter a build root on this machine: {reason}",
        hint="rdo doctor shows what is missing; a container needs rights for namespaces",
    )
