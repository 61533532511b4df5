"""The base layer of a dnf platform: a small tree of an RPM distribution, and its repositories.

The host's dnf chooses and downloads the packages. They are unpacked first, without running
anything, and then the rpm among them really installs them. So the database has the format and path
that the distribution expects, users are made by the distribution's own rpm, and scriptlets run in a
namespace without network.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from rdo import lock
from rdo.checksum import sha256_of
from rdo.errors import ConfigError, OutsideError, RefusedError
from rdo.model.platform import BaseRepository, Platform
from rdo.model.text.url import without_secret
from rdo.roots.build_user import add_build_user
from rdo.solver import Chosen, SolverRepository
from rdo.tools.rpm.dnf import Dnf
from rdo.tools.rpm.unpacking import Rpm
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

log = logging.getLogger(__name__)

VERSION = 1
"""Increase this when a change here makes a different base layer from the same definition."""

PRIORITY = 100
"""Added to a base repository's own priority, so that installed and built packages are preferred."""

_NAME = "platform-"
"""Prefix of a base repository's name, because that name may be any word, such as `base`."""

_GIVEN = "given-"
"""Prefix of the names of repositories that are given to a command by URL."""

_PROTOCOLS = ("http", "https", "file")
_VISIBLE = "visible.txt"
_TREE = "/new"
_RPMS = "/rpms"
_NEEDED = ("usr/bin/rpm", "usr/bin/rpmbuild", "usr/bin/bash")


def fetch_metadata(platform: Platform, folder: Path) -> str:
    """Fetch the current metadata of the repositories into `folder/dnf`; return a digest of it."""
    dnf = Dnf(platform, folder / "dnf")
    log.info("fetching the metadata of %s", ", ".join(one.name for one in platform.repositories))
    dnf.refresh()
    contents = sha256()
    for one in platform.repositories:
        metadata = dnf.metadata(one)
        contents.update((metadata / "repodata/repomd.xml").read_bytes())
        if one.exclude or any(metadata.glob("repodata/*-modules.yaml*")):
            names = sorted(dnf.visible(one))
            (metadata / _VISIBLE).write_text("".join(f"{name}\n" for name in names))
    return contents.hexdigest()


def check_urls(urls: Sequence[str]) -> None:
    """Raise RefusedError for a text that is not the URL of a repository."""
    for url in urls:
        protocol, separator, _ = url.partition("://")
        if not separator or protocol not in _PROTOCOLS or not url.isprintable() or " " in url:
            raise RefusedError(
                f"not the URL of a repository: {url!r}", hint=f"use {', '.join(_PROTOCOLS)}"
            )


def repositories_at(
    urls: Sequence[str], platform: Platform, folder: Path, *, priority: int
) -> "BaseRepositories":
    """Fetch the metadata of repositories by their URLs into `folder`, and return them.

    Their RPMs are not checked for signatures. Raises RefusedError for a text that is not the URL of
    a repository, OutsideError if one cannot be read.
    """
    check_urls(urls)
    rows = tuple(
        BaseRepository(f"repo{number}", (url,), gpgcheck=False, priority=0)
        for number, url in enumerate(urls)
    )
    given = replace(platform, name="--repo", repositories=rows, module_platform_id="")
    folder.mkdir(parents=True, exist_ok=True)
    found = BaseRepositories(given, folder, folder / "rpms", _GIVEN, priority)
    log.info("fetching the metadata of %s", ", ".join(map(without_secret, urls)))
    try:
        Dnf(given, folder / "dnf").refresh()
    except OutsideError as error:
        which = next((n for n in range(len(urls)) if f"repository repo{n} " in str(error)), None)
        if which is None:
            raise
        why = str(error).rpartition(f"from {urls[which]}: ")[2]
        raise OutsideError(
            f"cannot read the repository {urls[which]}: {why}",
            hint="check the network and the URL; its repodata/repomd.xml must be there",
        ) from error
    return found


def create(platform: Platform, folder: Path) -> None:
    """Make `folder/tree` and its packages in `folder/rpms` from the metadata in `folder/dnf`.

    Raises ConfigError if the packages of the definition do not include rpmbuild and bash.
    """
    rpms = Dnf(platform, folder / "dnf").download_closure(platform.packages, folder / "rpms")
    log.info("installing %d packages", len(rpms))
    bootstrap, tree = folder / "bootstrap", folder / "tree"
    bootstrap.mkdir()
    Rpm().unpack_together(rpms, bootstrap)
    if lacking := [name for name in _NEEDED if not (bootstrap / name).exists()]:
        raise ConfigError(
            f"the packages of platform {platform.name} do not contain /{', /'.join(lacking)}",
            hint="add rpm-build and bash to `packages` in its definition",
        )
    _install(tree, bootstrap, rpms)
    remove_tree(bootstrap)
    add_build_user(tree)


def _install(tree: Path, bootstrap: Path, rpms: list[Path]) -> None:
    """Install the RPMs into the new `tree`, using the distribution's own rpm in `bootstrap`."""
    tree.mkdir()
    work = bootstrap.with_name("work")
    root = Root(
        (bootstrap,),
        work,
        (
            Bind(tree, _TREE, writable=True),
            Bind(rpms[0].parent, _RPMS),
        ),
        inner_binds=(("/dev", f"{_TREE}/dev"), ("/proc", f"{_TREE}/proc")),
        may_chroot=True,
    )
    root.ask(
        *("rpm", "--root", _TREE, "--install", "--nodeps", "--nosignature"),
        *(f"{_RPMS}/{path.name}" for path in rpms),
        privileged=True,
        timeout=3600,
    )
    remove_tree(work)


@dataclass(frozen=True, slots=True)
class BaseRepositories:
    """The content of a platform's base repositories at the time its base layer was made.

    `folder` belongs to the base layer; `rpms` is the cache of downloaded RPMs, by their sha256. For
    the solver their names begin with `prefix`, and `priority` is added to the priority of each.
    """

    platform: Platform
    folder: Path
    rpms: Path
    prefix: str = _NAME
    priority: int = PRIORITY

    @property
    def for_solver(self) -> tuple[SolverRepository, ...]:
        """The repositories in the form that the solver takes."""
        return tuple(self._for_solver(one) for one in self.platform.repositories)

    def _for_solver(self, one: BaseRepository) -> SolverRepository:
        metadata, priority = self._dnf.metadata(one), self.priority + one.priority
        visible = metadata / _VISIBLE
        return SolverRepository(
            f"{self.prefix}{one.name}",
            metadata,
            priority,
            visible=visible if visible.is_file() else None,
        )

    @property
    def _dnf(self) -> Dnf:
        return Dnf(self.platform, self.folder / "dnf")

    def fetch(self, packages: Iterable[Chosen]) -> list[Chosen]:
        """Download the packages from these repositories, and return all with their paths.

        Packages from other repositories are returned unchanged. Raises OutsideError if an RPM
        differs from its metadata, RefusedError if it is not signed by the repository's key.
        """
        chosen = list(packages)
        ours = {one for one in chosen if one.repository.startswith(self.prefix)}
        lacking = [one for one in chosen if one in ours and not self._place(one).exists()]
        if lacking:
            purpose = f"downloading for {self.platform.name}"
            with lock.hold(self.rpms / "download.lock", purpose=purpose, wait=True):
                self._download([one for one in lacking if not self._place(one).exists()])
        return [replace(one, path=self._place(one)) if one in ours else one for one in chosen]

    def _place(self, one: Chosen) -> Path:
        return self.rpms / f"{one.sha256}.rpm"

    def _download(self, packages: list[Chosen]) -> None:
        log.info("downloading %s", ", ".join(one.nevra for one in packages))
        new = self.rpms / ".new"
        remove_tree(new)
        dnf = self._dnf
        dnf.download([one.nevra for one in packages], new)
        found = {sha256_of(path): path for path in new.glob("*.rpm")}
        checked = {f"{self.prefix}{one.name}" for one in self.platform.repositories if one.gpgcheck}
        for one in packages:
            path = found.get(one.sha256)
            if path is None:
                raise OutsideError(
                    f"{one.nevra} from {one.repository} does not match its metadata",
                    hint=f"rdo platform create {self.platform.name} --refresh",
                )
            if one.repository in checked and not dnf.is_genuine(path):
                raise RefusedError(
                    f"{one.nevra} from {one.repository} is not signed with the repository's key"
                )
            path.rename(self._place(one))
        remove_tree(new)
