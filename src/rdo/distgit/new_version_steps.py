"""Steps of `new-version`: another upstream version, with the patches put on top of it."""

import logging
from dataclasses import replace

from rdo.distgit import rebase as rebasing
from rdo.distgit.actions import Pause
from rdo.distgit.desk import Desk
from rdo.distgit.environment import os_dist, version_tag
from rdo.distgit.newest import newest_version
from rdo.distgit.patches_branch import base_ref, ensure_patches_base_ref
from rdo.distgit.problems import NothingToDoError, invalid_ref
from rdo.distgit.rebase import Fate, Rebase
from rdo.distgit.state import Arguments
from rdo.errors import RefusedError
from rdo.spec.macros import get_milestone
from rdo.spec.release import ReleaseStyle, release_style, split_version, tag_version
from rdo.spec.tags import find_tag, get_tag
from rdo.tools.clone import Push

log = logging.getLogger(__name__)


def ensure_base(desk: Desk, args: Arguments) -> Arguments:
    """Step: the version below the patches must be there, and the spec one that has versions."""
    args = _checked_placeholder(desk, args)
    return ensure_patches_base_ref(desk, args)


def _checked_placeholder(desk: Desk, args: Arguments) -> Arguments:
    text = desk.spec.text()
    release = find_tag(text, "Release")
    style = release_style(release.value if release else "")
    is_placeholder = style is ReleaseStyle.PLACEHOLDER or get_tag(text, "Version") == "XXX"
    if not is_placeholder:
        return args
    if not args.force:
        raise RefusedError(
            f"Version of {args.branch} is filled in by trunk builds; new versions go to the "
            f"release branch ({_release_branch(desk)})",
            hint="check that out, or say --force to fill Version and Release in here",
        )
    if not args.bump_only and not desk.clone.resolve(base_ref(args)):
        log.warning("no version to take patches from; only Version and Release are filled in")
        return replace(args, bump_only=True)
    return args


def _release_branch(desk: Desk) -> str:
    """The newest branch of a release, e.g. epoxy-rdo."""
    out = desk.clone.plumb(
        *("for-each-ref", "--sort=-committerdate", "--format=%(refname)"),
        *("refs/heads/*-rdo", "refs/remotes/*/*-rdo"),
    )
    names = [ref.rpartition("/")[2] for ref in out.splitlines()]
    return names[0] if names else "RELEASE-rdo"


def new_version_setup(desk: Desk, args: Arguments) -> Arguments:
    """Step: what is new, and what Version, Release and changelog will say."""
    version = tag_version(args.new_version)[0] if args.new_version else newest_version(desk, args)
    tag = version_tag(version, args.version_tag_style)
    if args.new_version and not args.bump_only and not desk.clone.resolve(tag):
        raise invalid_ref(tag)
    _confirm_same(desk, args, version)
    text = desk.spec.text()
    rpm_version, milestone = split_version(version)
    is_reset = get_tag(text, "Version") != rpm_version or bool(milestone) != bool(
        get_milestone(text)
    )
    args = replace(
        args,
        new_version=version,
        new_rpm_version=rpm_version,
        new_milestone=milestone,
        new_release=("0.1" if milestone else "1") if is_reset or args.force else "",
        new_patches_base=tag,
        changes=(f"Update to {version}" + (f" ({args.bug})" if args.bug else ""),),
        new_sources=args.new_sources or _wants_new_sources(desk, args),
    )
    if args.bump_only or args.local_patches:
        return args
    if not desk.clone.has_remote_branch(args.patches_branch):
        log.warning(
            "Patches branch '%s' not found. Running in --bump-only mode.", args.patches_branch
        )
        return replace(args, bump_only=True)
    return args


def _confirm_same(desk: Desk, args: Arguments, version: str) -> None:
    if version != args.version:
        return
    if args.unattended:
        raise NothingToDoError(f"Package is already at version {version}")
    desk.confirm(
        f"It seems the package is already at version {version}\n\nRun new-version anyway?",
        default=False,
    )


def _wants_new_sources(desk: Desk, args: Arguments) -> bool:
    """Whether the distgit's sources are kept in a lookaside cache, as far as one can guess."""
    if args.no_new_sources:
        return False
    origin = desk.clone.remotes().get("origin", "")
    return os_dist(args.branch).startswith("RH") or "pkgs.fedoraproject.org" in origin


def show_diff(desk: Desk, args: Arguments) -> Arguments:
    """Step: what upstream has changed."""
    if args.no_diff or args.unattended or args.bump_only:
        return args
    old, new = base_ref(args), args.new_patches_base
    desk.say(desk.clone.diff(old, new, stat=True))
    if desk.ask:
        desk.ask("Go on?", True)
    return args


def prep_new_patches_branch(_desk: Desk, args: Arguments) -> Arguments:
    """Step of rdopkg's list; Gerrit makes a branch when the first review arrives."""
    return args


def rebase_patches_branch(desk: Desk, args: Arguments) -> Arguments | Pause:
    """Step: the patches on the new version; a conflict waits for a person."""
    if args.bump_only:
        return args
    is_first = not args.rebased_from
    old = args.rebased_from or desk.clone.resolve(f"refs/heads/{args.local_patches_branch}")
    if not old:
        raise RefusedError(f"Expected git branch not found: {args.local_patches_branch}")
    args = replace(args, rebased_from=old)
    rebase = Rebase(args.local_patches_branch, old, base_ref(args), args.new_patches_base)
    is_done = (rebasing.begin if is_first else rebasing.go_on)(desk, rebase)
    found = rebasing.fates(desk.clone, rebase)
    desk.say(rebasing.as_text(found, rebase.onto))
    if not is_done:
        stuck = next((one for one in found if one.fate is Fate.CONFLICTING), None)
        what = f"{stuck.commit.subject} {stuck.reason}" if stuck else "git rebase has stopped"
        return Pause(
            f"solve the conflict ({what}), `git add` the files",
            args, is_rerun=True, is_failure=True,
        )  # fmt: skip
    dropped = tuple(one.commit.subject for one in found if one.fate is Fate.DROPPED)
    _push(desk, args)
    desk.clone.checkout(args.branch)
    changes = args.changes
    if desk.names_dropped_patches:
        changes = (*changes, *(f"Drop patch, upstream has it: {subject}" for subject in dropped))
    return replace(args, dropped=dropped, changes=changes)


def _push(desk: Desk, args: Arguments) -> None:
    """Push the patches branch if a person says so; never without a lease."""
    local, remote_branch = args.local_patches_branch, args.patches_branch
    lease = desk.clone.resolve(f"refs/remotes/{remote_branch}")
    if args.patches_style == "review" or args.local_patches or not lease:
        return
    if desk.clone.resolve(f"refs/heads/{local}") == lease:
        log.info("%s is up to date, no need for push.", remote_branch)
        return
    remote, _, branch = remote_branch.partition("/")
    pushes = [Push(remote, f"refs/heads/{local}", f"refs/heads/{branch}", lease)]
    if desk.clone.has_tag(args.new_patches_base):
        tag = f"refs/tags/{args.new_patches_base}"
        pushes.append(Push(remote, tag, tag))
    if not args.push_patches and not _wants_push(desk, args, f"{local} to {remote} / {branch}"):
        if not args.no_push_patches:
            shown = " && ".join(map(str, pushes))
            log.warning("%s is not pushed; that would be: %s", local, shown)
        return
    for push in pushes:
        desk.clone.push(push)


def _wants_push(desk: Desk, args: Arguments, what: str) -> bool:
    if args.no_push_patches or args.unattended or desk.ask is None:
        return False
    return desk.ask(f"Push {what} (with --force-with-lease)?", True)


def get_source(_desk: Desk, args: Arguments) -> Arguments:
    """Step: the sources of the new version, if they are wanted."""
    return args


def new_sources(_desk: Desk, args: Arguments) -> Arguments:
    """Step: the new sources into the lookaside cache."""
    return args


def review_patches_branch(desk: Desk, args: Arguments) -> Arguments:
    """Step: send the patches branch to Gerrit, if it is kept there and a person says so."""
    if args.patches_style != "review" or args.bump_only or args.no_push_patches:
        return args
    question = f"Send {args.local_patches_branch} branch for review?"
    if desk.ask is not None and not args.unattended and desk.ask(question, True):
        from rdo.distgit.gerrit import send_patches

        send_patches(desk, args.local_patches_branch)
    return args
