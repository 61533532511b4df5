"""The package `rdo-release`, which installs the .repo file of a target on a host."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.repo_file import (
    DEPENDENCIES,
    MIRRORLIST,
    NOT_SIGNED,
    OWN,
    RepoSection,
    RepoTrust,
    mirrorlist,
    repo_file,
)
from rdo.publish import references
from rdo.publish.references import is_signed
from rdo.publish.site import Site

NAME = "rdo-release"
SOURCE_DATE = 1_577_836_800
"""The time of the package and its files, always the same: equal content gives equal bytes."""

_REPO_FILE = f"{NAME}.repo"
_KEYS = "/etc/pki/rpm-gpg"
_SPEC = """\
Name: {name}
Version: {version}
Release: {number}%{{?dist}}
Summary: Repositories of the release {release}
License: Apache-2.0
Source0: {repo_file}
{key_sources}BuildArch: noarch

%description
The .repo file by which dnf installs packages of the release {release}.

%install
install -D -p -m 0644 %{{SOURCE0}} %{{buildroot}}%{{_sysconfdir}}/yum.repos.d/{repo_file}
{key_installs}
%files
{key_files}%config(noreplace) %{{_sysconfdir}}/yum.repos.d/{repo_file}
"""


@dataclass(frozen=True, slots=True)
class ReleasePackage:
    """The content of one `rdo-release`; `number` is the Release of the RPM.

    `keys` are the public keys in it: texts by file name.
    """

    release: str
    number: int
    sections: tuple[RepoSection, ...]
    keys: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The release as a Version, which cannot contain a dash."""
        return self.release.replace("-", "_")

    @property
    def repo_file(self) -> str:
        """The text of the .repo file."""
        return repo_file(self.sections)

    def write(self, folder: Path) -> Path:
        """Write the spec and its sources into a folder; return the spec."""
        (folder / _REPO_FILE).write_text(self.repo_file)
        for name, text in self.keys.items():
            (folder / name).write_bytes(text)
        spec = folder / f"{NAME}.spec"
        spec.write_text(
            _SPEC.format(
                name=NAME,
                version=self.version,
                number=self.number,
                release=self.release,
                repo_file=_REPO_FILE,
                key_sources=_lines(
                    f"Source{number}: {name}" for number, name in enumerate(self.keys, 1)
                ),
                key_installs=_lines(
                    f"install -D -p -m 0644 %{{SOURCE{number}}} %{{buildroot}}{_KEYS}/{name}"
                    for number, name in enumerate(self.keys, 1)
                ),
                key_files=_lines(f"{_KEYS}/{name}" for name in self.keys),
            )
        )
        return spec


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def key_urls(names: Iterable[str]) -> tuple[str, ...]:
    """Return the URLs that keys with these file names have on a host with the package."""
    return tuple(f"file://{_KEYS}/{name}" for name in names)


def release_sections(
    site: Site,
    repos: Path,
    release: str,
    name: str,
    *,
    is_pinned: bool = False,
    trust: RepoTrust = NOT_SIGNED,
) -> tuple[RepoSection, ...]:
    """Return the repositories of a host that follows a name of the tree, best ones first.

    If pinned, they stay at what the name points to now, with the dependencies of that time. The
    first is `openstack-<release>`, the id that packstack expects; with components each has its own
    id. If `trust` requires signatures, all repositories must have them; a RefusedError names one
    that does not. Raises NotFoundError if the name points nowhere yet, ConfigError for a release or
    component that cannot be part of a repository's id.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", release):
        raise ConfigError(f"release {release!r} cannot be the version of a package")
    links = [repos / name, *sorted(repos.glob(f"component/*/{name}"))]
    links = [link for link in links if references.has_repodata(link)]
    if not links:
        raise NotFoundError(
            f"{site.target} has no repository {name} yet", hint="rdo trunk run builds and publishes"
        )
    places: dict[PurePosixPath, RepoSection] = {}
    for link in links:
        component = link.parent.name if link.parent != repos else ""
        repo_id = f"openstack-{release}" + (f"-{component}" if component else "")
        place = link.resolve() if is_pinned else link
        path = PurePosixPath(place.relative_to(repos.resolve() if is_pinned else repos))
        label = f"{site.project_name} {release}{f' {component}' if component else ''}, {path}"
        places[path] = _found_by(
            repos, site, path, RepoSection(repo_id, label, priority=OWN), is_pinned=is_pinned
        )
    if deps := _dependencies(repos, links, is_pinned=is_pinned):
        label, repo_id = f"{site.project_name} {release}, {deps}", f"openstack-{release}-deps"
        section = RepoSection(repo_id, label, priority=DEPENDENCIES)
        places[deps] = _found_by(repos, site, deps, section, is_pinned=is_pinned)
    if trust.repo_gpgcheck:
        for path in places:
            _check_signed(repos / path, path, site)
    return tuple(section.trusting(trust) for section in places.values())


def _found_by(
    repos: Path, site: Site, path: PurePosixPath, section: RepoSection, *, is_pinned: bool
) -> RepoSection:
    """Return the section with the address by which a host finds a path of the tree.

    A host that follows a name asks only once where it points, so that it never meets a move between
    two requests. This does not work if the tree is served at another address than its files
    contain.
    """
    place, file = (repos / path).resolve(), repos / path / MIRRORLIST
    said = file.read_text() if file.is_file() and not is_pinned else ""
    if said.startswith(mirrorlist(site.url(PurePosixPath(place.relative_to(repos.resolve()))))):
        return replace(section, mirrorlist=f"{site.url(path)}/{MIRRORLIST}")
    return replace(section, baseurl=(site.url(path),))


def _check_signed(directory: Path, path: PurePosixPath, site: Site) -> None:
    """Raise RefusedError for a repository of which dnf would refuse a part as not signed."""
    if not is_signed(directory, site.reponame):
        raise RefusedError(
            f"{path} of {site.target} is not signed: it was published before the target was",
            hint=f"rdo repo sign --target {site.target}",
        )


def _dependencies(repos: Path, links: list[Path], *, is_pinned: bool) -> PurePosixPath | None:
    """Return the dependency repository of the packages; None if there is none."""
    current = repos / "deps/current"
    if not current.exists():
        return None
    folder = "current"
    if is_pinned:
        named = frozenset[str]().union(*(references.snapshots(link) for link in links))
        folder = next(iter(named)) if len(named) == 1 else current.resolve().name
    return PurePosixPath("deps", folder)


def offer(rpm: Path, repos: Path) -> Path:
    """Put the RPM at the top of a tree, under a name that never changes; return its path."""
    place = repos / f"{NAME}.rpm"
    atomic.write_file(place, rpm.read_bytes())
    return place
