"""The steps of `new-version`: update to another version, and rebase the patches onto it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.version import InvalidVersion, Version

from rdo.distgit.patches import rebase as rebasing
from rdo.distgit.patches.patches_branch import (
    base_ref,
    ensure_patches_base_ref,
    refuse,
    select,
)
from rdo.distgit.patches.rebase import Fate, PatchFate, Rebase
from rdo.distgit.update.ahead import check_ahead
from rdo.distgit.update.newest import newest_version
from rdo.distgit.update.spec_update import final_spec_diff, numbers_of
from rdo.distgit.verb.actions import StepPause
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import os_dist
from rdo.distgit.verb.problems import NothingToDoError, invalid_ref
from rdo.distgit.verb.state import Arguments
from rdo.errors import NotFoundError, OutsideError, RefusedError, UserError
from rdo.model.text.spec_text import in_spec
from rdo.roots.platform.spec_macros import spec_macros
from rdo.spec.file import Expected, SpecFile
from rdo.spec.macros import get_milestone
from rdo.spec.magic import PatchesBase, get_magic, set_magic
from rdo.spec.patches import our_patches
from rdo.spec.release import ReleaseParts, ReleaseStyle, release_style
from rdo.spec.tags import find_tag, get_tag
from rdo.tools.git.clone import Push
from rdo.tools.git.fedpkg import upload, upload_command
from rdo.tools.git.stops import GitStoppedError
from rdo.tools.packaging.gpg import BadSignatureError
from rdo.tools.rpm.srpm import SrpmMaker
from rdo.upstream_versions import (
    SpecNumbers,
    is_version,
    tag_of,
    tags_of_version,
    version_of_tag,
)

log = logging.getLogger(__name__)


def ensure_base(desk: Desk, args: Arguments) -> Arguments:
    """Step: check that the git ref below the patches exists, and that the spec has a version.

    Raises RefusedError if not; with `--force`, a spec whose Version is set by trunk builds is
    accepted.
    """
    args = _checked_placeholder(desk, args)
    if not args.bump_only and not desk.is_rdopkg and _has_no_patches(desk, args):
        log.warning("no patches and no patches branch: running in --bump-only mode")
        args = replace(args, bump_only=True)
    return ensure_patches_base_ref(desk, args)


def _has_no_patches(desk: Desk, args: Arguments) -> bool:
    """Whether there are no patches to rebase, so that upstream's history is not needed."""
    is_there = desk.clone.has_branch(args.local_patches_branch) or desk.clone.has_remote_branch(
        args.patches_branch
    )
    return not is_there and not our_patches(desk.spec.text())


def _checked_placeholder(desk: Desk, args: Arguments) -> Arguments:
    text = desk.spec.text()
    release = find_tag(text, "Release")
    style = release_style(release.value if release else "")
    is_placeholder = style is ReleaseStyle.PLACEHOLDER or get_tag(text, "Version") == "XXX"
    if not is_placeholder:
        return args
    if not args.force:
        raise RefusedError(
            f"trunk builds set the Version of {args.branch}; new versions go to the "
            f"release branch ({_release_branch(desk)})",
            hint="check that branch out, or use --force to set Version and Release here",
        )
    if not args.bump_only and not desk.clone.resolve(base_ref(args)):
        log.warning("no version to take patches from; setting only Version and Release")
        return replace(args, bump_only=True)
    return args


def _release_branch(desk: Desk) -> str:
    """Return the newest branch of a release, such as epoxy-rdo."""
    out = desk.clone.plumb(
        *("for-each-ref", "--sort=-committerdate", "--format=%(refname)"),
        *("refs/heads/*-rdo", "refs/remotes/*/*-rdo"),
    )
    names = [ref.rpartition("/")[2] for ref in out.splitlines()]
    return names[0] if names else "RELEASE-rdo"


def new_version_setup(desk: Desk, args: Arguments) -> Arguments:
    """Step: choose the new version, Release, patches base and changelog entry.

    Raises RefusedError for a version without a tag, and NothingToDoError for the current one.
    """
    version = _named(args) if args.new_version else newest_version(desk, args)
    numbers = _numbers(desk, version)
    tag = _tag(desk, args, version)
    _confirm_same(desk, args, version)
    _refuse_patches(desk, args)
    is_reset = _is_reset(desk.spec, numbers)
    args = replace(
        args,
        new_version=version,
        new_rpm_version=numbers.version,
        new_milestone=numbers.milestone,
        new_release=numbers.release_start if is_reset or args.force else "",
        new_patches_base=tag,
        changes=(f"Update to {version}" + (f" ({args.bug})" if args.bug else ""),),
        new_sources=args.new_sources or _wants_new_sources(desk, args),
    )
    if not (args.bump_only or args.local_patches):
        is_there = desk.clone.has_remote_branch(args.patches_branch)
        args = args if is_there else _without(desk, args)
    check_ahead(desk, args)
    return args


def _named(args: Arguments) -> str:
    """Return the version that a tag, or the argument itself, names."""
    before, _, style = args.version_tag_style.partition("X.Y.Z")
    by_style = args.new_version.removeprefix(before)
    if before and not style and by_style != args.new_version and is_version(by_style):
        return by_style
    return version_of_tag(args.new_version) or args.new_version


def _numbers(desk: Desk, version: str) -> SpecNumbers:
    """Return the spec's numbers for a version; raises RefusedError if it is not a version."""
    try:
        return numbers_of(desk, version)
    except ValueError as error:
        if in_spec(version) != version:
            raise RefusedError(
                f"{version!r} cannot be a version: a spec would read it as a macro"
            ) from error
        raise RefusedError(
            f"{version!r} is not a version that can be ordered", hint="name it like 1.2.3 or 1.2rc1"
        ) from error


def _tag(desk: Desk, args: Arguments, version: str) -> str:
    """Return the tag of the new version, preferably named like the current version's tag.

    Raises RefusedError if there is none.
    """
    tag = tag_of(version, args.version_tag_style)
    if args.bump_only:
        return tag
    named = [args.new_version] if desk.clone.has_tag(args.new_version) else []
    for one in (*named, tag, *tags_of_version(version, desk.clone.tags())):
        if desk.clone.resolve(one):
            return one
    raise invalid_ref(tag, desk.clone.newest_tags(3))


def _is_reset(spec: SpecFile, numbers: SpecNumbers) -> bool:
    """Whether Release starts again: for another Version, or another kind of the same version."""
    text = spec.text()
    if spec.reading().version != numbers.version:
        return True
    release = ReleaseParts.parse(get_tag(text, "Release"))
    is_pre = bool(get_milestone(text)) or release.is_prerelease
    was_dev = is_pre and release.numbers.startswith("0.0.")
    return is_pre != bool(numbers.order) or was_dev != (numbers.release_start == "0.0.1")


def _refuse_patches(desk: Desk, args: Arguments) -> None:
    """Raise RefusedError, before anything is changed, if a commit cannot be a patch of %prep."""
    head = f"refs/remotes/{args.patches_branch}"
    if args.local_patches or not desk.clone.resolve(head):
        head = f"refs/heads/{args.local_patches_branch}"
    if not args.bump_only and desk.clone.resolve(head):
        refuse(desk, select(desk, base_ref(args), head), base_ref(args), head)


def _without(desk: Desk, args: Arguments) -> Arguments:
    """Continue without a remote patches branch: use the local one, or change only the numbers.

    `rdopkg` always changes only the numbers: its users pass -l to use the local branch.
    """
    if not desk.is_rdopkg and desk.clone.has_branch(args.local_patches_branch):
        log.warning(
            "Patches branch '%s' not found; rebasing the local %s onto the new version.",
            *(args.patches_branch, args.local_patches_branch),
        )
        return replace(args, local_patches=True)
    log.warning("Patches branch '%s' not found. Running in --bump-only mode.", args.patches_branch)
    if not desk.is_rdopkg and our_patches(desk.spec.text()):
        log.warning(
            "The patches in the .spec file stay as they are; to make a branch from them, run "
            "`rdo pkg import-patches` before new-version."
        )
    return replace(args, bump_only=True)


def _confirm_same(desk: Desk, args: Arguments, version: str) -> None:
    is_chosen = bool(args.new_version) or desk.is_rdopkg
    if version != args.version and (is_chosen or not _is_below(version, args.version)):
        return
    if args.unattended or not is_chosen:
        raise NothingToDoError(f"Package is already at version {args.version}")
    desk.confirm(
        f"It seems the package is already at version {version}\n\nRun new-version anyway?",
        default=False,
    )


def _is_below(version: str, other: str) -> bool:
    try:
        return Version(version) < Version(other)
    except InvalidVersion:
        return False


def _wants_new_sources(desk: Desk, args: Arguments) -> bool:
    """Guess whether the distgit's sources are stored in a lookaside cache."""
    if args.no_new_sources:
        return False
    origin = desk.clone.remotes().get("origin", "")
    return os_dist(args.branch).startswith("RH") or "pkgs.fedoraproject.org" in origin


def show_diff(desk: Desk, args: Arguments) -> Arguments:
    """Step: show upstream's changes, and whether the repositories meet its requirements."""
    old, new = base_ref(args), args.new_patches_base
    if not (args.no_diff or args.unattended or args.bump_only):
        from rdo.distgit.requirements.requirement_report import reqdiff  # loads a YAML reader
        from rdo.distgit.requirements.upstream_source import python_of

        desk.say(desk.clone.diff(old, new, stat=True, most=None if desk.is_rdopkg else 10))
        try:
            desk.say(reqdiff(desk, (old, new), python_of(desk, ""))[2].text())
        except UserError as error:  # the update continues without this information
            log.warning("cannot compare requirements: %s", error)
        if desk.ask:
            desk.ask("Continue?", True)
    if args.repositories and desk.clone.resolve(new):
        desk.say(_requirements(desk, new, [Path(folder) for folder in args.repositories]))
    return args


def _requirements(desk: Desk, ref: str, repositories: Sequence[Path]) -> str:
    """Return what the repositories offer for each requirement of the new version."""
    from rdo.distgit.requirements.availability import available
    from rdo.distgit.requirements.declared import RequirementKind, declared
    from rdo.distgit.requirements.upstream_source import at_ref, python_of

    found = declared(at_ref(desk, ref), python_of(desk, ""))
    kinds = {RequirementKind.RUN, RequirementKind.BUILD}
    wanted = [one for one in found.wanted if one.kind in kinds]
    rows = [f"  {x}" for x in available(wanted, repositories)]
    return "\n".join(["REPOSITORIES:", *rows, *(f"  not known: {x}" for x in found.unknown)])


def prep_new_patches_branch(_desk: Desk, args: Arguments) -> Arguments:
    """Step of rdopkg: do nothing, because Gerrit creates the branch with the first review."""
    return args


def rebase_patches_branch(desk: Desk, args: Arguments) -> Arguments | StepPause:
    """Step: rebase the patches onto the new version; stop for a person at a conflict.

    Raises RefusedError if there is no local patches branch.
    """
    if args.bump_only:
        return args
    is_first = not args.rebased_from
    old = args.rebased_from or desk.clone.resolve(f"refs/heads/{args.local_patches_branch}")
    if not old:
        raise RefusedError(f"Expected git branch not found: {args.local_patches_branch}")
    args = replace(args, rebased_from=old)
    rebase = Rebase(args.local_patches_branch, old, base_ref(args), args.new_patches_base)
    try:
        is_done = (rebasing.begin if is_first else rebasing.go_on)(desk, rebase)
    except GitStoppedError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return StepPause(f"{error}{hint}", args, is_rerun=True, is_failure=True)
    found = rebasing.fates(desk.clone, rebase, args.conflicted)
    desk.say(rebasing.as_text(found, rebase.onto))
    args = replace(args, report=tuple(map(str, found)))
    if not is_done:
        stuck = next((one for one in found if one.fate is Fate.CONFLICTING), None)
        if stuck:
            args = replace(args, conflicted=(*args.conflicted, stuck.commit.hash))
        what = f"{stuck.commit.subject} {stuck.reason}" if stuck else "git rebase has stopped"
        for commit in rebasing.rivals(desk.clone, rebase):
            desk.say(f"  {'upstream':<11} {commit.short}  {commit.subject}")
        return StepPause(
            f"resolve the conflict ({what}) and `git add` the files, "
            f"or drop the patch with `git rebase --skip`",
            args,
            is_rerun=True,
            is_failure=True,
        )
    dropped = [one for one in found if one.fate is Fate.DROPPED]
    _push(desk, args)
    desk.clone.checkout(args.branch)
    _count_excluded(desk, found)
    changes = args.changes
    if not desk.is_rdopkg:  # whose changelogs have one line for an update
        changes = (*changes, *map(_drop_line, dropped))
    return replace(args, changes=changes)


def _count_excluded(desk: Desk, found: Sequence[PatchFate]) -> None:
    """Lower N in patches_base=REF+N by the excluded patches that upstream now has.

    Otherwise it would exclude other patches.
    """
    text = desk.spec.text()
    base = PatchesBase.parse(get_magic(text, "patches_base"))
    gone = sum(one.fate is Fate.DROPPED for one in found[: base.excluded])
    if gone:
        left = PatchesBase(base.ref, base.excluded - gone)
        log.info("patches_base: upstream now has %d of %d excluded patches", gone, base.excluded)
        desk.spec.write(set_magic(text, "patches_base", str(left)), Expected())


def _drop_line(one: PatchFate) -> str:
    why = ", upstream has it" if one.is_upstream else ""
    return f"Drop patch{why}: {one.commit.subject}"


def _push(desk: Desk, args: Arguments) -> None:
    """Push the patches branch if the user agrees, with a lease."""
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
            log.warning("%s was not pushed; to push it: %s", local, shown)
        return
    for push in pushes:
        desk.clone.push(push)


def _wants_push(desk: Desk, args: Arguments, what: str) -> bool:
    if args.no_push_patches or args.unattended or desk.ask is None:
        return False
    return desk.ask(f"Push {what} (with --force-with-lease)?", True)


def get_source(desk: Desk, args: Arguments) -> Arguments | StepPause:
    """Step: download the sources of the new version, if asked to, and verify their signatures."""
    if not args.take_sources and not args.new_sources:
        return args
    from rdo.distgit.update import sources  # loads an HTTP client

    try:
        new = sources.take(desk, only_first=_is_only_first(desk, args))
    except (OutsideError, NotFoundError) as error:
        return StepPause(
            f"Failed to download source tarball. Please update Source0 in .spec file. ({error})",
            args,
            is_rerun=True,
            is_failure=not desk.is_rdopkg,
        )
    if args.take_sources and not desk.clone.is_dry:
        for line in _verified(desk, new):
            desk.say(line)
    return args


def _verified(desk: Desk, new: Sequence[Path]) -> Sequence[str]:
    """Return who signed what; delete new files with a bad signature."""
    from rdo.distgit.update import sources

    try:
        return sources.verify(desk)
    except BadSignatureError:
        for file in new:
            file.unlink(missing_ok=True)
        raise


def new_sources(desk: Desk, args: Arguments) -> Arguments:
    """Step: upload the new sources to the lookaside cache."""
    if not args.new_sources:
        return args
    from rdo.distgit.update import sources

    found = [source for source in sources.sources(desk) if source.url or source.number == 0]
    files = [source.file for source in found[: 1 if _is_only_first(desk, args) else None]]
    is_red_hat = os_dist(args.branch).startswith("RH")
    if desk.clone.is_dry:
        log.info("would run %s", " ".join(upload_command(files, is_red_hat=is_red_hat)))
    else:
        for name in ("sources", ".gitignore"):  # fedpkg and rhpkg write these
            desk.clone.will_write(desk.folder / name, None)
        upload(files, is_red_hat=is_red_hat, folder=desk.folder)
    return args


def _is_only_first(desk: Desk, args: Arguments) -> bool:
    """Whether to take only Source0, as rdopkg does; an upload replaces the whole `sources` file."""
    return desk.is_rdopkg and not args.take_sources


def finish(desk: Desk, args: Arguments) -> Arguments:
    """Step: show what was done; after an update with sources, also make the SRPM."""
    args = final_spec_diff(desk, args)
    if args.take_sources and not desk.clone.is_dry:
        spec = desk.spec
        maker = SrpmMaker(macros=spec_macros())
        srpm = maker.make(spec.file, desk.folder, spec.sources_folder)
        desk.clone.will_write(srpm, None)
        desk.say(f"built {srpm.name}")
    return args


def review_patches_branch(desk: Desk, args: Arguments) -> Arguments:
    """Step: send the patches branch to Gerrit, if it is kept there and the user agrees."""
    if args.patches_style != "review" or args.bump_only or args.no_push_patches:
        return args
    branch = args.local_patches_branch
    if args.local_patches and not args.push_patches:
        return args
    if args.push_patches or _wants_review(desk, args, branch):
        from rdo.distgit.patches.gerrit import REMOTE, send_branch

        send_branch(desk, REMOTE, branch, above=args.new_patches_base)
    else:
        log.warning("%s is not sent; `%s review-patch` does that", branch, desk.program)
    return args


def _wants_review(desk: Desk, args: Arguments, branch: str) -> bool:
    if args.unattended or desk.ask is None:
        return False
    return desk.ask(f"Send {branch} branch for review?", True)
