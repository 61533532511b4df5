"""The names of a distgit's commit: its dist, its name-version-release, and its URL."""

import getpass
import platform
import re
from dataclasses import dataclass

from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.verb.desk import Desk
from rdo.errors import RefusedError

_DISTS = (
    (re.compile(r"f(?:edora-)?(\d+)"), "fc", "fedora"),
    (re.compile(r"epel-?(\d+)(?P<behind>\.\d+|-next)?"), "el", "rhel"),
    (re.compile(r"el(\d+)s?"), "el", "rhel"),
    (re.compile(r"rhel-(\d+).*"), "el", "rhel"),
    (re.compile(r"c(\d+)s?(?:-.*)?"), "el", "rhel"),
)


@dataclass(frozen=True, slots=True)
class BranchDist:
    """The macros of a branch: for fc42, `dist` is `.fc42`, `variable` is fedora, `value` is 42."""

    dist: str = ""
    variable: str = ""
    value: str = ""

    @property
    def macros(self) -> dict[str, str]:
        """The macros for rpm; none for a branch without a distribution."""
        main = re.match(r"\.([a-z]+\d+)", self.dist)
        named = {self.variable: self.value, main[1]: "1"} if main else {}
        return {"dist": self.dist, **named} if self.dist else {}


def dist_of(branch: str) -> BranchDist:
    """Return the distribution in the name of a branch, or of a release's base OS.

    Empty for any other name.

    >>> dist_of("f42").dist, dist_of("epel-7").dist, dist_of("c9s-sig-cloud").dist, dist_of("main")
    ('.fc42', '.el7', '.el9', BranchDist(dist='', variable='', value=''))
    >>> dist_of("epel10.1").dist, dist_of("epel9-next").dist
    ('.el10_1', '.el9.next')
    """
    for pattern, prefix, variable in _DISTS:
        if found := pattern.fullmatch(branch):
            behind = found.groupdict().get("behind") or ""
            behind = behind.replace(".", "_").replace("-", ".")
            return BranchDist(f".{prefix}{found[1]}{behind}", variable, found[1])
    return BranchDist()


def branch_of(desk: Desk) -> str:
    """Return the branch of the site that is worked on: the one that the checked-out one follows.

    A branch that follows none is meant itself; empty for a detached HEAD.
    """
    branch = desk.clone.branch
    merged = desk.clone.config(f"branch.{branch}.merge") if branch else ""
    return merged.removeprefix("refs/heads/") or branch


def branch_dist(desk: Desk, release: str = "") -> BranchDist:
    """Return the distribution of the branch worked on, or of `release` if given.

    Raises RefusedError if `release` names no distribution.
    """
    dist = dist_of(release or branch_of(desk))
    if release and not dist.dist:
        raise RefusedError(
            f"{release} is not the name of a distribution",
            hint="use a name such as f42, epel9 or c9s",
        )
    return dist


@dataclass(frozen=True, slots=True)
class Verrel:
    """Name, version and release of a distgit's spec, under the keys of `fedpkg verrel --json`."""

    repo_name: str
    verrel: str
    nvr: str
    ver: str
    rel: str
    epoch: str
    ns: str
    branch_merge: str
    commithash: str
    disttag: str
    distvar: str
    distval: str
    localarch: str
    target: str
    user: str


def verrel(desk: Desk, site: DistgitSite | None, release: str = "", *, user: str = "") -> Verrel:
    """Return name, version and release of the spec on a branch; `release` replaces the branch.

    `user` is the account at the site, by default named like this user.

    Raises RefusedError if `release` names no distribution.
    """
    dist = branch_dist(desk, release)
    macros: dict[str, str | None] = {"dist": None, **dist.macros}
    reading = desk.spec.rpmspec.read(bytes(desk.spec.text()), desk.spec.sources_folder, macros)
    nvr = f"{reading.name}-{reading.vr_only}"
    origin = desk.clone.remotes().get("origin", "")
    spaced = site.package_of(origin) if site and origin else desk.package
    branch = release or branch_of(desk)
    return Verrel(
        repo_name=spaced.rpartition("/")[2],
        verrel=nvr,
        nvr=nvr,
        ver=reading.version,
        rel=reading.release,
        epoch=reading.epoch or "0",
        ns=spaced.rpartition("/")[0] or (site.namespace if site else ""),
        branch_merge=branch,
        commithash=desk.clone.resolve("HEAD"),
        disttag=dist.dist.removeprefix("."),
        distvar=dist.variable,
        distval=dist.value,
        localarch=platform.machine(),
        target=site.target_of(branch) if site else "",
        user=user or getpass.getuser(),
    )


def git_url(desk: Desk, site: DistgitSite) -> str:
    """Return the URL of this commit in Koji's form: `git+https://HOST/PACKAGE#HASH`.

    Raises RefusedError if there is no commit.
    """
    commit = desk.clone.resolve("HEAD")
    if not commit:
        raise RefusedError("there is no commit yet")
    origin = desk.clone.remotes().get("origin", "")
    url = site.anonymous.replace("{package}", site.repository_of(origin)) or origin
    return f"git+{url}#{commit}"
