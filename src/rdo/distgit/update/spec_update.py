"""Steps that set the spec's numbers, write its changelog, and commit."""

import logging
import os
import sys

from rdo.distgit.verb.actions import StepPause
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.message import (
    change_id_of,
    commit_message,
    has_written_changelog,
    plain_message,
    read_header,
)
from rdo.distgit.verb.state import Arguments
from rdo.errors import RefusedError
from rdo.spec import changelog
from rdo.spec.file import Expected
from rdo.spec.macros import get_milestone, has_macros, set_milestone
from rdo.spec.magic import PatchesBase, get_magic, set_magic
from rdo.spec.release import DIST, ReleaseParts, ReleaseStyle, bumped, release_style, tag_version
from rdo.spec.tags import find_tag, get_tag, set_tag
from rdo.spec.text import SpecText

log = logging.getLogger(__name__)


def update_spec(desk: Desk, args: Arguments) -> Arguments:
    """Step: set Version, Release, milestone and patches_base, and add a changelog entry."""
    if args.no_bump:
        return args
    ensure_branch(desk, args)
    old = desk.spec.text()
    text = _numbered(old, args)
    version = args.new_rpm_version or None
    desk.spec.write(text, Expected(version=_expected_version(text, version), has_new_sources=True))
    if has_written_changelog(desk):
        _add_entry(desk, args)
    return args


def _expected_version(text: SpecText, version: str | None) -> str | None:
    """Return the Version that rpm should read; None if macros determine it."""
    return None if version is None or has_macros(get_tag(text, "Version")) else version


def _numbered(text: SpecText, args: Arguments) -> SpecText:
    style = _style(text)
    fills_in = args.force and style is ReleaseStyle.PLACEHOLDER
    if args.new_rpm_version:
        if has_macros(get_tag(text, "Version")):
            log.info("Version contains macro - not touching that.")
        else:
            text = set_tag(text, "Version", args.new_rpm_version)
    if style.is_bumped or fills_in:
        text = _released(text, args)
    elif args.new_milestone or args.new_release:
        text = set_milestone(text, args.new_milestone)
    return _with_base(text, args) if args.new_patches_base else text


def _style(text: SpecText) -> ReleaseStyle:
    release = find_tag(text, "Release")
    return release_style(release.value if release else "")


def _released(text: SpecText, args: Arguments) -> SpecText:
    release = get_tag(text, "Release")
    if args.new_release:
        parts = ReleaseParts.parse(release)
        if parts.is_known or _style(text) is not ReleaseStyle.GENERIC:
            milestone = "%{?milestone}" if args.new_milestone else ""
            text = set_milestone(text, args.new_milestone)
            return set_tag(text, "Release", f"{args.new_release}{milestone}{DIST}")
        log.info("Custom Release format detected - assuming custom milestone management.")
        rest = parts.rest if "%{?dist}" in parts.rest else f"{parts.rest}{DIST}"
        return set_tag(text, "Release", f"{args.new_release}{parts.milestone}{rest}")
    if args.new_milestone and args.new_milestone != get_milestone(text):
        text = set_milestone(text, args.new_milestone)
    index = args.release_bump_index or _style(text).bump_index
    return set_tag(text, "Release", bumped(release, index))


def _with_base(text: SpecText, args: Arguments) -> SpecText:
    """Write patches_base, unless it is the same as Version."""
    written = get_magic(text, "patches_base")
    base = PatchesBase.parse(written)
    if has_macros(base.ref):
        log.info("Macro detected in patches_base - not touching that.")
        return text
    is_version = tag_version(args.new_patches_base)[0] == args.new_rpm_version
    has_ignore = bool(get_magic(text, "patches_ignore"))
    new = "" if is_version and not (has_ignore and written) else args.new_patches_base
    if not written and not new:
        return text
    return set_magic(text, "patches_base", str(PatchesBase(new, base.excluded)))


def _add_entry(desk: Desk, args: Arguments) -> None:
    who = desk.user(args.changelog_user, args.changelog_email)
    first = changelog.header(desk.now(), who, desk.spec.reading().vr)
    changes = args.changes or ((args.message,) if args.message else ())
    desk.spec.write(changelog.with_entry(desk.spec.text(), first, changes), Expected())


def ensure_branch(desk: Desk, args: Arguments) -> None:
    """Check out the distgit branch, if a rebase or a person has left it."""
    branch = desk.clone.branch
    if args.branch and branch != args.branch:
        desk.clone.checkout(args.branch)


def edit_spec(_desk: Desk, args: Arguments) -> StepPause:
    """Step: stop for a person to edit the spec."""
    return StepPause("Edit .spec file as needed and describe changes in changelog.", args)


def commit_distgit_update(desk: Desk, args: Arguments) -> Arguments:
    """Step: commit everything; raises RefusedError if nothing has changed."""
    ensure_branch(desk, args)
    if not desk.clone.changed_files:
        raise RefusedError("No distgit changes found")
    change_id = change_id_of(desk.clone.message("HEAD")) if args.amend else ""
    desk.clone.commit(_message(desk, args, change_id), amend=args.amend)
    return args


def _message(desk: Desk, args: Arguments, change_id: str) -> str:
    if args.no_bump:
        subject = args.message or f"Updated patches from {args.local_patches_branch}"
        if args.commit_header_file:
            subject = read_header(args.commit_header_file, desk.folder).rstrip("\n")
        return with_change_id(plain_message(subject), change_id)
    if has_written_changelog(desk):
        return commit_message(desk, header_file=args.commit_header_file, change_id=change_id)
    if args.commit_header_file:
        subject = read_header(args.commit_header_file, desk.folder).rstrip("\n")
        return with_change_id(plain_message(subject, args.changes), change_id)
    if args.message:
        return with_change_id(plain_message(args.message, args.changes), change_id)
    proposal = plain_message(args.changes[0], args.changes) if args.changes else ""
    return with_change_id(written_message(desk, proposal), change_id)


def with_change_id(message: str, change_id: str) -> str:
    """Append a Change-Id to a message, if there is one."""
    return f"{message}\nChange-Id: {change_id}\n" if change_id else message


def written_message(desk: Desk, proposal: str = "") -> str:
    """Let the maintainer write the message in an editor, for specs without a changelog of ours.

    Without an editor, return the proposal. Raises RefusedError if there is neither, or if the
    message is empty.
    """
    editor = _editor(desk)
    if not editor and not proposal:
        raise RefusedError(
            "the commit needs a message: this .spec has no changelog of its own",
            hint="use -m MESSAGE, or set GIT_EDITOR",
        )
    if not editor:
        return proposal
    file = desk.clone.git_dir / "RDO_EDITMSG"
    help_text = "# The first line is the subject of the commit; lines with # are ignored.\n"
    file.write_text(f"{proposal}\n{help_text}")
    is_fine = desk.clone.edit(editor, file)
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    file.unlink(missing_ok=True)
    message = "\n".join(lines).strip()
    if not is_fine or not message:
        raise RefusedError("the commit message is empty; nothing was committed")
    return f"{message}\n"


def _editor(desk: Desk) -> str:
    """Return git's own editor; use the terminal's only if there is a terminal."""
    named = os.environ.get("GIT_EDITOR") or desk.clone.config("core.editor")
    if named or not sys.stdin.isatty():
        return named
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"


def final_spec_diff(desk: Desk, args: Arguments) -> Arguments:
    """Step: show what was done; a dry run shows the diff anyway."""
    ensure_branch(desk, args)
    if desk.clone.is_dry:
        desk.say(desk.clone.last_change())
        return args
    spec = desk.spec.path.name
    diff = desk.clone.diff("HEAD~", "HEAD", spec) if desk.clone.resolve("HEAD~") else ""
    desk.say(f"Important distgit changes:\n{diff}\n\n{desk.clone.last_change()}\n")
    desk.say("Requested distgit update finished, see last commit.")
    return args


def amend(desk: Desk, header_file: str = "", message: str = "") -> None:
    """Add all changes to the last commit, with a message from the current changelog."""
    last = desk.clone.message("HEAD")
    change_id = change_id_of(last)
    if has_written_changelog(desk):
        text = commit_message(desk, header_file=header_file, change_id=change_id)
    elif header_file or message:
        subject = message or read_header(header_file, desk.folder).rstrip("\n")
        text = with_change_id(plain_message(subject), change_id)
    else:
        text = last
    desk.clone.commit(text, amend=True)
    desk.say(desk.clone.last_change())


def squash(desk: Desk) -> None:
    """Merge the last commit into the one before it; raises RefusedError if there is none."""
    if not desk.clone.resolve("HEAD~"):
        raise RefusedError("there is no commit below the last one to squash it into")
    desk.clone.squash()


def set_magic_comment(desk: Desk, name: str, value: str) -> None:
    """Set a magic comment; an empty value removes it."""
    text = desk.spec.text()
    if not value and get_magic(text, name):
        desk.say(f"Dropping {name}")
    desk.spec.write(set_magic(text, name, value), Expected())
