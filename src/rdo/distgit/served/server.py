"""The distgits that this machine serves, assembled from configuration and metadata."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.app import App
from rdo.config.distgit_server import DistgitServerSection
from rdo.distgit.served.folder import DistgitFolder
from rdo.distgit.served.ownership import ServedDistgit, served_distgits
from rdo.distgit.served.people import PersonKey, read_people
from rdo.distgit.served.receiving import Receiver
from rdo.distgit.served.source_caches import cache_of
from rdo.errors import ConfigError, NotFoundError
from rdo.roots.platform.spec_macros import spec_macros
from rdo.tools.git.pushed import PushedCommits
from rdo.tools.git.serving import GitHooks, GitServing
from rdo.tools.rpm.rpmspec import Rpmspec


@dataclass(frozen=True, slots=True)
class DistgitServer:
    """The distgits below `path`, served as the section [distgit-server] of rdo.toml says."""

    app: App
    path: Path

    @property
    def section(self) -> DistgitServerSection:
        """The section in rdo.toml; raises ConfigError if there is none."""
        section = self.app.settings.distgit_server
        if section is None:
            raise ConfigError(
                "no [distgit-server] is configured in rdo.toml",
                hint='set at least urls = ["base URL of the distgits that are served here"]',
            )
        return section

    @property
    def folder(self) -> DistgitFolder:
        """The folder with the repositories; raises NotFoundError if it does not exist."""
        if not self.path.is_dir():
            raise NotFoundError(f"{self.path} is not a folder", hint=f"mkdir -p {self.path}")
        return DistgitFolder(self.path.resolve())

    def distgits(self) -> dict[str, ServedDistgit]:
        """Return the distgits that are served here according to the metadata, by name."""
        return served_distgits(self.app.distribution, self.section.urls)

    def serving(self, asked: str, person: str = "", protocol: str = "") -> GitServing:
        """Return an object that serves a repository; NotFoundError if it does not exist."""
        _, place = self.folder.repository(asked)
        return GitServing(place, self.hooks(), person, protocol)

    def receiver(self, repository: Path) -> Receiver:
        """Return the object that checks pushes to a repository, given its path in the folder."""
        name = str(repository.resolve().relative_to(self.folder.path)).removesuffix(".git")
        return Receiver(
            name,
            PushedCommits(repository),
            self.distgits().get(name),
            self.section.admins,
            cache_of(self.section, name),
            Rpmspec(macros=spec_macros()),
        )

    def urls_of(self, repository: Path) -> tuple[str, ...]:
        """Return the URLs under which packages may name a repository as their distgit."""
        name = repository.resolve().relative_to(self.folder.path)
        return tuple(f"{url.rstrip('/')}/{name}" for url in self.section.urls)

    def people(self) -> Sequence[PersonKey]:
        """Return people's ssh keys; raises ConfigError if the file is bad or not set."""
        if self.section.keys is None:
            raise ConfigError('[distgit-server] has no "keys", the file of people\'s ssh keys')
        return read_people(self.section.keys)

    def authorized_keys(self) -> str:
        """Return the text of authorized_keys: each key may only speak git, as its person."""
        lines = (
            one.authorized(self._command("shell", str(self.folder.path), "--person", one.address))
            for one in self.people()
        )
        return "".join(f"{line}\n" for line in lines)

    def hooks(self) -> GitHooks:
        """Return the hooks through which git asks us about a push."""
        command = shlex.join(self._command("hook", str(self.folder.path)))
        return GitHooks(self.folder.hooks, command)

    def _command(self, *words: str) -> tuple[str, ...]:
        """Return a command line for rdo that depends on no environment variable."""
        file = self.app.configuration.file
        where = ("-C", str(file.parent.resolve())) if file else ()
        return (sys.executable, "-I", "-m", "rdo", "--quiet", *where, "distgit", *words)
