"""Patches branches that are kept in Gerrit: fetch them from a chain of reviews, and send them."""

from rdo.distgit.remotes import gerrit_user
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import package_env
from rdo.distgit.verb.problems import NothingToDoError
from rdo.distgit.verb.state import Arguments
from rdo.errors import CommandError, OutsideError, RefusedError
from rdo.tools.git.clone import Push
from rdo.tools.git.gerrit_query import GerritServer
from rdo.tools.git.review import ReviewPlace, review_ref, with_change_ids

REMOTE = "review-patches"
_SPEC_REMOTES = ("review-origin", "gerrit")
_CI = frozenset({"jenkins", "zuul", "sfci"})
_MOST = 100
_PROGRESS = ("Enumerating", "Counting", "Compressing", "Total", "Resolving", "Processing")


def fetch_chain(desk: Desk, args: Arguments) -> None:
    """Reset the local patches branch to a review and the reviews below it.

    Raises RefusedError if there is no remote, or for a review that CI has not validated.
    """
    url = desk.clone.remotes().get(REMOTE)
    if not url:
        raise RefusedError(f"there is no remote {REMOTE} to fetch a review from", hint=_how(REMOTE))
    review = GerritServer(url).review(args.gerrit_patches_chain.rstrip("/").rpartition("/")[2])
    if not args.force and not _CI & set(review.verified_by):
        raise RefusedError("Patch not validated by CI, use --force to override")
    desk.clone.fetch("--no-tags", "--", REMOTE, review.ref)
    desk.clone.set_branch(args.local_patches_branch, "FETCH_HEAD")


def send_patches(desk: Desk, branch: str = "") -> None:
    """Send a patches branch (default: that of the distgit branch) for review.

    Raises RefusedError if the remote or the branch is missing, and the errors of `send_branch`.
    """
    above = ""
    if not branch and desk.clone.branch.endswith("-patches"):
        branch = desk.clone.branch
    if not branch:
        env = package_env(desk)
        branch, above = env.local_patches_branch, env.base_ref
    if REMOTE not in desk.clone.remotes():
        raise RefusedError(f"there is no remote {REMOTE} to send {branch} to", hint=_how(REMOTE))
    if not desk.clone.has_branch(branch):
        raise RefusedError(f"Expected git branch not found: {branch}")
    send_branch(desk, REMOTE, branch, above=above)


def send_spec(desk: Desk, branch: str = "") -> None:
    """Send the distgit's commits for review, for a branch (default: the current one).

    Raises RefusedError if there is no distgit branch or nowhere to send to, and the errors of
    `send_branch`.
    """
    own = desk.clone.branch
    if not own:
        raise RefusedError(
            "Unable to determine branch: HEAD is detached", hint="git checkout the distgit branch"
        )
    if own.endswith("-patches"):
        raise RefusedError("Invalid usage: This action must be run on a distgit branch.")
    send_branch(desk, _spec_place(desk), own, target=branch or own)


def _spec_place(desk: Desk) -> str:
    """Return the remote for reviews of the distgit, or the URL from its .gitreview."""
    remotes = desk.clone.remotes()
    named = next((name for name in _SPEC_REMOTES if name in remotes), "")
    if named:
        return named
    text = desk.clone.file_at("HEAD", ".gitreview")
    if text is None:
        raise RefusedError(
            "there is no remote review-origin or gerrit, and no .gitreview, to send this to",
            hint=_how(_SPEC_REMOTES[0]),
        )
    user = desk.clone.config("gitreview.username") or gerrit_user()
    return ReviewPlace.parse(text, desk.package).url(user)


def _how(remote: str) -> str:
    return f"git remote add {remote} ssh://USER@HOST:29418/PROJECT"


def send_branch(desk: Desk, remote: str, branch: str, *, target: str = "", above: str = "") -> None:
    """Push the commits of a local branch that its branch in Gerrit lacks, one review each.

    `above` is a commit that Gerrit's branch must contain, so that upstream's commits do not become
    reviews.

    Raises NothingToDoError if Gerrit has them all, RefusedError if the branches have no common
    base, OutsideError if Gerrit does not answer, and CommandError if it refuses them.
    """
    clone, target = desk.clone, target or branch
    ref = review_ref(target)
    try:
        there = clone.branch_at(remote, target)
    except CommandError as error:
        raise OutsideError(f"{remote} does not answer: {_reason(error)}") from error
    base = there or _below(desk, branch)
    if not base:
        raise RefusedError(f"{remote} has no branch {target}, and {branch} has only one commit")
    count = len(clone.commits(base, f"refs/heads/{branch}"))
    if not count:
        raise NothingToDoError(f"{remote} already has all of {branch}")
    if count > _MOST or (there and above and not clone.contains(there, above)):
        raise RefusedError(
            f"{branch} is not based on {target} of {remote}; upstream's commits would become "
            f"reviews",
            hint=f"git push {remote} {above or 'VERSION'}:refs/heads/{target}",
        )
    _name_changes(desk, base, branch)
    try:
        clone.push(Push(remote, f"refs/heads/{branch}", ref))
    except CommandError as error:
        if "no new changes" in str(error):
            raise NothingToDoError(f"{remote} already has these reviews of {branch}") from error
        raise CommandError(f"cannot send {branch} to {remote}: {_reason(error)}") from error


def _below(desk: Desk, branch: str) -> str:
    """Return the base for a branch that Gerrit lacks: a version of upstream, or its parent."""
    parent = f"refs/heads/{branch}~"
    if not desk.clone.resolve(parent):
        return ""
    tag = desk.clone.describe(parent) if branch.endswith("-patches") else ""
    return f"refs/tags/{tag}" if tag else parent


def _name_changes(desk: Desk, base: str, branch: str) -> None:
    """Add Change-Ids, because Gerrit accepts no commit without one."""
    new = with_change_ids(desk.clone, base, f"refs/heads/{branch}")
    if new != desk.clone.resolve(f"refs/heads/{branch}"):
        desk.clone.move_branch(branch, new)


def _reason(error: CommandError) -> str:
    """Return the server's message, or else git's, without command line and progress."""
    lines = [line.strip() for line in str(error).split("\n")[1:] if line.strip()]
    remote = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    said = [line for line in remote if line and not line.startswith(_PROGRESS)]
    own = [line for line in lines if not line.startswith(("remote:", "Warning:", "To "))]
    return "; ".join(said[:3]) or next(iter(own), str(error))
