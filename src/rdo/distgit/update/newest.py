"""Find the newest release of an upstream, by its git tags or on the package index."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence

from packaging.version import InvalidVersion, Version

from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import release_ref, upstream_branch, upstream_version
from rdo.distgit.verb.state import Arguments
from rdo.errors import CommandError, RefusedError, UserError
from rdo.log_tail import last_line
from rdo.spec.macros import get_macro
from rdo.spec.text import SpecText
from rdo.tools.git.clone import Clone
from rdo.upstream_versions import split_tag, tag_of, version_of_tag

log = logging.getLogger(__name__)

Releases = Callable[[str], Sequence[str]]
_PROJECT_MACROS = ("pypi_name", "pyname", "pname", "sname", "library", "modname", "service")


def newest_version(desk: Desk, args: Arguments, releases: Releases | None = None) -> str:
    """Return the newest version on the branch that this distgit follows.

    `releases` returns the versions of a project on a package index. Called as rdopkg, this does not
    use the network. Raises RefusedError if no version can be found.
    """
    branch, found = _of_git(desk, args)
    if found:
        log.info("Latest version detected from %s: %s", branch, found)
        return found
    project = pypi_project(desk.spec.text(), desk.spec.expand)
    is_away = not branch and _upstreams(desk.clone)  # then its branches are unknown
    if not desk.is_rdopkg and project and not is_away:
        found = newest(_of_series((releases or _on_index)(project), args))
    if found:
        log.info("Latest version detected from pypi:%s: %s", project, found)
        return found
    expected = upstream_branch(desk.clone)
    if branch:
        raise RefusedError(
            f"Unable to determine new version: no tag of {branch} names a version",
            hint=f"name the tag or commit of the new version: {desk.program} new-version TAG",
        )
    raise RefusedError(
        f"Unable to determine new version: Upstream branch not found: {expected}\n"
        f"Can't guess latest version.\n\n"
        f"a) provide new version (git tag) yourself\n"
        f"   $ {desk.program} new-version 1.2.3\n\n"
        f"b) add upstream git remote:\n"
        f"   $ git remote add -f upstream GIT_URL\n"
    )


def _upstreams(clone: Clone) -> list[str]:
    return [name for name in ("upstream", "openstack") if name in clone.remotes()]


def _fetch(desk: Desk) -> None:
    """Fetch upstream's tags; if the network fails, use those that the clone has."""
    for remote in _upstreams(desk.clone):
        try:
            desk.clone.fetch(remote, "--tags")
        except CommandError as error:
            log.warning("cannot fetch %s: %s", remote, last_line(str(error)))


def _of_series(versions: Sequence[str], args: Arguments) -> list[str]:
    """Keep only versions of a release's current major version, because an index has no branches."""
    if not args.branch.endswith("-rdo"):
        return list(versions)
    ours = _version(args.version)
    return [x for x in versions if ours and (one := _version(x)) and one.major == ours.major]


def _of_git(desk: Desk, args: Arguments) -> tuple[str, str]:
    """Return upstream's branch, or the tag that ended it, and its newest version."""
    clone = desk.clone
    if desk.is_rdopkg:
        return upstream_branch(clone), upstream_version(clone)
    _fetch(desk)
    branch = release_ref(clone, args.branch)
    if not branch and clone.has_remote_branch(upstream_branch(clone)):
        branch = upstream_branch(clone)
    return branch, newest(_like(_tags(clone, branch), args)) if branch else ""


def _like(tags: Sequence[str], args: Arguments) -> Sequence[str]:
    """Keep only tags named like the current version's, if that has a prefix of its own.

    Several projects may share a repository, each with its own prefix.
    """
    style = args.version_tag_style
    if tag_of(args.version, style) not in tags or style in {"", "vX.Y.Z", "VX.Y.Z"}:
        return tags
    return [tag for tag in tags if split_tag(tag)[1] == style]


def _tags(clone: Clone, ref: str) -> list[str]:
    """Return the tags of a branch, without those of an older scheme (2015.1.0, then 8.0.0).

    A version of an older scheme is higher than the nearest tag, but was released before it.
    """
    tags = clone.tags_of(ref)
    nearest = _nearest(clone, ref, len(tags))
    newer = _version(nearest)
    if newer is None:
        return tags
    before = clone.tags_of(nearest)
    older = {tag for tag in before if (version := _version(tag)) and version > newer}
    return [tag for tag in tags if tag not in older]


def _nearest(clone: Clone, ref: str, most: int) -> str:
    """Return the nearest tag that is a version, or "" if there is none."""
    others: list[str] = []
    while len(others) <= most:
        tag = clone.describe(ref, others)
        if not tag or _version(tag):
            return tag
        others.append(tag)
    return ""


def _version(tag: str) -> Version | None:
    try:
        return Version(version_of_tag(tag))
    except InvalidVersion:
        return None


def pypi_project(text: SpecText, expand: Callable[[str], str]) -> str:
    """Return the project's name on a package index from a spec, or "" if it does not name one."""
    for name in _PROJECT_MACROS:
        value = get_macro(text, name)
        if value:
            return expand(value)
    found = re.search(r"%\{?pypi_source +([\w.-]+|%\{\w+\})", str(text)) or re.search(
        r"(?:pypi(?:\.python)?\.org/(?:project|pypi|simple)/)([\w.%{}-]+)", str(text)
    )
    return expand(found[1]) if found else ""


def _on_index(project: str) -> list[str]:
    from rdo.package_index import PackageIndex  # loads an HTTP client
    from rdo.tools.packaging.pip_config import index_settings

    try:
        sdists = PackageIndex(index_settings()).sdists(project)
    except UserError as error:
        log.warning("cannot query pypi:%s: %s", project, error)
        return []
    return [str(sdist.version) for sdist in sdists if not sdist.is_yanked]


def newest(tags: Iterable[str]) -> str:
    """Return the highest version among tags, a pre-release only if there is nothing else.

    >>> newest(["1.9.0", "v1.10.0", "2.0.0.0rc1", "newton-eol"])
    '1.10.0'
    """
    versions: dict[Version, str] = {}
    for tag in tags:
        if version := _version(tag):
            versions.setdefault(version, version_of_tag(tag))
    final = [version for version in versions if not version.is_prerelease]
    chosen = max(final or versions, default=None)
    return versions[chosen] if chosen else ""
