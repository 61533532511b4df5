"""A real server on loopback for the factory of a test."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from starlette.types import ASGIApp

from rdo.access.accounts import Accounts
from rdo.access.roles import ALL_TARGETS, Role
from rdo.app import App
from rdo.web.application import application
from rdo.web.service import WebServer
from rdo.web.serving import configuration, listen
from tests.databases import database_of
from tests.patience import PATIENCE
from tests.publishing import TARGET

CONFIG = """\
data = "data"
base-url = "https://trunk.example.test"
database = "{database}"
[metadata]
source = "info"
[targets.{target}]
release = "master"
platform = "deb12-x86_64"
components = {components}
[targets.other-deb12]
release = "master"
platform = "deb12-x86_64"
{more}
"""


INFO = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - {name: deb12, distrepos: []}
package-default:
  name: "%(project)s"
  distro-branch: rpm-master
  maintainers: [me@example.test]
  upstream: "https://git.example.test/%(project)s"
  master-distgit: "https://git.example.test/%(project)s-distgit"
packages:
- {project: python-a, tags: {master: }}
- {project: python-b, tags: {master: }}
- {project: python-c, tags: {master: }}
"""


@dataclass(frozen=True)
class Served:
    """A running server."""

    service: WebServer
    url: str

    @property
    def app(self) -> App:
        return self.service.app

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.app.store, self.app.settings.targets, "the test", self.app.now())

    def token(self, role: Role, target: str = ALL_TARGETS, name: str = "") -> str:
        """Add a user with a role, and return a token of it."""
        user = name or f"a-{role}"
        self.accounts.add(user, {target: role})
        return self.accounts.new_token(user).token

    def client(self, token: str = "", target: str = TARGET) -> httpx.Client:
        """A client of one target."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=f"{self.url}/{target}", headers=headers, trust_env=False, timeout=PATIENCE
        )


@contextlib.contextmanager
def served(
    root: Path,
    *,
    components: bool = False,
    more: str = "",
    target_more: str = "",
    info: str = INFO,
) -> Iterator[Served]:
    """Serve the factory of `tests.publishing` that is in a folder."""
    (root / "info").mkdir(exist_ok=True)
    (root / "info/rdo.yml").write_text(info)
    text = CONFIG.format(
        database=database_of(root), target=TARGET, components=str(components).lower(), more=more
    )
    text = text.replace("[targets.other", f"{target_more}\n[targets.other", 1)
    (root / "rdo.toml").write_text(text)
    with serving(App(root)) as made:
        yield made


@contextlib.contextmanager
def serving(app: App) -> Iterator[Served]:
    """Serve all targets of a configuration."""
    service = WebServer(app, list(app.settings.targets))
    with contextlib.closing(app), running(application(service)) as url:
        yield Served(service, url)


@contextlib.contextmanager
def running(served: ASGIApp) -> Iterator[str]:
    """Serve an application on loopback, and yield its address."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(configuration(served))
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join(timeout=60)
