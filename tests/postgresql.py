"""A real PostgreSQL server on a socket of its own, for tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unpacked import libraries, unpacked


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a folder, which may be stopped and started again."""

    folder: Path
    programs: Path

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://rdo@/postgres?host={self.folder}"

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        self._run("pg_ctl", "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop it hard, as a crash does."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def make(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, _user())
        self._run("initdb", "--auth=trust", "--username=rdo", "--no-sync")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as the superuser, and return its rows."""
        command = [self.programs / "psql", "-h", self.folder, "-U", "rdo", "-d", database, "-tA"]
        done = subprocess.run(
            [*map(str, command), "-c", statement],
            check=True,
            capture_output=True,
            text=True,
            env=self._environment(),
        )
        return done.stdout.strip()

    def _run(self, program: str, *args: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *args]
        if os.geteuid() == 0:  # the server does not run as root
            group = pwd.getpwnam(_user()).pw_gid
            as_user = (f"--reuid={_user()}", f"--regid={group}", "--clear-groups")
            command = ["setpriv", *as_user, *command]
        subprocess.run(
            command,
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        return os.environ | {"LD_LIBRARY_PATH": libraries(self.programs.parents[4])}


@contextmanager
def running_server(*, is_fetched: bool = False) -> Iterator[Server]:
    """Run a server inside the block.

    Where PostgreSQL is not installed it is fetched, or the test is skipped.
    """
    programs = _programs(Path("/"))
    if not programs and not is_fetched:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="rdo-postgresql-"))
    try:
        if not programs:
            # a copy, because the server's user may not look into a checkout of root
            shutil.copytree(unpacked("postgresql"), folder / "unpacked", symlinks=True)
            programs = _programs(folder / "unpacked")
            assert programs
        server = Server(folder, programs)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _user() -> str:
    """Return the user that the server runs as if root starts it."""
    names = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _programs(root: Path) -> Path | None:
    """Return the folder with the programs of the newest server below a root."""
    found = (one.parent for one in root.glob("usr/lib/postgresql/*/bin/postgres"))
    return max(found, key=lambda one: float(one.parent.name), default=None)
