import contextlib
import functools
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.as_root import AS_ROOT
from tests.publishing import TARGET, Factory, RpmShelf, factory, package


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> RpmShelf:
    return RpmShelf(tmp_path_factory.mktemp("rpms"))


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with the members python-a, python-b and python-new, the last under review."""
    review = package("python-new", tags=frozenset({"under-review"}))
    with factory(tmp_path, shelf, package("python-a"), package("python-b"), review) as opened:
        yield opened


Dnf = Callable[..., str]


@dataclass
class Meanwhile:
    """Acts of the factory before each answer to a client."""

    act: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, meanwhile: Meanwhile, **more: Any) -> None:
        self.meanwhile = meanwhile
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        with self.meanwhile.lock:
            self.meanwhile.act()
        super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def meanwhile() -> Meanwhile:
    return Meanwhile()


@contextlib.contextmanager
def serving_by(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on loopback; return the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def data_url(tmp_path: Path, meanwhile: Meanwhile) -> Iterator[str]:
    """The folder `data` as a web server shows it."""
    (tmp_path / "data").mkdir(exist_ok=True)
    handler = functools.partial(Handler, directory=str(tmp_path / "data"), meanwhile=meanwhile)
    with serving_by(handler) as url:
        yield url


@pytest.fixture
def served(tmp_path: Path, data_url: str, shelf: RpmShelf) -> Iterator[Factory]:
    """A tree with python-a, and python-b whose RPM needs it."""
    members = (package("python-a"), package("python-b"))
    with factory(tmp_path, shelf, *members, base_url=data_url) as made:
        made.publish("python-a", "a1")
        made.publish("python-b", "b1", requires=("python3-a >= 1.0",))
        yield made


@pytest.fixture
def dnf(tmp_path: Path) -> Dnf:
    """dnf with a root, a cache and repositories of its own."""
    root = tmp_path / "root"

    def run(*args: str) -> str:
        command = [
            *AS_ROOT,
            "dnf",
            "--quiet",
            "--assumeyes",
            f"--installroot={root}",
            "--releasever=1",
            "--nogpgcheck",
            f"--setopt=cachedir={tmp_path / 'cache'}",
            f"--setopt=reposdir={tmp_path / 'repos.d'}",
            "--setopt=pluginpath=/usr/lib/python3/dist-packages/dnf-plugins",
            "--disableplugin=local",  # it keeps what other tests have installed
            "--setopt=*.skip_if_unavailable=False",
            *args,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "repos.d").mkdir()
    return run


@pytest.fixture
def promoted(served: Factory) -> str:
    """The URL of the name `tested`, which leads to a composed repository without the newest a."""
    served.publish("python-a", "a2", "1.1")
    served.publish("python-b", "b2", "1.1", requires=("python3-a",))
    composed = served.tree.compose([1, 4], served.members)
    served.tree.promote("tested", composed, by="me", why="all but python-a")
    assert served.leads("tested").startswith("composed/")
    return f"{served.tree.site.base_url}/{TARGET}/repos/tested"
