"""Find out what would go wrong with a new version, before its first step."""

import logging
import re
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version

from rdo.distgit.patches.patches_branch import base_ref, select
from rdo.distgit.update.new_sources import tell_of_others
from rdo.distgit.update.spec_update import expected, updated
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.message import has_written_changelog
from rdo.distgit.verb.state import Arguments
from rdo.errors import RefusedError
from rdo.model.rpm_order import compare_evr
from rdo.spec.changelog import header, not_before, with_entry
from rdo.spec.file import VISIBLE_DIST, Expected
from rdo.spec.patches import with_patches
from rdo.spec.text import SpecText
from rdo.tools.rpm.rpmspec import SpecReading

_LARGEST = 1 << 20
_STAGE = re.compile(r"(?<![a-z])(?:alpha|beta|rc|pre)\d{1,9}(?![\da-z])", re.IGNORECASE)
log = logging.getLogger(__name__)


def check_ahead(desk: Desk, args: Arguments) -> None:
    """Raise RefusedError if the spec cannot be changed as the new version requires.

    The patches are not rebased yet, so this tries as many patches as the patches branch has now.
    """
    old = desk.spec.text()
    new = updated(desk, args)
    meant = expected(desk, args, new)
    _require_files(desk, meant)
    desk.spec.check(new, meant)
    if has_written_changelog(desk):
        entry = with_entry(new, header(not_before(new, desk.now()), "A <a@b>", "1-1"), ["x"])
        desk.spec.check(entry, Expected(has_new_entry=True), old=new)
    tell_of_others(desk, args, new)
    after = desk.spec.reading(new)
    _require_order(desk.spec.reading(), after, args)
    _require_source_names(desk.spec.reading(), after)
    _require_final_release(after, args)
    if not args.bump_only:
        _check_patches(desk, args, old)


def _require_files(desk: Desk, meant: Expected) -> None:
    """Refuse if a file of the distgit is named after the version and cannot be renamed."""
    tracked = set(desk.clone.at_top().tracked_files) if meant.renamed else set()
    for renamed in meant.renamed.items():
        if VISIBLE_DIST in "".join(renamed):
            name, later = (one.replace(VISIBLE_DIST, "") for one in renamed)
            raise RefusedError(
                f"the name of {name} follows Release, and it would be {later}",
                hint="give it a name without %{release} in the .spec file, commit, and try again",
            )
        old, new = map(desk.beside, renamed)
        was, will_be = desk.folder / old, desk.folder / new
        if was.is_symlink() or (was.exists() and not was.is_file()):
            raise RefusedError(
                f"the name of {old} follows the version, and it is not a regular file",
                hint=f"git mv {old} {new}, commit, and run new-version again",
            )
        if will_be.exists() and _in_distgit(desk, will_be) not in tracked:
            raise RefusedError(
                f"{old} is called {new} at the new version, and a file of that name is not in git",
                hint=f"git add {new} and commit, or move it away",
            )
        if was.exists() and desk.clone.ignored([old]) and not will_be.exists():
            raise RefusedError(
                f"the name of {old} follows the version, and git ignores the file",
                hint=f"mv {old} {new}, and run new-version again",
            )


def _in_distgit(desk: Desk, file: Path) -> str:
    return str(file.resolve().relative_to(desk.clone.top.resolve()))


def _require_order(was: SpecReading, now: SpecReading, args: Arguments) -> None:
    """Refuse numbers that rpm orders differently than PEP 440 orders the versions."""
    try:
        before, after = Version(args.version), Version(args.new_version)
    except InvalidVersion:
        return
    if before == after or args.force:
        return
    order = compare_evr(
        (now.epoch, now.version, now.release), (was.epoch, was.version, was.release)
    )
    begins_so = re.match(rf"{re.escape(was.version)}(?!\d)", args.version) is not None
    is_known = "~" in was.version or begins_so or args.version in was.version + was.release
    if order != (1 if after > before else -1) and is_known:
        raise RefusedError(
            f"{args.new_version} would become {now.vr}, which rpm does not order after {was.vr}",
            hint="raise Epoch in the .spec file first, or use --force",
        )
    if order < 0 and is_known:
        log.warning(
            "rpm orders %s before %s: hosts keep the newer one, unless Epoch is raised",
            *(now.vr, was.vr),
        )


def _require_source_names(was: SpecReading, now: SpecReading) -> None:
    """Refuse sources whose names would contain signs that only rpm versions have."""
    for name in now.sources:
        if re.search(r"[~^]", name) and not any(re.search(r"[~^]", one) for one in was.sources):
            raise RefusedError(
                f"the source would be called {name}, a name that upstreams do not use",
                hint="use %{upstream_version} in Source0, with RDO's line that defines it",
            )


def _require_final_release(now: SpecReading, args: Arguments) -> None:
    """Refuse the Release of a final version that still names a pre-release, by a macro."""
    stage = _STAGE.search(now.release)
    if stage and not args.force and not _STAGE.search(args.new_version):
        raise RefusedError(
            f"Release would be {now.release}, with the {stage[0]} of a pre-release",
            hint="remove that from the .spec file and commit; if it is right, use --force",
        )


def _check_patches(desk: Desk, args: Arguments, text: SpecText) -> None:
    branch = args.local_patches_branch if args.local_patches else args.patches_branch
    head = f"refs/heads/{branch}" if args.local_patches else f"refs/remotes/{branch}"
    base = base_ref(args)
    if not desk.clone.resolve(head) or not desk.clone.resolve(base):
        return
    chosen = select(desk, base, head).chosen
    with tempfile.TemporaryDirectory(prefix="rdo-ahead-") as scratch:
        folder = Path(scratch)
        _copy_small_files(desk.spec.sources_folder, folder)
        # Of a missing file rpm does not say how it would apply it.
        names = desk.clone.export_patches(chosen, 1, folder)
        meant = Expected(patches=names, has_new_sources=True)
        desk.spec.check(with_patches(text, names), meant, sources=folder)


def _copy_small_files(source: Path, target: Path) -> None:
    """Copy what a spec may include; archives are not read with it."""
    for file in source.iterdir():
        if file.is_file() and not file.is_symlink() and file.stat().st_size <= _LARGEST:
            (target / file.name).write_bytes(file.read_bytes())
