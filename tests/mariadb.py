"""A real MariaDB server on a socket of its own, for tests; it lets everybody in."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.unpacked import libraries, unpacked


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server with an empty database inside the block, and yield the URL of the database."""
    root = Path("/") if Path("/usr/sbin/mariadbd").exists() else unpacked("mariadb-server-core")
    with tempfile.TemporaryDirectory(prefix="rdo-mariadb-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        socket = folder / "socket"
        with (folder / "log").open("w") as log, _server(root, folder, log.fileno()) as server:
            try:
                _wait(server, socket, folder / "log")
                where = f"unix_socket={socket}&charset=utf8mb4"
                engine = create_engine(f"mysql+pymysql://rdo@localhost/?{where}")
                with engine.connect() as connection:
                    connection.execute(text("CREATE DATABASE dlrn CHARACTER SET utf8mb4"))
                engine.dispose()
                yield f"mysql+pymysql://rdo@localhost/dlrn?{where}"
            finally:
                server.terminate()


def _server(root: Path, folder: Path, log: int) -> "subprocess.Popen[bytes]":
    options = [
        f"--basedir={root}/usr",
        f"--datadir={folder}/data",
        f"--socket={folder}/socket",
        f"--pid-file={folder}/pid",
        *("--skip-networking", "--skip-grant-tables"),
    ]
    if os.geteuid() == 0:
        options.append("--user=root")  # who owns the folder
    return subprocess.Popen(
        [str(root / "usr/sbin/mariadbd"), "--no-defaults", *options],
        stdout=log,
        stderr=log,
        env=os.environ | {"LD_LIBRARY_PATH": libraries(root)},
    )


def _wait(server: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    while not socket.exists():
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"MariaDB does not start: {log.read_text()[-2000:]}")
