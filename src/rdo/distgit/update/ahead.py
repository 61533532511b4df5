"""What would go wrong with a new version, found before its first step."""

import re

from packaging.version import InvalidVersion, Version

from rdo.distgit.patches.patches_branch import base_ref, choose
from rdo.distgit.update.spec_update import expected, updated
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.state import Arguments
from rdo.errors import RefusedError
from rdo.model.rpm_order import compare_evr
from rdo.spec.file import Expected
from rdo.spec.magic import PatchesBase, get_magic
from rdo.spec.patches import our_patches, with_patches
from rdo.spec.text import SpecText
from rdo.tools.rpm.rpmspec import SpecReading


def check_ahead(desk: Desk, args: Arguments) -> None:
    """Raise RefusedError if the spec cannot be changed as the new version needs.

    The patches are not rebased yet: as many are tried as the patches branch has now.
    """
    old = desk.spec.text()
    new = updated(desk, args)
    meant = expected(desk, args, new)
    _require_files(desk, meant)
    desk.spec.check(new, meant)
    after = desk.spec.reading(new)
    _require_order(desk.spec.reading(), after, args)
    _require_source_names(desk.spec.reading(), after)
    if not args.bump_only:
        _check_patches(desk, args, old)


def _require_files(desk: Desk, meant: Expected) -> None:
    """Refuse a file of the distgit whose name follows the version, if it cannot follow it."""
    for renamed in meant.renamed.items():
        old, new = map(desk.beside, renamed)
        was, will_be = desk.folder / old, desk.folder / new
        if was.is_symlink() or (was.exists() and not was.is_file()):
            raise RefusedError(
                f"the name of {old} follows the version, and it is not a regular file",
                hint=f"git mv {old} {new}, commit, and run new-version again",
            )
        if was.exists() and desk.clone.ignored([old]) and not will_be.exists():
            raise RefusedError(
                f"the name of {old} follows the version, and git ignores the file",
                hint=f"mv {old} {new}, and run new-version again",
            )


def _require_order(was: SpecReading, now: SpecReading, args: Arguments) -> None:
    """Refuse numbers that rpm orders otherwise than PEP 440 orders the versions."""
    try:
        before, after = Version(args.version), Version(args.new_version)
    except InvalidVersion:
        return
    if before == after or args.force:
        return
    order = compare_evr(
        (now.epoch, now.version, now.release), (was.epoch, was.version, was.release)
    )
    is_known = "~" in was.version or args.version in was.version + was.release
    if order != (1 if after > before else -1) and is_known:
        raise RefusedError(
            f"{args.new_version} would become {now.vr}, which rpm does not order after {was.vr}",
            hint="raise Epoch in the .spec file first, or use --force",
        )


def _require_source_names(was: SpecReading, now: SpecReading) -> None:
    """Refuse sources that would be named by signs that only rpm's versions have."""
    for name in now.sources:
        if re.search(r"[~^]", name) and not any(re.search(r"[~^]", one) for one in was.sources):
            raise RefusedError(
                f"the source would be called {name}, as no upstream calls it",
                hint="use %{upstream_version} in Source0, with RDO's line that defines it",
            )


def _check_patches(desk: Desk, args: Arguments, text: SpecText) -> None:
    branch = args.local_patches_branch if args.local_patches else args.patches_branch
    head = f"refs/heads/{branch}" if args.local_patches else f"refs/remotes/{branch}"
    base = base_ref(args)
    if not desk.clone.resolve(head) or not desk.clone.resolve(base):
        return
    excluded = PatchesBase.parse(get_magic(text, "patches_base")).excluded
    ignore = get_magic(text, "patches_ignore")
    chosen = choose(desk.clone.commits(base, head), excluded, ignore).chosen
    names = [f"{number:04}-Patch.patch" for number in range(1, len(chosen) + 1)]
    if len(names) != len(our_patches(text)):
        desk.spec.check(with_patches(text, names), Expected(patches=names, has_new_sources=True))
