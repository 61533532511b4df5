"""A real PostgreSQL server on a socket of its own, for tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]

_AS_POSTGRES = (
    ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
    if os.geteuid() == 0  # the server does not run as root
    else ()
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a folder, which may be stopped and started again."""

    folder: Path

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
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "--auth=trust", "--username=rdo", "--no-sync")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as the superuser, and return its rows."""
        command = [PROGRAMS[0] / "psql", "-h", self.folder, "-U", "rdo", "-d", database, "-tA"]
        done = subprocess.run(
            [*map(str, command), "-c", statement], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def _run(self, program: str, *args: str) -> None:
        place = str(PROGRAMS[0] / program)
        command = (*_AS_POSTGRES, place, "-D", str(self.folder / "data"), *args)
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)


@contextmanager
def running_server() -> Iterator[Server]:
    """Run a server inside the block; the test is skipped where there is none."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="rdo-postgresql-"))
    try:
        server = Server(folder)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
