"""A change that is not on the branch yet, as a commit that can be built.

It comes from a folder (a work tree with its uncommitted changes, or plain files) or is a branch,
tag, commit or review of the remote. It is fetched into a mirror of its own, because the factory's
mirrors contain only what remotes have on their branches.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rdo.errors import CommandError, NotFoundError, OutsideError, RefusedError
from rdo.mirrors import reason_of
from rdo.model.text.url import without_secret
from rdo.tools.git.mirror import GitCommit, Mirror
from rdo.tools.git.work_tree import WorkTree

_HASH = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class OpenChange:
    """The git commit of an open review: its repository and ref, and its hash."""

    url: str
    ref: str
    revision: str


@dataclass(frozen=True, slots=True)
class Side:
    """The upstream or distgit side of a scratch build: a commit, and where it is from, in words."""

    mirror: Mirror
    commit: GitCommit
    branch: str
    origin: str


@dataclass(frozen=True, slots=True)
class FollowedSide:
    """What the target itself would build on one side now: its mirror, branch, head and URL."""

    mirror: Mirror
    branch: str
    head: str
    url: str

    @property
    def side(self) -> Side:
        commit = self.mirror.commit(self.head)
        return Side(self.mirror, commit, self.branch, f"{self.branch}@{self.head[:7]}")


def changed_side(
    asked: str | OpenChange, followed: FollowedSide, place: Path, now: datetime
) -> Side:
    """Return the side that `asked` means: the path of a folder, a ref of the remote, or a review.

    `place` is where a mirror for it may be made. Raises NotFoundError if there is no such thing.
    """
    if isinstance(asked, OpenChange):
        return _of_change(asked, followed, place)
    folder = Path(asked)
    if folder.is_dir():
        return _of_folder(folder, place, now)
    if asked.startswith(("/", "./", "../", "~")):
        raise NotFoundError(f"there is no folder {asked}")
    return _of_ref(asked, followed, place)


def _of_folder(folder: Path, place: Path, now: datetime) -> Side:
    tree = WorkTree(folder)
    if tree.top is None:
        mirror = Mirror.create(place)
        hash_ = mirror.commit_folder(folder, parent=None, when=now, message="a folder")
        return Side(mirror, mirror.commit(hash_), "", f"the files of {folder}")
    if not tree.head:
        raise RefusedError(f"{folder} has no commit yet; commit something in it first")
    mirror = tree.mirror(place)
    hash_ = tree.snapshot(mirror, when=now)
    uncommitted = "" if hash_ == tree.head else " with uncommitted changes"
    origin = f"{folder} at {tree.branch or 'HEAD'}@{tree.head[:7]}{uncommitted}"
    return Side(mirror, mirror.commit(hash_), tree.branch, origin)


def _of_change(asked: OpenChange, followed: FollowedSide, place: Path) -> Side:
    """Fetch a review; it is refused if its git commit has changed meanwhile."""
    side = _fetched(asked.ref, replace(followed, url=asked.url), place)
    if side.commit.hash != asked.revision:
        found = side.commit.hash[:7]
        raise RefusedError(f"{asked.ref} is {found} now, not {asked.revision[:7]}")
    return side


def _of_ref(ref: str, followed: FollowedSide, place: Path) -> Side:
    known = followed.mirror.resolve(ref) if _HASH.fullmatch(ref) else None
    if known:
        return Side(followed.mirror, followed.mirror.commit(known), followed.branch, known[:7])
    url = without_secret(followed.url)
    if "://" not in followed.url and not followed.url.startswith("/"):
        raise NotFoundError(f"{url} has no {ref}")  # for releases on PyPI there is only a mirror
    return _fetched(ref, followed, place)


def _fetched(ref: str, followed: FollowedSide, place: Path) -> Side:
    url = without_secret(followed.url)
    mirror = Mirror.clone(followed.mirror.path.as_uri(), place)
    mirror.set_origin(followed.mirror.origin)
    try:
        hash_ = mirror.fetch_ref(followed.url, ref)
    except CommandError as error:
        said = reason_of(error)
        if "find remote ref" in said or "not our ref" in said or "unadvertised" in said:
            hint = "give a branch, a tag, a whole hash, or a review as refs/changes/…"
            raise NotFoundError(f"{url} has no {ref}", hint=hint) from error
        raise OutsideError(f"{url} cannot be reached: {said}") from error
    return Side(mirror, mirror.commit(hash_), ref, f"{ref}@{hash_[:7]}")
