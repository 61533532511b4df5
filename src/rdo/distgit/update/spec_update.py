"""Steps that set the spec's numbers, write its changelog, and commit."""

import logging
import os
import re
import sys
from collections.abc import Mapping

from rdo.distgit.update.new_sources import newer, with_new_sources, with_newer_macros
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
from rdo.model.text.spec_text import in_spec
from rdo.spec import changelog
from rdo.spec.definitions import (
    ComputedValueError,
    numbered_again,
    release_place,
    set_release,
    set_version,
    with_epoch,
)
from rdo.spec.file import Expected
from rdo.spec.macros import (
    get_milestone,
    has_macros,
    set_milestone,
    set_upstream_version,
)
from rdo.spec.magic import PatchesBase, get_magic, set_magic
from rdo.spec.release import (
    DIST,
    NO_NUMBER,
    ReleaseParts,
    ReleaseStyle,
    bumped,
    dist_of,
    release_of,
    release_style,
    with_dist,
)
from rdo.spec.tags import find_tag, get_tag, set_tag
from rdo.spec.text import SpecText
from rdo.tools.packaging.archive_test import is_archive
from rdo.upstream_versions import SpecNumbers, numbers_like, split_tag

_PATCH = re.compile(r"\.(?:patch|diff)(?:\.\w+)?$")
_SIGNATURE = re.compile(r"\.(?:asc|sig|sign)$")

log = logging.getLogger(__name__)


def update_spec(desk: Desk, args: Arguments) -> Arguments:
    """Step: set Version, Release, milestone and patches_base, and add a changelog entry."""
    if args.no_bump:
        return args
    ensure_branch(desk, args)
    text = updated(desk, args)
    meant = expected(desk, args, text)
    _rename(desk, meant.renamed)
    desk.spec.write(text, meant)
    if has_written_changelog(desk):
        _add_entry(desk, args)
    return args


def _rename(desk: Desk, renamed: Mapping[str, str]) -> None:
    """Rename the distgit's own files that are named after the version."""
    for old, new in renamed.items():
        was, will_be = (desk.spec.sources_folder / name for name in (old, new))
        if was.is_file() and not will_be.exists():
            desk.clone.rename(was, will_be)


def expected(desk: Desk, args: Arguments, text: SpecText) -> Expected:
    """Return the numbers that rpm should read after an update to the version in `args`."""
    epoch = find_tag(text, "Epoch")
    is_raised = "!" in args.new_version
    return Expected(
        version=args.new_rpm_version or None,
        epoch=epoch.value if is_raised and epoch else None,
        has_new_release=True,
        is_lower_fine=args.force,
        has_new_sources=True,
        renamed=_own_files(desk, text) if args.new_version else {},
    )


def _own_files(desk: Desk, text: SpecText) -> dict[str, str]:
    """Return the distgit's files that are named after the version, with their new names.

    Archives and signatures are not included: they are upstream's, and those of the new version have
    other bytes.
    """
    found = desk.spec.renames(text)
    others = {name for name in found if not _PATCH.search(name)}
    tracked = frozenset(desk.clone.tracked_files) if others else frozenset()
    mine = {name for name in others if desk.beside(name) in tracked}
    ours = {name for name in mine if not (is_archive(name) or _SIGNATURE.search(name))}
    return {old: new for old, new in found.items() if old not in others or old in ours}


def updated(desk: Desk, args: Arguments) -> SpecText:
    """Return the spec with the numbers in `args`, and with the sources of a new version.

    Raises RefusedError if they cannot be changed where the spec defines them.
    """
    numbers = numbers_of(desk, args.new_version) if args.new_version else None
    return with_new_sources(desk, args, _numbered(desk.spec.text(), args, numbers))


def numbers_of(desk: Desk, version: str) -> SpecNumbers:
    """Return the numbers of a version in the form of the spec.

    Raises ValueError if its order is not known.
    """
    is_automatic = _style(desk.spec.text()) is ReleaseStyle.AUTOMATIC
    return numbers_like(version, desk.spec.reading().version, is_alone=is_automatic)


def _numbered(text: SpecText, args: Arguments, numbers: SpecNumbers | None) -> SpecText:
    """Return the spec with the new Version and Release, or with the next Release."""
    style = _style(text)
    fills_in = args.force and style is ReleaseStyle.PLACEHOLDER
    if numbers:
        text = _versioned(text, args.version, numbers.version)
        text = with_epoch(text, numbers.epoch)
    if style.is_bumped or fills_in:
        text = _released(text, args, numbers)
    elif args.new_milestone or args.new_release:
        text = set_milestone(text, args.new_milestone)
    if numbers and style is not ReleaseStyle.PLACEHOLDER:
        is_literal = numbers.version + get_milestone(text) != numbers.upstream
        text = set_upstream_version(text, numbers.upstream if is_literal else "")
    return _with_base(text, args) if args.new_patches_base else text


def _versioned(text: SpecText, old: str, new: str) -> SpecText:
    """Set Version, or a macro that it comes from; rpm confirms the result later."""
    try:
        return set_version(text, new)
    except ComputedValueError:
        value = get_tag(text, "Version")
        literal = newer(value, old, new)
        if literal != value:
            return set_tag(text, "Version", literal)
        changed = with_newer_macros(text, value, old, new)
        if bytes(changed) == bytes(text):
            raise
        return changed


def _style(text: SpecText) -> ReleaseStyle:
    release = find_tag(text, "Release")
    return release_style(release.value if release else "")


def _released(text: SpecText, args: Arguments, numbers: SpecNumbers | None) -> SpecText:
    place = release_place(text)
    parts = ReleaseParts.parse(place.value)
    is_apart = place.macro is not None or bool(place.prefix)
    is_ours = not is_apart and (parts.is_known or _style(text) is not ReleaseStyle.GENERIC)
    index = args.release_bump_index or _style(text).bump_index
    number = args.new_release or ReleaseParts.parse(bumped(place.value, index)).numbers
    if numbers is None or (not args.new_release and not numbers.order):
        return set_release(text, lambda value: bumped(value, index))
    if is_ours:
        text = set_milestone(text, numbers.milestone if numbers.order else "")
        new = release_of(number, numbers)
        return set_tag(text, "Release", _dist_as_before(place.value, new))
    if is_apart:
        text = set_milestone(text, numbers.milestone if numbers.order else "")
        return set_release(text, lambda value: numbered_again(value, number, numbers.order))
    if not parts.numbers:
        raise RefusedError(f"Release has no number of its own: {place.value}", hint=NO_NUMBER)
    log.info("Custom Release format detected - assuming custom milestone management.")
    return set_release(text, lambda _: with_dist(f"{number}{parts.milestone}{parts.rest}"))


def _dist_as_before(old: str, new: str) -> str:
    """Return a Release with the dist tag spelled as in the old one."""
    spelled = dist_of(old)
    return new.replace(DIST, spelled) if spelled else new


def _with_base(text: SpecText, args: Arguments) -> SpecText:
    """Write patches_base, unless it equals Version."""
    written = get_magic(text, "patches_base")
    base = PatchesBase.parse(written)
    if has_macros(base.ref):
        log.info("Macro detected in patches_base - not touching that.")
        return text
    version, style = split_tag(args.new_patches_base)
    is_version = version == args.new_rpm_version and style in {"", "vX.Y.Z", "VX.Y.Z"}
    has_ignore = bool(get_magic(text, "patches_ignore"))
    new = "" if is_version and not (has_ignore and written) else args.new_patches_base
    if not written and not new:
        return text
    if in_spec(new) != new:
        raise RefusedError(
            f"the tag {new} cannot be written as patches_base: rpm would read a macro in it",
            hint="give the commit a tag without %, and use that",
        )
    return set_magic(text, "patches_base", str(PatchesBase(new, base.excluded)))


def _add_entry(desk: Desk, args: Arguments) -> None:
    who = desk.user(args.changelog_user, args.changelog_email)
    text = desk.spec.text()
    day = changelog.not_before(text, desk.now())
    first = changelog.header(day, who, desk.spec.numbered().vr)
    changes = args.changes or ((args.message,) if args.message else ())
    meant = Expected(has_new_entry=True if changes else None)
    desk.spec.write(changelog.with_entry(text, first, changes), meant)


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
    """Let the user write the message in an editor, for specs without a changelog of ours.

    If there is no editor, return the proposal. Raises RefusedError if there is neither, or if the
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
    """Return git's own editor; that of a terminal is used only if there is one."""
    named = os.environ.get("GIT_EDITOR") or desk.clone.config("core.editor")
    if named or not sys.stdin.isatty():
        return named
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"


def final_spec_diff(desk: Desk, args: Arguments) -> Arguments:
    """Step: show what was done; a dry run shows the diff in any case."""
    ensure_branch(desk, args)
    if desk.clone.is_dry:
        desk.say(desk.clone.last_change())
        return args
    spec = str(desk.spec.file.relative_to(desk.folder))
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
        raise RefusedError("the last commit has no parent to squash it into")
    desk.clone.squash()


def set_magic_comment(desk: Desk, name: str, value: str) -> None:
    """Set a magic comment; an empty value removes it."""
    text = desk.spec.text()
    if not value and get_magic(text, name):
        desk.say(f"Dropping {name}")
    desk.spec.write(set_magic(text, name, value), Expected())
