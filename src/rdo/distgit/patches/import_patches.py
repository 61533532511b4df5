"""`import-patches`: turn patches that only the spec has into commits of a patches branch."""

import logging
import re
from pathlib import Path

from rdo.distgit.patches.patches_branch import (
    base_ref,
    ensure_patches_base_ref,
    get_package_env,
    replace_patches,
)
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.problems import NothingToDoError
from rdo.distgit.verb.state import Arguments
from rdo.errors import RefusedError
from rdo.model.text.patch_subject import subject_of
from rdo.spec.file import Expected
from rdo.spec.patches import PatchTag, patch_tags, strip_levels
from rdo.tools.git.clone import Clone

log = logging.getLogger(__name__)


def import_patches(desk: Desk, args: Arguments) -> None:
    """Create the patches branch from the spec's patches, and write its files into the spec.

    Patches under conditions, and those that are not files here, stay as they are. Raises
    NothingToDoError if no others are left, and RefusedError if one cannot become a commit.
    """
    args = ensure_patches_base_ref(desk, get_package_env(desk, args))
    branch = args.local_patches_branch
    if desk.clone.has_branch(branch) and not args.force:
        raise RefusedError(f"the branch {branch} already exists; --force replaces it")
    text = desk.spec.text()
    chosen = [x for x in patch_tags(text) if x.line.is_plain and _is_file(desk, x)]
    if not chosen:
        raise NothingToDoError("No changes to patches found")
    for patch in chosen:
        if strip_levels(text).get(patch.number, 1) != 1:
            raise RefusedError(
                f"{patch.file} is not applied with -p1, as git's patches are; change it by hand"
            )
    with desk.clone.linked(base_ref(args)) as tree:
        for patch in chosen:
            _commit(tree, desk.spec.sources_folder / desk.spec.expand(patch.file))
        desk.clone.set_branch(branch, tree.resolve("HEAD"))
    commits = desk.clone.commits(base_ref(args), branch)
    if len(commits) != len(chosen):
        raise RefusedError("a patch changes nothing; remove it from the .spec file first")
    old = [desk.spec.expand(patch.file) for patch in chosen]
    names = replace_patches(desk, old, commits)
    for patch, name in zip(chosen, names, strict=True):
        line = text.lines[patch.line.number].rstrip("\r\n")
        at = line.rindex(patch.file)
        new = f"{line[:at]}{name}{line[at + len(patch.file) :]}"
        text = text.with_line(patch.line.number, new)
    desk.spec.write(text, Expected(patches=names, replaced=old))
    if desk.clone.changed_files:  # git itself may have made the same files, byte for byte
        desk.clone.commit(f"Keep patches in {branch}\n")
    what = "1 patch is now a commit" if len(names) == 1 else f"{len(names)} patches are now commits"
    desk.say(f"{what} of {branch}, on {base_ref(args)}")


def _is_file(desk: Desk, patch: PatchTag) -> bool:
    name = desk.spec.expand(patch.file)
    return "/" not in name and (desk.spec.sources_folder / name).is_file()


def _commit(tree: Clone, file: Path) -> None:
    """Commit a patch with its own author and message, or with its name as the subject."""
    content = file.read_text(errors="surrogateescape")
    is_mail = re.match(r"From ?[ :]", content) is not None and bool(subject_of(content))
    done = tree.apply_mailbox(file.resolve()) if is_mail else False
    if not done:
        subject = subject_of(content) or re.sub(r"^\d+-|\.(patch|diff)$", "", file.name)
        done = tree.apply_plain(file.resolve(), 1, f"{subject}\n")
    if not done:
        raise RefusedError(f"{file.name} does not apply to the sources of this version")
