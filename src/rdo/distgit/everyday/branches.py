"""List the branches of a distgit, and switch to one."""

from rdo.distgit.verb.desk import Desk
from rdo.errors import NotFoundError, did_you_mean


def branches(desk: Desk) -> tuple[list[str], list[str]]:
    """Return the local branches, and those of origin."""
    local = _names(desk, "refs/heads/")
    return local, [name for name in _names(desk, "refs/remotes/origin/") if name != "HEAD"]


def _names(desk: Desk, below: str) -> list[str]:
    """Return the refs below a folder; git's own short names differ if a tag has the same."""
    listed = desk.clone.plumb("for-each-ref", "--format=%(refname)", below).split()
    return [ref.removeprefix(below) for ref in listed]


def switch(desk: Desk, branch: str) -> str:
    """Check out a branch; a branch of origin gets a local one that tracks it.

    Return a sentence about what was done. Raises NotFoundError if neither this clone nor origin has
    it.
    """
    local, remote = branches(desk)
    if branch in local:
        desk.clone.checkout(branch)
        return f"Switched to branch '{branch}'"
    if branch not in remote:
        raise NotFoundError(
            f"Unknown remote branch origin/{branch}{did_you_mean(branch, remote)}",
            hint="--fetch asks origin for new branches",
        )
    desk.clone.set_branch(branch, f"refs/remotes/origin/{branch}")
    desk.clone.plumb("config", f"branch.{branch}.remote", "origin")
    desk.clone.plumb("config", f"branch.{branch}.merge", f"refs/heads/{branch}")
    desk.clone.checkout(branch)
    return f"Switched to a new branch '{branch}' that tracks origin/{branch}"
