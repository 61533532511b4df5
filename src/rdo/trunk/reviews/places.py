"""The configured review servers, and what a change there means for a target."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rdo.config import Settings
from rdo.config.forges import ReviewSection
from rdo.errors import ConfigError, NotFoundError
from rdo.forges.addresses import place_of
from rdo.forges.gerrit import Gerrit
from rdo.forges.github import GitHub
from rdo.forges.gitlab import GitLab
from rdo.forges.rest import RestServer
from rdo.forges.reviews import ReviewServer
from rdo.model.package import Package
from rdo.model.review import Change
from rdo.trunk.scratch import ScratchRequest
from rdo.trunk.sources.unmerged import OpenChange

log = logging.getLogger(__name__)

_GITHUB = "https://github.com"


@dataclass(frozen=True, slots=True)
class ConfiguredForge:
    """A review server as configured, and the client for it."""

    name: str
    section: ReviewSection
    server: ReviewServer

    def has_project(self, project: str) -> bool:
        """Whether changes of a project are built."""
        patterns = self.section.projects or ["*"]
        return any(fnmatchcase(project, pattern) for pattern in patterns)

    def remotes_of(self, project: str) -> set[str]:
        """Return the possible URLs of a project's repository, in the form of `place_of`."""
        urls = self.section.repositories or [self.section.url]
        return {place_of(f"{url.rstrip('/')}/{project}") for url in urls}

    def requests(self, change: Change, packages: Mapping[str, Package]) -> list[ScratchRequest]:
        """Return the packages that a change belongs to, and on which side of each."""
        places = self.remotes_of(change.id.project)
        url = self.server.git_url(change.id.project)
        side = OpenChange(url, change.ref, change.revision)
        found = []
        for name, package in packages.items():
            is_source = any(place_of(one) in places for one in package.upstreams)
            is_distgit = place_of(package.distgit) in places
            if is_source or is_distgit:
                asked = side if is_source else None
                found.append(ScratchRequest(name, asked, side if is_distgit else None))
        return found


def review_places(settings: Settings) -> dict[str, ConfiguredForge]:
    """Return all configured review servers."""
    return {name: _place(name, section) for name, section in settings.reviews.items()}


def review_place(settings: Settings, name: str) -> ConfiguredForge | None:
    """Return one configured review server; None if there is none with this name."""
    section = settings.reviews.get(name)
    return _place(name, section) if section else None


def place_at(places: Iterable[ConfiguredForge], url: str) -> tuple[ConfiguredForge, str, int]:
    """Return the server of a URL, with project and number of the change there.

    Raises NotFoundError for a URL on a server that is not configured.
    """
    for place in places:
        if found := place.server.number_in(url):
            return place, *found
    raise NotFoundError(
        f"{url[:200]} is not a change on a server that is configured",
        hint="see the sections [reviews.NAME] of rdo.toml",
    )


def _place(name: str, section: ReviewSection) -> ConfiguredForge:
    return ConfiguredForge(name, section, _server(name, section))


def _server(name: str, section: ReviewSection) -> ReviewServer:
    secret = _secret(name, section.password_file) if section.password_file else ""
    match section.kind:
        case "gerrit":
            login = (section.user, secret) if section.user and secret else None
            return Gerrit(name, RestServer(name, section.url, {}, login), section.label)
        case "gitlab":
            headers = {"PRIVATE-TOKEN": secret} if secret else {}
            return GitLab(name, RestServer(name, section.url, headers))
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    headers |= {"X-GitHub-Api-Version": "2022-11-28"}
    is_public = section.url.rstrip("/") == _GITHUB
    api = "https://api.github.com" if is_public else f"{section.url.rstrip('/')}/api/v3"
    return GitHub(name, section.url, RestServer(name, section.api_url or api, headers))


def _secret(name: str, file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(f"[reviews.{name}] password-file {file}: {said}") from error
