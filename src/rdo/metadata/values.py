"""The values that the rest of rdo gets from the metadata, instead of its tree."""

from dataclasses import dataclass
from enum import StrEnum

from rdo.model.package import Package


class ReleaseStatus(StrEnum):
    """The phase of a release's life."""

    DEVELOPMENT = "development"
    MAINTAINED = "maintained"
    EXTENDED_MAINTENANCE = "extended_maintenance"
    EOL = "eol"


@dataclass(frozen=True, slots=True)
class DistRepo:
    """A yum repository of a release; some have a name only."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class ReleaseRepo:
    """A release on one base OS (`el10s`): its distgit branch, build system and repositories."""

    name: str
    branch: str
    buildsys: str | None = None
    buildsys_tags: tuple[str, ...] = ()
    distrepos: tuple[DistRepo, ...] = ()
    special: object = None


@dataclass(frozen=True, slots=True)
class Release:
    """A release series; `branch` is the distgits' branch, `upstream_branch` the upstreams'."""

    name: str
    branch: str | None
    upstream_branch: str | None
    status: str | None
    identifier: str | None
    tags_map: str | None
    repos: tuple[ReleaseRepo, ...]

    @property
    def is_developed(self) -> bool:
        """Whether the release is the one in development."""
        return self.status == ReleaseStatus.DEVELOPMENT


@dataclass(frozen=True, slots=True)
class ReleasePackages:
    """A release's packages in the metadata's order, each resolved for it.

    `tag` selected them: the release's name, or `<release>-uc`. `repo` is None if no base OS was
    given.
    """

    release: Release
    tag: str
    repo: ReleaseRepo | None
    packages: tuple[Package, ...]
