"""`pre-push-check`: check that a commit can be built from git and the lookaside cache alone."""

from dataclasses import dataclass

from rdo.distgit.everyday.identity import branch_of
from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.everyday.sources import SourceList, package_of, unlisted
from rdo.distgit.verb.desk import Desk
from rdo.errors import UserError

NO_COMMIT, BAD_SPEC, NOT_LISTED, NOT_UPLOADED = 1, 3, 4, 5
"""fedpkg's exit codes."""


@dataclass(frozen=True, slots=True)
class PushCheck:
    """The result: a line for each fault, and fedpkg's exit code; 0 if there is none."""

    code: int = 0
    lines: tuple[str, ...] = ()


def check(desk: Desk, ref: str, site: DistgitSite | None) -> PushCheck:
    """Check the files of a commit; without a site the cache is not asked.

    A commit without a spec, such as that of a retired package, has no faults.
    """
    if not desk.clone.resolve(ref):
        return PushCheck(NO_COMMIT, (f"no such commit: {ref}",))
    with desk.clone.linked(ref) as tree:
        if not any(name.endswith(".spec") for name in tree.tracked_files):
            return PushCheck()
        there = desk.at(tree.path, tree)
        try:
            missing = unlisted(there)
        except UserError as error:
            return PushCheck(BAD_SPEC, (f"cannot read the sources of the spec: {error}",))
        if missing:
            lines = [f"{name} is neither in git nor in the list of sources" for name in missing]
            return PushCheck(NOT_LISTED, tuple(lines))
        return _ask_cache(there, site, branch_of(desk)) if site else PushCheck()


def _ask_cache(desk: Desk, site: DistgitSite, branch: str) -> PushCheck:
    entries = SourceList.read(desk.folder).content.entries
    if not entries:
        return PushCheck()
    cache, package = site.cache(), package_of(desk, site)
    absent = [one.name for one in entries if not cache.serves(package, one, branch)]
    lines = tuple(f"{name} is not in the lookaside cache" for name in absent)
    return PushCheck(NOT_UPLOADED if absent else 0, lines)
