"""The package `rdo-release`: it brings the .repo file by which a host installs from a target."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.errors import ConfigError, NotFoundError
from rdo.model.repo_file import DEPENDENCIES, OWN, RepoSection, repo_file
from rdo.publish import references
from rdo.publish.site import Site

NAME = "rdo-release"
SOURCE_DATE = 1_577_836_800
"""The time of the package and its files, always the same: equal content gives equal bytes."""

_REPO_FILE = f"{NAME}.repo"
_SPEC = """\
Name: {name}
Version: {version}
Release: {number}%{{?dist}}
Summary: Repositories of the release {release}
License: Apache-2.0
Source0: {repo_file}
BuildArch: noarch

%description
The .repo file by which dnf installs packages of the release {release}.

%install
install -D -p -m 0644 %{{SOURCE0}} %{{buildroot}}%{{_sysconfdir}}/yum.repos.d/{repo_file}

%files
%config(noreplace) %{{_sysconfdir}}/yum.repos.d/{repo_file}
"""


@dataclass(frozen=True, slots=True)
class ReleasePackage:
    """What one `rdo-release` says; `number` is the Release of the RPM."""

    release: str
    number: int
    sections: tuple[RepoSection, ...]

    @property
    def version(self) -> str:
        """The release as a Version, which cannot have a dash."""
        return self.release.replace("-", "_")

    @property
    def repo_file(self) -> str:
        """The text of the .repo file."""
        return repo_file(self.sections)

    def write(self, folder: Path) -> Path:
        """Write the spec and its source into a folder; return the spec."""
        (folder / _REPO_FILE).write_text(self.repo_file)
        spec = folder / f"{NAME}.spec"
        spec.write_text(
            _SPEC.format(
                name=NAME,
                version=self.version,
                number=self.number,
                release=self.release,
                repo_file=_REPO_FILE,
            )
        )
        return spec


def release_sections(
    site: Site, repos: Path, release: str, name: str, *, is_pinned: bool = False
) -> tuple[RepoSection, ...]:
    """Return the repositories of a host that follows a name of the tree, best ones first.

    Pinned, they stay at what the name leads to now, with the dependencies of that time. The first
    is `openstack-<release>`, the id that packstack asks for; with components each has its own.
    Raises NotFoundError if the name leads nowhere yet, ConfigError for a release or component
    that cannot be part of a repository's id.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", release):
        raise ConfigError(f"release {release!r} cannot be the version of a package")
    links = [repos / name, *sorted(repos.glob(f"component/*/{name}"))]
    links = [link for link in links if references.has_repodata(link)]
    if not links:
        raise NotFoundError(
            f"{site.target} has no repository {name} yet", hint="rdo trunk run builds and publishes"
        )
    sections = []
    for link in links:
        component = link.parent.name if link.parent != repos else ""
        repo_id = f"openstack-{release}" + (f"-{component}" if component else "")
        place = link.resolve() if is_pinned else link
        path = PurePosixPath(place.relative_to(repos.resolve() if is_pinned else repos))
        label = f"{site.project_name} {release}{f' {component}' if component else ''}, {path}"
        sections.append(RepoSection(repo_id, label, (site.url(path),), priority=OWN))
    return (*sections, *_dependencies(site, repos, release, links, is_pinned=is_pinned))


def _dependencies(
    site: Site, repos: Path, release: str, links: list[Path], *, is_pinned: bool
) -> tuple[RepoSection, ...]:
    """Return the repository of what the packages need besides each other; none if nothing is."""
    current = repos / "deps/current"
    if not current.exists():
        return ()
    folder = "current"
    if is_pinned:
        named = frozenset[str]().union(*(references.snapshots(link) for link in links))
        folder = next(iter(named)) if len(named) == 1 else current.resolve().name
    path = PurePosixPath("deps", folder)
    label = f"{site.project_name} {release}, {path}"
    repo_id = f"openstack-{release}-deps"
    return (RepoSection(repo_id, label, (site.url(path),), priority=DEPENDENCIES),)


def offer(rpm: Path, repos: Path) -> Path:
    """Put the RPM at the top of a tree, under a name that stays; return its place."""
    place = repos / f"{NAME}.rpm"
    atomic.write_file(place, rpm.read_bytes())
    return place
