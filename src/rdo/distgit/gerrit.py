"""Patches branches that are kept in Gerrit: taken from a chain of reviews, sent there."""

import logging

from rdo.distgit.desk import Desk
from rdo.distgit.environment import guess_patches_branch, os_dist
from rdo.distgit.state import Arguments
from rdo.errors import RefusedError
from rdo.tools.gerrit_query import Gerrit

log = logging.getLogger(__name__)

REMOTE = "review-patches"
_CI = frozenset({"jenkins", "zuul", "sfci"})


def fetch_chain(desk: Desk, args: Arguments) -> None:
    """Make the local patches branch what a review holds, with all below it."""
    if not args.gerrit_patches_chain:
        log.warning("Review patches chain not found. No patches yet?")
        return
    url = desk.clone.remotes().get(REMOTE)
    if not url:
        raise RefusedError(f"there is no remote {REMOTE} to take a review from")
    review = Gerrit(url).review(args.gerrit_patches_chain.rstrip("/").rpartition("/")[2])
    if not args.force and not _CI & set(review.verified_by):
        raise RefusedError("Patch not validated by CI, use --force to override")
    desk.clone.fetch(REMOTE, review.ref)
    desk.clone.set_branch(args.local_patches_branch, "FETCH_HEAD")


def send_patches(desk: Desk, branch: str = "") -> None:
    """Send a patches branch for review, by default that of the distgit branch."""
    branch = branch or desk.clone.branch
    if not branch.endswith("-patches"):
        remote = guess_patches_branch(desk.clone, branch, os_dist(branch))
        branch = remote.partition("/")[2]
    if REMOTE not in desk.clone.remotes():
        raise RefusedError(f"there is no remote {REMOTE} to send {branch} to")
    desk.clone.checkout(branch)
    desk.clone.send_review("-y", "-r", REMOTE, branch)


def send_spec(desk: Desk, branch: str = "") -> None:
    """Send the last commit of the distgit for review."""
    branch = branch or desk.clone.branch
    remote = "review-origin" if "review-origin" in desk.clone.remotes() else "origin"
    if remote not in desk.clone.remotes():
        raise RefusedError("there is no remote review-origin or origin to send this to")
    desk.clone.send_review("-y", "-r", remote, branch)
