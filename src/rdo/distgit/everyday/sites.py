"""Dist-git sites: the URLs of their repositories and lookaside caches.

They are configuration. The user's own sites come before those of rpkg's files (`/etc/rpkg/*.conf`),
and these before the sites that rdo comes with (`sites.toml`).
"""

import configparser
import getpass
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.forges.addresses import place_of
from rdo.lookaside.client import LookasideCache
from rdo.lookaside.hashes import HashType
from rdo.lookaside.layout import Layout, check_package
from rdo.tools.git.clone import Clone

_PERCENT = re.compile(r"%\((\w+)\)s")
_ROLLING = frozenset({"rawhide", "main"})
"""Branches whose target in Fedora's Koji is named after the distribution only."""
_RPKG_NAMES = {"user": "{user}", "repo": "{package}", "module": "{package}"}


class DistgitSite(BaseModel):
    """A dist-git site.

    `git` and `anonymous` are the URLs of a repository, with `{user}` and `{package}` (which
    includes the namespace). `hosts` are those of its repositories; if a host has other sites too,
    with the first folders of this site's paths. `suffix` ends the names of repositories, not of
    packages. `retire_on` are the branches (`*` matches anything) on which packages may be retired.
    `builder` is the name of one in rdo.toml, used by `build`; `build_target` is the farm's target
    for a branch, with `{branch}`.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )

    title: str = ""
    hosts: tuple[str, ...] = ()
    git: str = ""
    anonymous: str = ""
    namespace: str = ""
    suffix: str = ""
    lookaside: tuple[str, ...] = ()
    upload: str = ""
    layout: Layout = Layout.FEDORA
    hash: HashType = HashType.SHA512
    lookaside_namespace: bool = False
    retire_on: tuple[str, ...] = ()
    builder: str = ""
    build_target: str = ""

    def cache(self) -> LookasideCache:
        """Return its lookaside cache; raises RefusedError if it has none."""
        if not self.lookaside:
            raise RefusedError(
                f"{self.title or 'this site'} has no lookaside cache",
                hint="name a site that has one with --site; rdo pkg sites lists them",
            )
        return LookasideCache(
            self.lookaside,
            self.upload,
            self.layout,
            os.environ.get("RDO_LOOKASIDE_USER", ""),
            os.environ.get("RDO_LOOKASIDE_PASSWORD", ""),
        )

    def target_of(self, branch: str) -> str:
        """Return the farm's target for a branch; empty if the site does not define one."""
        if not self.build_target:
            return ""
        return "rawhide" if branch in _ROLLING else self.build_target.replace("{branch}", branch)

    def in_namespace(self, namespace: str) -> "DistgitSite":
        """Return the same site with another default namespace for packages."""
        return self.model_copy(update={"namespace": namespace}) if namespace else self

    def url_of(self, package: str, *, is_anonymous: bool = False, user: str = "") -> str:
        """Return the URL of a package's repository; the namespace may be left out.

        `user` is the account at the site, by default named like this user.

        Raises RefusedError for a site without repositories, or for an invalid name.
        """
        url = self.anonymous if is_anonymous else self.git or self.anonymous
        if not url:
            raise RefusedError(f"{self.title or 'this site'} has no repositories to clone")
        check_package(package)
        spaced = f"{self.namespace}/{package}" if self.namespace and "/" not in package else package
        return url.replace("{user}", user or getpass.getuser()).replace("{package}", spaced)

    def repository_of(self, url: str) -> str:
        """Return the value of `{package}` in a repository's URL, which may be on another site."""
        place = place_of(url)
        for pattern in filter(None, (self.anonymous, self.git)):
            begin, _, end = place_of(pattern).partition("{package}")
            if place.startswith(begin) and place.endswith(end):
                return place.removeprefix(begin).removesuffix(end)
        return place.partition("/")[2]

    def package_of(self, url: str) -> str:
        """Return the package in a repository's URL, under the name it has in the cache."""
        parts = place_of(url).partition("/")[2].split("/")
        name = parts[-1].removesuffix(self.suffix) if self.suffix else parts[-1]
        namespace = parts[-2] if len(parts) > 1 and self.namespace else ""
        if self.lookaside_namespace and not namespace:
            namespace = self.namespace
        return check_package(f"{namespace}/{name}" if self.lookaside_namespace else name)


@dataclass(frozen=True, slots=True)
class Sites:
    """All known sites by name, each with the file that it came from."""

    sites: Mapping[str, DistgitSite]
    files: Mapping[str, str]

    def get(self, name: str) -> DistgitSite:
        """Return a site; raises NotFoundError for an unknown name."""
        if name not in self.sites:
            raise NotFoundError(
                f"no site {name}{did_you_mean(name, self.sites)}", hint="rdo pkg sites lists them"
            )
        return self.sites[name]

    def of(self, clone: Clone, chosen: str = "") -> tuple[str, DistgitSite]:
        """Return the site of a clone: the named one, that of `git config rdo.site`, or of origin.

        Raises NotFoundError if there is none.
        """
        name = chosen or os.environ.get("RDO_SITE", "") or clone.config("rdo.site")
        if name:
            return name, self.get(name)
        place = place_of(clone.remotes().get("origin", ""))
        for name, site in self.sites.items():
            if any(place.startswith(f"{one}/") for one in site.hosts):
                return name, site
        host = place.partition("/")[0]
        raise NotFoundError(
            f"no site is known for {host or 'a clone without a remote named origin'}",
            hint="choose one with --site or git config rdo.site NAME; rdo pkg sites lists them",
        )


def load(home: Path, system: Path = Path("/etc"), extra: Path | None = None) -> Sites:
    """Load all sites; those of an `extra` file of rpkg come first.

    Raises ConfigError for a file that cannot be read as one.
    """
    own = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    known = resources.files("rdo.distgit.everyday").joinpath("sites.toml").read_text()
    sites: dict[str, DistgitSite] = {}
    files: dict[str, str] = {}
    for name, values, file in (
        *_of_rpkg(iter([extra] if extra else [])),
        *_of_toml(_files("*.toml", own / "rdo/sites", system / "rdo/sites")),
        *_of_rpkg(_files("*.conf", own / "rpkg", system / "rpkg")),
        *((name, values, "rdo") for name, values in tomllib.loads(known).items()),
    ):
        if name not in sites:
            sites[name], files[name] = _site(name, values, file), file
    return Sites(sites, files)


def _files(pattern: str, *folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.glob(pattern))


def _of_toml(files: Iterator[Path]) -> Iterator[tuple[str, Any, str]]:
    for file in files:
        try:
            sites = tomllib.loads(file.read_text())
        except (ValueError, OSError) as error:
            raise ConfigError(f"{file}: {error}") from error
        for name, values in sites.items():
            yield name, values, str(file)


def _of_rpkg(files: Iterator[Path]) -> Iterator[tuple[str, Any, str]]:
    """Yield the sites of rpkg's own configuration, reading only what rdo uses."""
    for file in files:
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(file.read_text(), str(file))
        except (configparser.Error, ValueError, OSError) as error:
            raise ConfigError(f"{file}: {str(error).splitlines()[0]}") from error
        for name in parser.sections():
            section = parser[name]
            if "lookaside" in section or "gitbaseurl" in section:
                yield name, _rpkg_site(section), str(file)


def _rpkg_site(section: configparser.SectionProxy) -> dict[str, Any]:
    git, anonymous = (_template(section.get(key, "")) for key in ("gitbaseurl", "anongiturl"))
    namespace = section.get("distgit_namespaces", "").split()
    is_spaced = section.getboolean("distgit_namespaced", fallback=False)
    return {
        "hosts": tuple({host for url in (git, anonymous) if (host := _host(url))}),
        "git": git,
        "anonymous": anonymous,
        "namespace": (namespace or ["rpms"])[0] if is_spaced else "",
        "lookaside": tuple(filter(None, [section.get("lookaside", "")])),
        "upload": section.get("lookaside_cgi", ""),
        "hash": section.get("lookasidehash", "sha512"),
        "lookaside-namespace": section.getboolean("lookaside_namespaced", fallback=False),
        "build-target": "{branch}-candidate",
    }


def _template(url: str) -> str:
    return _PERCENT.sub(lambda found: _RPKG_NAMES.get(found[1], found[0]), url)


def _host(template: str) -> str:
    return place_of(template.replace("{user}@", "")).partition("/")[0]


def _site(name: str, values: Any, file: str) -> DistgitSite:
    try:
        return DistgitSite.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        raise ConfigError(f"{file}: {where}: {first['msg']}") from error
