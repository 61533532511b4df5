"""The newest release of an upstream: by its git tags, else by the package index."""

import logging
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from rdo.distgit.desk import Desk
from rdo.distgit.environment import upstream_branch
from rdo.distgit.state import Arguments
from rdo.errors import RefusedError
from rdo.spec.release import tag_version

log = logging.getLogger(__name__)


def newest_version(desk: Desk, args: Arguments) -> str:
    """The newest version of the branch that this distgit follows."""
    branch = _followed(desk, args.branch)
    if branch:
        found = newest(desk.clone.tags_of(branch))
        if found:
            log.info("Latest version detected from %s: %s", branch, found)
            return found
    expected = upstream_branch(desk.clone)
    raise RefusedError(
        f"Unable to determine new version: Upstream branch not found: {expected}\n"
        f"Can't guess latest version.\n\n"
        f"a) provide new version (git tag) yourself\n"
        f"   $ {desk.program} new-version 1.2.3\n\n"
        f"b) add upstream git remote:\n"
        f"   $ git remote add -f upstream GIT_URL\n"
    )


def _followed(desk: Desk, distgit_branch: str) -> str:
    """The upstream branch of a release for `epoxy-rdo`, else that of the development."""
    release = distgit_branch.removesuffix("-rdo")
    for name in (f"upstream/stable/{release}", f"openstack/stable/{release}"):
        if release != distgit_branch and desk.clone.has_remote_branch(name):
            return name
    name = upstream_branch(desk.clone)
    return name if desk.clone.has_remote_branch(name) else ""


def newest(tags: Iterable[str], *, pre: bool = False) -> str:
    """The highest version among tags; pre-releases count only if there is nothing else.

    >>> newest(["1.9.0", "v1.10.0", "2.0.0.0rc1", "newton-eol"])
    '1.10.0'
    """
    versions: dict[Version, str] = {}
    for tag in tags:
        text = tag_version(tag)[0]
        try:
            versions.setdefault(Version(text), text)
        except InvalidVersion:
            continue
    final = [version for version in versions if pre or not version.is_prerelease]
    chosen = max(final or versions, default=None)
    return versions[chosen] if chosen else ""
