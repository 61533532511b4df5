"""Guess the environment of a distgit (branches, patches, numbers), which `pkgenv` shows."""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rdo.distgit.verb.desk import Desk
from rdo.errors import RefusedError
from rdo.spec.file import SpecFile
from rdo.spec.macros import get_milestone, get_upstream_version
from rdo.spec.magic import PatchesBase, get_magic
from rdo.spec.patches import apply_method
from rdo.spec.release import ReleaseStyle, release_style
from rdo.spec.tags import find_tag, get_tag
from rdo.spec.text import SpecText
from rdo.tools.git.clone import Clone
from rdo.upstream_versions import (
    is_version,
    split_tag,
    tag_of,
    tags_of_rpm_version,
    tags_of_version,
    version_of_tag,
)

log = logging.getLogger(__name__)

_DISTS = (
    ("rhos-", "RHOS"),
    ("rh-", "RHOS"),
    ("ceph-", "RHCEPH"),
    ("rhscon-", "RHSCON"),
    ("eng-", "RHENG"),
)
_TAG_STYLES = ("", "vX.Y.Z", "VX.Y.Z")
_UPSTREAM_BRANCHES = ("upstream/master", "upstream/main", "openstack/master", "openstack/main")


@dataclass(frozen=True, slots=True)
class PackageEnv:
    """The guessed environment of a distgit, in rdopkg's terms.

    `version` is where its patches begin; with `version_tag_style` it gives a tag. `patches_branch`
    is REMOTE/BRANCH, whether or not it exists.
    """

    package: str
    branch: str
    patches_branch: str
    local_patches_branch: str
    patches_style: str
    version: str
    version_tag_style: str
    release_bump_index: str

    @property
    def base_ref(self) -> str:
        """The git ref below the patches."""
        return tag_of(self.version, self.version_tag_style)


def package_env(
    desk: Desk, *, patches_branch: str = "", local_patches_branch: str = "", gerrit: str = ""
) -> PackageEnv:
    """Guess the environment, except for what the caller gives.

    Raises RefusedError if no distgit branch is checked out.
    """
    branch = distgit_branch(desk)
    osdist = os_dist(branch)
    remote = patches_branch or guess_patches_branch(desk.clone, branch, osdist)
    release = find_tag(desk.spec.text(), "Release")
    style = release_style(release.value if release else "")
    version, tag_style = base_version(desk)
    return PackageEnv(
        package=desk.package,
        branch=branch,
        patches_branch=remote,
        local_patches_branch=local_patches_branch or remote.partition("/")[2],
        patches_style=_patches_style(desk.clone, gerrit),
        version=version,
        version_tag_style=tag_style,
        release_bump_index=style.bump_index,
    )


def distgit_branch(desk: Desk) -> str:
    """Return the current branch; on a patches branch, check out its distgit branch first.

    Raises RefusedError for a detached HEAD, or a patches branch without a distgit branch.
    """
    clone = desk.clone
    branch = clone.branch
    if not branch:
        raise RefusedError(
            "Unable to determine branch: HEAD is detached", hint="git checkout the distgit branch"
        )
    if not branch.endswith("-patches"):
        return branch
    distgit = branch.removesuffix("-patches")
    if not clone.has_branch(distgit):
        raise RefusedError("Invalid usage: This action must be run on a distgit branch.")
    desk.say(f"This looks like -patches branch. Assuming distgit branch: {distgit}")
    clone.checkout(distgit)
    return distgit


def os_dist(branch: str) -> str:
    """Return the distribution that a distgit branch is for, as rdopkg names it.

    >>> os_dist("private-jruzicka-rhos-5.0-rhel-7"), os_dist("antelope-rdo")
    ('RHOS', 'RDO')
    """
    bare = re.sub(r"^private-[^-]+-", "", branch).removeprefix("hotfix-")
    return next((name for start, name in _DISTS if bare.startswith(start)), "RDO")


def guess_patches_branch(clone: Clone, branch: str, osdist: str = "RDO") -> str:
    """Return REMOTE/BRANCH with a distgit branch's patches; if none exists, the likeliest name."""
    configured = clone.config(f"rdopkg.{branch}.patches-remote")
    remotes = [configured] if configured else list(_patches_remotes(clone, branch, osdist))
    name = clone.config(f"rdopkg.{branch}.patches-branch")
    names = [name] if name else list(_patches_names(branch))
    for remote in remotes:
        for candidate in names:
            if clone.has_remote_branch(f"{remote}/{candidate}"):
                return f"{remote}/{candidate}"
    local = next((name for name in names if clone.has_branch(name)), names[0])
    return f"{remotes[0]}/{local}"


def _patches_remotes(clone: Clone, branch: str, osdist: str) -> Iterator[str]:
    yield "patches"
    yield "rhos" if osdist == "RHOS" else "redhat-openstack"
    tracked = clone.config(f"branch.{branch}.remote")
    if tracked and tracked != ".":
        yield tracked


def _patches_names(branch: str) -> Iterator[str]:
    """Yield rhos-5.0-rhel-7-patches, rhos-5.0-rhel-patches, rhos-5.0-patches, rhos-patches."""
    while branch:
        yield f"{branch}-patches"
        branch = branch.rpartition("-")[0]


def _patches_style(clone: Clone, gerrit: str) -> str:
    return "review" if gerrit or "review-patches" in clone.remotes() else "branch"


def base_version(desk: Desk) -> tuple[str, str]:
    """Return the version below the patches, and the style of its tag."""
    text = desk.spec.text()
    base = PatchesBase.parse(get_magic(text, "patches_base")).ref
    written = desk.spec.expand(base or written_version(text))
    version, said_style = split_tag(written)
    by_version = _style_by_version(written, get_tag(text, "Version")) if base else None
    if not version and by_version:
        return by_version
    version = version or written
    styles = [said_style, *_TAG_STYLES] if said_style else _TAG_STYLES
    for style in styles:
        if desk.clone.has_tag(tag_of(version, style)):
            return version, style
    if not said_style and (tags := tags_of_version(version, desk.clone.tags())):
        return version, split_tag(tags[0])[1]
    if not said_style and (tags := tags_of_rpm_version(version, desk.clone.tags())):
        return split_tag(tags[0])
    return version, said_style


def _style_by_version(tag: str, version: str) -> tuple[str, str] | None:
    """Return version and style of a tag that ends with the Version, whatever comes before it.

    >>> _style_by_version("go1.21.1", "1.21.1"), _style_by_version("v1.2", "2")
    (('1.21.1', 'goX.Y.Z'), None)
    """
    before = tag.removesuffix(version)
    if not is_version(version) or not before or before == tag or before[-1] in "0123456789.":
        return None
    return version, f"{before}X.Y.Z"


def require_tracked_spec(desk: Desk) -> None:
    """Raise RefusedError if the file of the spec, behind any link, is not in git."""
    file = desk.spec.file.resolve()
    top = desk.clone.top.resolve()
    if file.is_relative_to(top) and str(file.relative_to(top)) in desk.clone.at_top().tracked_files:
        return
    name = os.path.relpath(file, desk.folder.resolve())
    raise RefusedError(
        f"{name} is not in git, so no commit would contain its changes",
        hint=f"git add --force {name}, and commit",
    )


def written_version(text: SpecText) -> str:
    """Return upstream's version as the spec has it, unexpanded."""
    return get_upstream_version(text) or f"{get_tag(text, 'Version')}{get_milestone(text)}"


def upstream_branch(clone: Clone) -> str:
    """Return upstream's main branch on the remote, or its likeliest name if none exists."""
    found = (name for name in _UPSTREAM_BRANCHES if clone.has_remote_branch(name))
    return next(found, _UPSTREAM_BRANCHES[0])


def release_ref(clone: Clone, distgit_branch: str) -> str:
    """Return the upstream branch of the release of `epoxy-rdo`, or the tag that ended it.

    Return "" if there is none.
    """
    release = distgit_branch.removesuffix("-rdo")
    if release == distgit_branch:
        return ""
    for name in filter(None, (release, release_identifier(release))):
        for branch in (f"stable/{name}", f"unmaintained/{name}"):
            for remote in ("upstream", "openstack"):
                if clone.has_remote_branch(f"{remote}/{branch}"):
                    return f"{remote}/{branch}"
        for tag in (f"{name}-eol", f"{name}-eom"):
            if clone.has_tag(tag):
                return tag
    return ""


def release_identifier(name: str) -> str:
    """Return upstream's number for a release since 2023: two a year, in alphabetical order.

    The metadata has it too, but these verbs work without metadata.

    >>> release_identifier("antelope"), release_identifier("gazpacho"), release_identifier("zed")
    ('2023.1', '2026.1', '')
    """
    place = ord(name[:1] or "z") - ord("a")
    return f"{2023 + place // 2}.{place % 2 + 1}" if 0 <= place < 10 else ""


def upstream_version(clone: Clone) -> str:
    """Return the newest tag of the upstream branch as a version, or "" if there is none."""
    tag = clone.describe(upstream_branch(clone))
    return version_of_tag(tag) or tag


@dataclass(frozen=True, slots=True)
class EnvReport:
    """The report that `pkgenv` shows."""

    env: PackageEnv
    vr: str
    spec_version: str
    upstream_version: str
    release: str
    release_style: ReleaseStyle
    patches_base: str
    base_state: str
    local_hash: str
    remote_hash: str
    upstream_branch: str
    upstream_hash: str
    os_dist: str
    apply_method: str


def report(desk: Desk, env: PackageEnv) -> EnvReport:
    """Look up everything in the environment."""
    clone, spec = desk.clone, desk.spec
    text = spec.text()
    above = upstream_branch(clone)
    above_hash = clone.resolve(f"refs/remotes/{above}")
    release = get_tag(text, "Release")
    base = PatchesBase.parse(get_magic(text, "patches_base"))
    return EnvReport(
        env=env,
        vr=spec_vr(spec),
        spec_version=get_tag(text, "Version"),
        upstream_version=(upstream_version(clone) or "no version tag found")
        if above_hash
        else "upstream remote/branch not found",
        release=release,
        release_style=release_style(release),
        patches_base=str(base) or "N/A",
        base_state=_state_of(clone, env.base_ref),
        local_hash=clone.resolve(f"refs/heads/{env.local_patches_branch}"),
        remote_hash=clone.resolve(f"refs/remotes/{env.patches_branch}"),
        upstream_branch=above,
        upstream_hash=above_hash,
        os_dist=os_dist(env.branch),
        apply_method=str(apply_method(text)),
    )


def _state_of(clone: Clone, ref: str) -> str:
    if clone.has_tag(ref):
        return "existing git tag"
    return "existing git commit" if clone.resolve(ref) else "invalid git reference"


def spec_vr(spec: SpecFile) -> str:
    """Return Epoch, Version and Release as rpm reads them, without dist tag."""
    return spec.reading().vr


def as_text(told: EnvReport) -> str:
    """Return the report in rdopkg's layout, which scripts read."""
    env, bump = told.env, told.env.release_bump_index
    named = {"1": "MAJOR", "2": "MINOR", "3": "PATCH"}
    bump = f"{bump} / {named[bump]}" if bump in named else bump
    chain = "\nPatches chain:          unknown" if env.patches_style == "review" else ""
    return f"""
Package:        {env.package}
VR:             {told.vr}
Version:        {told.spec_version}
Upstream:       {told.upstream_version}
Release:        {told.release}
Release style:  {told.release_style}
Rls bump index: {bump}
Tag style:      {env.version_tag_style or "X.Y.Z"}

Dist-git branch:        {env.branch}
Patches style:          {env.patches_style}
Patches base:           {told.patches_base}
Patches base ref:       {env.base_ref} : {told.base_state}
Local patches branch:   {env.local_patches_branch} : {told.local_hash[:6] or "not found"}
Remote patches branch:  {env.patches_branch} : {told.remote_hash[:6] or "not found"}
Remote upstream branch: {told.upstream_branch} : {told.upstream_hash[:6] or "not found"}{chain}

OS dist:                {told.os_dist}
Patches apply method:   {told.apply_method}"""
