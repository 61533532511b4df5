"""A git server on loopback that can be absent or slow, ask for a password, or send wrong data."""

import base64
import contextlib
import functools
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class GitServer:
    """Serves the `.git` folders below a folder over plain HTTP, as git's dumb protocol has it.

    `login` (`user:password`) is asked for, if it is set; `logins` are those that clients sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.delay = 0.0
        self.lies: dict[str, bytes] = {}
        self.status = 200
        self.login = ""
        self.logins: list[str] = []
        handler = functools.partial(_Handler, self, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def url_with(self, login: str) -> str:
        """The URL with a user, or a user and a password."""
        return self.url.replace("://", f"://{login}@")

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
        if not self._is_let_in():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
        elif self.git.status != 200:
            self.send_error(self.git.status)
        elif path in self.git.lies:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.git.lies[path])
        else:
            super().do_GET()

    def _is_let_in(self) -> bool:
        sent = self.headers.get("Authorization", "").removeprefix("Basic ")
        login = base64.b64decode(sent).decode()
        self.git.logins += [login] if login else []
        return login == self.git.login if self.git.login else True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


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
