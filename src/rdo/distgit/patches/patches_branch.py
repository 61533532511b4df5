"""Steps that turn the commits of the patches branch into the patch files of the distgit."""

import logging
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rdo.atomic import write_file
from rdo.distgit.lint import require_sane
from rdo.distgit.patches.unfit import (
    refuse_crlf,
    refuse_lost_merges,
    refuse_submodules,
    refuse_unfit,
)
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import os_dist, package_env, require_tracked_spec
from rdo.distgit.verb.message import bugs
from rdo.distgit.verb.problems import NothingToDoError, invalid_base, missing_patches_branch
from rdo.distgit.verb.state import Arguments
from rdo.errors import RefusedError
from rdo.model.text.patch_subject import subject_of
from rdo.spec.definitions import is_named_in_prep
from rdo.spec.file import Expected, UnwantedEffectError
from rdo.spec.macros import get_macro, set_macro
from rdo.spec.magic import PatchesBase, get_magic
from rdo.spec.patches import our_patches, with_patches
from rdo.spec.text import SpecText
from rdo.tools.git.clone import Push
from rdo.tools.git.cloned_history import PatchCommit
from rdo.tools.walls.strange_pattern import found_in
from rdo.upstream_versions import tag_of

log = logging.getLogger(__name__)

_COMMIT = "commit"
_FROM = re.compile(r"From ([0-9a-f]{7,64}) ")


def get_package_env(desk: Desk, args: Arguments) -> Arguments:
    """Step: guess the environment, except for the given values.

    Raises RefusedError for a spec that git does not track: no commit would contain its changes.
    """
    env = package_env(
        desk,
        patches_branch=args.patches_branch,
        local_patches_branch=args.local_patches_branch,
        gerrit=args.gerrit_patches_chain,
    )
    require_tracked_spec(desk)
    if os_dist(env.branch).startswith("RH"):
        log.info("RH package detected.")
    return replace(
        args,
        package=env.package,
        branch=env.branch,
        patches_branch=env.patches_branch,
        local_patches_branch=env.local_patches_branch,
        patches_style=args.patches_style or env.patches_style,
        version=env.version,
        version_tag_style=env.version_tag_style,
        release_bump_index=args.release_bump_index or env.release_bump_index,
    )


def base_ref(args: Arguments) -> str:
    """Return the git ref below the patches that the spec has now."""
    return tag_of(args.version, args.version_tag_style)


def ensure_patches_base_ref(desk: Desk, args: Arguments) -> Arguments:
    """Step: check that the git ref below the patches exists; RefusedError if not."""
    if not args.bump_only and not desk.clone.resolve(base_ref(args)):
        raise invalid_base(base_ref(args))
    return args


def ensure_patches_branch(desk: Desk, args: Arguments) -> Arguments:
    """Step: check that the patches branch exists; RefusedError if not."""
    if args.bump_only:
        return args
    if args.local_patches:
        if not desk.clone.has_branch(args.local_patches_branch):
            raise RefusedError(f"Expected git branch not found: {args.local_patches_branch}")
        return args
    if not args.gerrit_patches_chain and not desk.clone.has_remote_branch(args.patches_branch):
        raise missing_patches_branch(args.patches_branch)
    return args


def get_patches_branch(desk: Desk, args: Arguments) -> Arguments:
    """Step: reset the local patches branch to the remote one."""
    if args.local_patches or args.bump_only:
        return args
    if args.gerrit_patches_chain:
        from rdo.distgit.patches.gerrit import fetch_chain

        fetch_chain(desk, args)
        return args
    local, remote = args.local_patches_branch, args.patches_branch
    lost = _only_local(desk, local, remote)
    if lost:
        log.warning(
            "%s has commits that %s lacks: %s; `%s undo` brings them back, -l keeps them",
            *(local, remote, ", ".join(commit.subject for commit in lost[:5]), desk.program),
        )
    if desk.clone.resolve(f"refs/heads/{local}") != desk.clone.resolve(f"refs/remotes/{remote}"):
        desk.clone.set_branch(local, remote)
    return args


def _only_local(desk: Desk, local: str, remote: str) -> list[PatchCommit]:
    """Return commits of the local branch whose changes are not in the remote one."""
    ours, theirs = f"refs/heads/{local}", f"refs/remotes/{remote}"
    if not desk.clone.resolve(ours) or desk.clone.contains(theirs, ours):
        return []
    own = desk.clone.patch_ids(theirs, ours)
    known = set(desk.clone.patch_ids(ours, theirs))
    hashes = {sha for patch_id, sha in own.items() if patch_id not in known}
    return [commit for commit in desk.clone.commits(theirs, ours) if commit.hash in hashes]


def checkout_patches_branch(desk: Desk, args: Arguments) -> Arguments:
    """Step: check out the local patches branch, and stay on it."""
    desk.clone.checkout(args.local_patches_branch)
    return args


@dataclass(frozen=True, slots=True)
class PatchSelection:
    """The commits of a patches branch above its base, oldest first; `chosen` get a patch file.

    `empty` are chosen commits that change nothing; `files` has, by hash, the files that chosen
    commits change, and `binary` those that only git can patch.
    """

    commits: tuple[PatchCommit, ...]
    chosen: tuple[PatchCommit, ...]
    excluded: int
    ignored: int
    ignore: str
    empty: tuple[PatchCommit, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    binary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def select(desk: Desk, base: str, head: str) -> PatchSelection:
    """Select a patches branch's commits by the spec's patches_base and patches_ignore."""
    text = desk.spec.text()
    excluded = PatchesBase.parse(get_magic(text, "patches_base")).excluded
    found = choose(desk.clone.commits(base, head), excluded, get_magic(text, "patches_ignore"))
    if not found.chosen:
        return found
    changed = desk.clone.changed_by(base, head)
    chosen = tuple(commit for commit in found.chosen if changed[commit.hash].files)
    return replace(
        found,
        chosen=chosen,
        empty=tuple(commit for commit in found.chosen if commit not in chosen),
        files={one.hash: changed[one.hash].files for one in chosen},
        binary={one.hash: names for one in chosen if (names := changed[one.hash].binary)},
    )


def refuse(desk: Desk, selection: PatchSelection, base: str, head: str) -> None:
    """Raise RefusedError if a commit cannot be a patch, or if %prep could not apply it."""
    chosen = [*selection.chosen, *selection.empty]
    if chosen:
        refuse_submodules(desk, base, head, chosen)
    refuse_unfit(desk, selection.chosen, selection.binary)
    refuse_crlf(desk, base, selection.chosen, selection.files)
    if not selection.excluded:
        is_all = not selection.ignored
        refuse_lost_merges(desk, base, head, selection.chosen, is_all=is_all)


def choose(commits: Sequence[PatchCommit], excluded: int, ignore: str) -> PatchSelection:
    """Leave out the first `excluded` commits, and those whose subject `ignore` matches.

    Raises RefusedError if `ignore` is not a regular expression, or takes too long as one.
    """
    rest = commits[excluded:]
    ignored = _ignored([commit.subject for commit in rest], ignore)
    chosen = [commit for commit, is_ignored in zip(rest, ignored, strict=True) if not is_ignored]
    return PatchSelection(
        tuple(commits), tuple(chosen), min(excluded, len(commits)), len(rest) - len(chosen), ignore
    )


def _ignored(subjects: Sequence[str], ignore: str) -> list[bool]:
    if not ignore or not subjects:
        return [False for _ in subjects]
    try:
        return found_in(ignore, subjects)
    except RefusedError as error:
        raise RefusedError(f"patches_ignore={error}") from error


def patches_ref(desk: Desk, args: Arguments) -> str:
    """Return the full name of the local patches branch; raises RefusedError if it is missing."""
    ref = f"refs/heads/{args.local_patches_branch}"
    if not desk.clone.resolve(ref):
        raise RefusedError(f"Expected git branch not found: {args.local_patches_branch}")
    return ref


def check_new_patches(desk: Desk, args: Arguments) -> Arguments:
    """Step: write the changelog's lines about the new patches, newest first.

    Raises RefusedError for an unknown style of changelog.
    """
    if args.no_bump:
        return args
    style = args.changelog.lower() or "detect"
    if style not in {"detect", "count", "plain"}:
        raise RefusedError(f"Invalid usage: Not a valid changelog format: {style}")
    if args.message:
        return replace(args, changes=(args.message,))
    found: Sequence[PatchCommit] = ()
    if style != "plain":
        found = select(desk, base_ref(args), patches_ref(desk, args)).chosen
        old = our_patches(desk.spec.text())
        found = (
            found[len(old) :] if style == "count" else _not_in(desk.spec.sources_folder, old, found)
        )
    changes = [_with_bugs(commit, is_again=desk.is_rdopkg) for commit in reversed(found)]
    return replace(args, changes=(*args.changes, *(changes or ["Update patches"])))


def _not_in(folder: Path, old: Sequence[str], found: Sequence[PatchCommit]) -> list[PatchCommit]:
    """Return commits whose hash or subject no old patch file has."""
    files = [folder / name for name in old]
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    hashes = {match[1] for text in texts if (match := _FROM.match(text))}
    subjects = {subject_of(text) for text in texts}
    return [
        commit
        for commit in found
        if commit.subject not in subjects
        and not any(commit.hash.startswith(sha) or sha.startswith(commit.hash) for sha in hashes)
    ]


def _with_bugs(commit: PatchCommit, *, is_again: bool) -> str:
    """Return the changelog line for a commit; rdopkg repeats a bug number in the subject."""
    named = bugs([commit.subject, commit.body])
    if not is_again:
        known = bugs([commit.subject])
        named = [one for one in named if one not in known]
    shown = " ".join(f"rhbz#{number}" for number in named)
    return f"{commit.subject} ({shown})" if shown else commit.subject


def update_patches(desk: Desk, args: Arguments) -> Arguments:
    """Step: write the patch files, and list them in the spec."""
    if args.bump_only:
        return args
    base = args.new_patches_base or base_ref(args)
    head = patches_ref(desk, args)
    require_sane(desk)
    selection = select(desk, base, head)
    _tell(selection, base)
    refuse(desk, selection, base, head)
    text = desk.spec.text()
    old = our_patches(text)
    new = replace_patches(desk, old, selection.chosen)
    changed = _with_commit(desk, with_patches(text, new), head, new)
    desk.spec.write(changed, Expected(patches=new, has_new_sources=True))
    return replace(args, old_patches=tuple(old))


def _with_commit(desk: Desk, text: SpecText, head: str, patches: Sequence[str]) -> SpecText:
    """Set the macro `commit`, which identifies the patches, to the tip of their branch.

    If the version, sources or %prep of a spec depend on the macro, it names upstream's commit and
    stays unchanged.
    """
    if get_macro(text, _COMMIT) is None or is_named_in_prep(text, _COMMIT):
        return text
    new = set_macro(text, _COMMIT, desk.clone.resolve(head))
    try:
        desk.spec.check(new, Expected(patches=patches), text)
    except UnwantedEffectError:
        return text
    return new


def replace_patches(desk: Desk, old: Sequence[str], commits: Sequence[PatchCommit]) -> list[str]:
    """Replace the patch files `old` by one file per commit; return the new names, in order.

    Raises RefusedError if a new file would replace one that git ignores.
    """
    with tempfile.TemporaryDirectory(prefix="rdo-patches-") as scratch:
        names = desk.clone.export_patches(commits, 1, Path(scratch))
        contents = [Path(scratch, name).read_bytes() for name in names]
    places, before = ([desk.beside(name) for name in group] for group in (names, old))
    if lost := sorted(set(desk.clone.ignored(places)) - set(before)):
        raise RefusedError(
            f"a patch would replace {', '.join(lost)}, which git ignores", hint="move it away"
        )
    desk.clone.remove(before)
    for place, content in zip(places, contents, strict=True):
        file = desk.folder / place
        file.parent.mkdir(exist_ok=True)  # git removes an empty folder
        desk.clone.will_write(file, content)
        write_file(file, content)
    desk.clone.add(places)
    return names


def _tell(selection: PatchSelection, base: str) -> None:
    if selection.ignore:
        log.info("Using patches_ignore=%s regexp to filter out patches.", selection.ignore)
    log.info(
        "%d patches on top of %s, %d excluded by base, %d filtered out by regex.",
        *(len(selection.commits), base, selection.excluded, selection.ignored),
    )
    for commit in selection.empty:
        log.warning("%s %s changes nothing: no patch is made", commit.short, commit.subject)
    for commit in reversed(selection.chosen):
        log.info("%s  %s", commit.short, commit.subject)


def ensure_patches_changed(desk: Desk, args: Arguments) -> Arguments:
    """Step: end early (NothingToDoError) if the patches have not changed."""
    if not desk.clone.changed_files:
        raise NothingToDoError("No changes to patches found")
    return args


def tag_patches(desk: Desk, *, is_forced: bool, is_pushed: bool) -> None:
    """Tag the local patches branch with the package's name, version and release.

    Raises RefusedError if the tag exists and `is_forced` is false.
    """
    args = get_package_env(desk, Arguments())
    if not desk.clone.has_branch(args.local_patches_branch):
        args = ensure_patches_branch(desk, args)
    name = f"{args.package}-{desk.spec.reading().vr_only}"
    if desk.clone.has_tag(name) and not is_forced:
        raise RefusedError(f"the tag {name} already exists; -f replaces it")
    desk.clone.tag(name, patches_ref(desk, args), force=is_forced)
    remote = args.patches_branch.partition("/")[0]
    if not is_pushed:
        desk.say(f'Not pushing tag. Run "git push {remote} {name}" by hand.')
        return
    desk.clone.push(Push(remote, f"refs/tags/{name}", f"refs/tags/{name}"))
