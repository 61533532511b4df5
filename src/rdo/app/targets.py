"""Open targets: the packages, published tree and state of each."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.app.depending import Depending
from rdo.errors import NotFoundError, did_you_mean
from rdo.model.nevra import Nevra
from rdo.model.package import Package
from rdo.model.repo_file import NOT_SIGNED, RepoSection, RepoTrust
from rdo.model.text.url import is_on_pypi
from rdo.publish.release_package import ReleasePackage, key_urls, release_sections
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.signing import Signer
from rdo.signing.ways import ByCommand, ByGpg, ByOwnKey, SigningWay
from rdo.store import Store
from rdo.store.work.builds import Build

if TYPE_CHECKING:
    from rdo.config import Settings
    from rdo.metadata import ReleasePackages


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTarget:
    """A configured target with its packages, its published tree and the store behind both.

    `folder` is `data/<target>`; `members` are the packages of the release as the metadata lists
    them. `is_developed` means that the release's status is "development".
    """

    name: str
    folder: Path
    packages: Mapping[str, Package]
    store: Store
    tree: Tree
    members: Members
    now: Callable[[], datetime]
    release: str = ""
    platform: str = ""
    is_developed: bool = True

    def package(self, name: str) -> Package:
        """Return the package with this name, or with a project or RPM of this name.

        Raises NotFoundError if the release has none, or several with that project or RPM.
        """
        if name in self.packages:
            return self.packages[name]
        found = [key for key, package in self.packages.items() if package.project == name]
        found = found or self._with_rpm(name)
        if len(found) == 1:
            return self.packages[found[0]]
        if found:
            raise NotFoundError(
                f"{name} is not one package of {self.name}", hint=f"name one: {', '.join(found)}"
            )
        known = [*self.packages, *(one.project for one in self.packages.values())]
        raise NotFoundError(f"{self.name} has no package {name}{did_you_mean(name, known)}")

    def _with_rpm(self, name: str) -> list[str]:
        """Return the packages whose newest good build has an RPM with this name or file name."""
        if name.endswith(".rpm"):
            with contextlib.suppress(ValueError):  # it is a name that only looks like a file name
                name = Nevra.parse(name).name
        with self.store.read() as at:
            found = at.artifacts.providing(self.name, {name})
        return sorted(package for package in found if package in self.packages)

    def members_now(self) -> Members:
        """Return the members, including which of them are held at this moment."""
        with self.store.read() as at:
            held = frozenset(at.holds.all(self.name))
        return replace(self.members, held=held)

    def git_urls(self) -> set[str]:
        """Return the git remotes whose mirrors the packages are built from."""
        urls = {url for package in self.packages.values() for url in package.remotes}
        return {url for url in urls if not is_on_pypi(url)}

    def build_folder(self, build: Build) -> Path:
        """Return the private folder of a build, with its logs and RPMs."""
        return self.folder / "builds" / str(build.id)


def site(settings: "Settings", target: str) -> Site:
    """Return the address of a target's published tree, and the content of its .repo files."""
    section = settings.target(target)
    return Site(
        target,
        settings.base_url,
        section.reponame,
        section.project_name,
        section.components,
        settings.tree_url(target),
    )


OWN_KEYS = "signing-keys"
"""The folder beside the tree with the keys that `rdo repo sign-key` makes for a target."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def signer(
    settings: "Settings", target: str, now: Callable[[], datetime] = _utc_now
) -> Signer | None:
    """Return the signer of a target; None if signing is not configured."""
    section, folder = settings.signing_of(target), settings.target_folder(target)
    if section is None:
        return None
    way: SigningWay
    if section.key and section.command and section.public_key:
        way = ByCommand(tuple(section.command), section.key, section.public_key)
    elif section.key:
        way = ByGpg(section.key, section.gpg_home)
    else:
        way = ByOwnKey(target, folder / OWN_KEYS)
    return Signer(
        target,
        way,
        folder / "repos",
        settings.tree_url(target),
        timeout_seconds=section.timeout_seconds,
        clock=now,
    )


def own_signer(
    settings: "Settings", target: str, now: Callable[[], datetime]
) -> tuple[Signer, ByOwnKey]:
    """Return the signer that would use the target's own key, and how that key is reached."""
    folder = settings.target_folder(target)
    way = ByOwnKey(target, folder / OWN_KEYS)
    return Signer(target, way, folder / "repos", settings.tree_url(target), clock=now), way


def open_tree(settings: "Settings", target: str, store: Store, now: Callable[[], datetime]) -> Tree:
    """Open the published tree of a target, without its packages."""
    folder, presented = settings.target_folder(target), site(settings, target)
    return Tree(folder, store, presented, clock=now, signer=signer(settings, target, now))


def open_target(
    settings: "Settings",
    target: str,
    found: "ReleasePackages",
    store: Store,
    now: Callable[[], datetime],
) -> OpenTarget:
    """Assemble a target from its settings, its packages and the store."""
    section, folder = settings.target(target), settings.target_folder(target)
    return OpenTarget(
        name=target,
        folder=folder,
        packages={package.name: package for package in found.packages},
        store=store,
        tree=open_tree(settings, target, store, now),
        members=Members(found.packages),
        now=now,
        release=section.release,
        platform=section.platform,
        is_developed=found.release.is_developed,
    )


def repositories(settings: "Settings", target: str, name: str) -> tuple[Path, ...]:
    """Return the folders that a name of a target points to now, one per component, if any."""
    repos = settings.target_folder(target) / "repos"
    links = [repos / name, *sorted(repos.glob(f"component/*/{name}"))]
    return tuple(link.resolve() for link in links if (link / "repodata").is_dir())


def release_package(
    settings: "Settings",
    target: str,
    name: str,
    *,
    is_pinned: bool = False,
    number: int = 1,
    url: str = "",
) -> ReleasePackage:
    """Return the `rdo-release` package for a name of a target; `url` is where hosts find the tree.

    For a signed target it contains all keys. It follows the names of the other targets that the
    target depends on, even if it is pinned itself. Raises NotFoundError if the name points nowhere
    yet, RefusedError if the repository was published before the target was signed.
    """
    presented = site(settings, target)
    if url:
        presented = replace(presented, tree_url=url.rstrip("/"))
    repos, release = settings.target_folder(target) / "repos", settings.target(target).release
    keys: dict[str, bytes] = {}
    trust = NOT_SIGNED
    if signs := signer(settings, target):
        signs.check()
        keys = {signs.key_name(one): text for one, text in signs.public_keys().items()}
        trust = RepoTrust(gpgcheck=True, repo_gpgcheck=True, gpgkey=key_urls(keys))
    sections = release_sections(presented, repos, release, name, is_pinned=is_pinned, trust=trust)
    others: list[RepoSection] = []
    for one in Depending(settings, target).followed():
        known = {}
        if signs := signer(settings, one.target):
            known = {signs.key_name(key): text for key, text in signs.public_keys().items()}
        asked = RepoTrust(bool(known), bool(known), key_urls(known))
        tree, tree_url = settings.target_folder(one.target) / "repos", settings.tree_url(one.target)
        label = f"{settings.target(one.target).project_name} {release}, {one.link} of {one.target}"
        section = one.section(f"openstack-{release}-{one.key}", label, tree, tree_url)
        others.append(section.trusting(asked))
        keys |= known
    return ReleasePackage(release, number, (*sections, *others), keys)
