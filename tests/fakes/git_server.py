"""A git server on loopback that can be away, slow, or lie."""

import contextlib
import functools
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class GitServer:
    """Serves the `.git` folders below a folder over plain HTTP, as git's dumb protocol has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.delay = 0.0
        self.lies: dict[str, bytes] = {}
        self.status = 200
        handler = functools.partial(_Handler, self, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def publish(self) -> None:
        """Write the lists of refs that the protocol wants."""
        for repository in self.folder.glob("*/.git"):
            command = ["git", "-C", str(repository), "update-server-info"]
            subprocess.run(command, check=True)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, server: GitServer, *args: object, **kwargs: object) -> None:
        self.git = server
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # the base's own, passed on

    def do_GET(self) -> None:
        time.sleep(self.git.delay)
        path = self.path.partition("?")[0]
        if self.git.status != 200:
            self.send_error(self.git.status)
        elif path in self.git.lies:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.git.lies[path])
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def git_server(folder: Path) -> Iterator[GitServer]:
    served = GitServer(folder)
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.server.shutdown()
        thread.join()
        served.server.server_close()
