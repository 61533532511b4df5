"""An entry of the metadata, resolved for one release."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from rdo.model.commit import Commit
from rdo.model.text.url import is_on_pypi, pypi_name, without_secret


@dataclass(frozen=True, slots=True)
class SpecRule:
    """A replacement `REGEX/REPLACEMENT` for every line of a spec.

    >>> SpecRule.parse(r"^(Epoch: +)1/\\g<1>2").apply("Epoch:   1")
    'Epoch:   2'
    """

    pattern: str
    replacement: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a rule; text after a second slash is ignored.

        Raises ValueError for a faulty rule.
        """
        pattern, slash, rest = text.partition("/")
        rule = cls(pattern, rest.partition("/")[0])
        if not slash:
            raise ValueError("is not REGEX/REPLACEMENT")
        try:
            rule.apply("")
        except (re.error, IndexError) as error:
            raise ValueError(f"is not REGEX/REPLACEMENT: {error}") from error
        return rule

    def __str__(self) -> str:
        return f"{self.pattern}/{self.replacement}"

    def apply(self, line: str) -> str:
        """Return a line with the replacement made."""
        return re.sub(self.pattern, self.replacement, line)


@dataclass(frozen=True, slots=True)
class Overlay:
    """The files of a followed instance's distgit, which replace ours."""

    distgit: str
    rules: tuple[SpecRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """The state of a package in the last successful build of another instance."""

    upstream_hash: str
    distgit_hash: str
    built: datetime


@dataclass(frozen=True, slots=True)
class Package:
    """One package of one release: its sources and its maintainers.

    `upstreams` are git URLs, or `pypi:NAME` for a package whose upstream history is its releases on
    PyPI; the commits of each are built. `upstream_branch` is a branch or tag; for PyPI it is a
    version specifier (`>=10,<11`) or a branch name, which then means any final release. `tags` are
    the metadata's, resolved (`under-review`, `build-tags-only` …). `skip_tests` is the reason why
    %check is not run; if empty, it is run. With `shares_noarch` its noarch RPMs suit every
    platform: a target may use those of another target. A package with a `pin` follows another
    instance: its commits are those that were built there, with the spec of `distgit`, whose hash is
    then the commit's extended hash, followed by `_` and the hash of `source_git`, if there is one.
    `distgit_there` is the distgit that the other instance builds from. `fault` says what is wrong
    with the package's metadata: then no round works on it, and only its name is certainly right.
    """

    name: str
    project: str
    upstreams: tuple[str, ...]
    distgit: str
    upstream_branch: str
    distgit_branch: str
    distgit_path: str = ""
    component: str | None = None
    maintainers: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    version_from: str | None = None
    skip_tests: str = ""
    shares_noarch: bool = False
    pin: Pin | None = None
    distgit_there: str = ""
    overlay: Overlay | None = None
    source_git: str = ""
    source_git_branch: str = ""
    fault: str = ""

    @property
    def python_projects(self) -> frozenset[str]:
        """The names, not normalized, that this package's project may have on PyPI.

        `rdo.python_names.own_projects` adds names that only a table contains. The last part of an
        upstream's URL is one of them only if it ends with the project's name, because several
        packages may have the same upstream.

        >>> urls = ("https://example.org/openstack/python-cinderclient.git",)
        >>> sorted(Package("openstack-client", "cinderclient", urls, "", "", "").python_projects)
        ['cinderclient', 'openstack-client', 'python-cinderclient']
        >>> sorted(Package("python-oslo-config", "oslo.config", (), "", "", "").python_projects)
        ['oslo-config', 'oslo.config', 'python-oslo-config']
        """
        bridged = {pypi_name(url) for url in self.upstreams if is_on_pypi(url)}
        repositories = {
            re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-1]
            for url in self.upstreams
            if not is_on_pypi(url)
        }
        alike = {one for one in repositories if one.endswith(self.project)}
        named = {self.project, self.name, re.sub(r"^python3?-", "", self.name)}
        return frozenset(named | bridged | alike)

    @property
    def remotes(self) -> frozenset[str]:
        """The URLs of all repositories that its builds are made from."""
        urls = (*self.upstreams, self.distgit, self.source_git)
        return frozenset(filter(None, (*urls, self.overlay.distgit if self.overlay else "")))

    @property
    def is_under_review(self) -> bool:
        """Whether it is built, but kept out of the published repositories."""
        return "under-review" in self.tags

    @property
    def builds_tags_only(self) -> bool:
        """Whether only tagged upstream commits are built."""
        return "build-tags-only" in self.tags

    @property
    def only_upstream(self) -> str:
        """The upstream that builds come from, without secrets; empty if there are several."""
        return without_secret(self.upstreams[0]) if len(self.upstreams) == 1 else ""

    def upstream_of(self, commit: Commit) -> str:
        """Return the upstream that a commit was taken from.

        If the metadata no longer names the commit's upstream, because the package has moved, return
        the first upstream.
        """
        urls = (url for url in self.upstreams if without_secret(url) == commit.upstream)
        return next(urls, self.upstreams[0] if self.upstreams else commit.upstream)

    def spec_hash(self, commit: Commit) -> str:
        """Return the commit of `distgit` whose spec is built."""
        ours, _, _ = (commit.extended_hash or "").partition("_")
        return ours if self.pin else commit.distgit_hash
