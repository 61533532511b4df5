"""The distgits that this machine serves, put together from configuration and metadata."""

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
    """The distgits below `path`; the section [distgit-server] of rdo.toml says the rest."""

    app: App
    path: Path

    @property
    def section(self) -> DistgitServerSection:
        """The configuration; raises ConfigError if there is none."""
        section = self.app.settings.distgit_server
        if section is None:
            raise ConfigError(
                "no [distgit-server] is configured in rdo.toml",
                hint='say at least urls = ["URL below which packages have distgits here"]',
            )
        return section

    @property
    def folder(self) -> DistgitFolder:
        """The repositories; raises NotFoundError if there is no such folder."""
        if not self.path.is_dir():
            raise NotFoundError(f"{self.path} is no folder", hint=f"mkdir -p {self.path}")
        return DistgitFolder(self.path.resolve())

    def distgits(self) -> dict[str, ServedDistgit]:
        """Return the distgits that the metadata places here, by name."""
        return served_distgits(self.app.distribution, self.section.urls)

    def serving(self, asked: str, person: str = "", protocol: str = "") -> GitServing:
        """Return how a repository is served; raises NotFoundError if there is none."""
        _, place = self.folder.repository(asked)
        return GitServing(place, self.hooks(), person, protocol)

    def receiver(self, repository: Path) -> Receiver:
        """Return who judges a push to a repository, which is below the folder."""
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
        """Return the URLs by which packages may have a repository as their distgit."""
        name = repository.resolve().relative_to(self.folder.path)
        return tuple(f"{url.rstrip('/')}/{name}" for url in self.section.urls)

    def people(self) -> Sequence[PersonKey]:
        """Return the ssh keys of people; raises ConfigError for a bad file, or without one."""
        if self.section.keys is None:
            raise ConfigError('[distgit-server] has no "keys", the file of people\'s ssh keys')
        return read_people(self.section.keys)

    def authorized_keys(self) -> str:
        """Return the file that OpenSSH reads: each key may speak git with us, as its person."""
        lines = (
            one.authorized(self._command("shell", str(self.folder.path), "--person", one.address))
            for one in self.people()
        )
        return "".join(f"{line}\n" for line in lines)

    def hooks(self) -> GitHooks:
        """Return the hooks by which git asks us about a push."""
        command = shlex.join(self._command("hook", str(self.folder.path)))
        return GitHooks(self.folder.hooks, command)

    def _command(self, *words: str) -> tuple[str, ...]:
        """Return a command line of ours that depends on no environment."""
        file = self.app.configuration.file
        where = ("-C", str(file.parent.resolve())) if file else ()
        return (sys.executable, "-I", "-m", "rdo", "--quiet", *where, "distgit", *words)
