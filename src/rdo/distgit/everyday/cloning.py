"""`clone` from a dist-git site: into one folder, or into one folder for each branch."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from rdo.distgit.everyday.history import HOOK
from rdo.errors import NotFoundError, RefusedError
from rdo.tools.git.clone import Clone, clone


@dataclass(frozen=True, slots=True)
class SiteClone:
    """A clone to make of a package, from its `url` at a site into `folder`."""

    url: str
    folder: Path
    site: str = ""
    branch: str = ""
    depth: int | None = None

    def make(self) -> Clone:
        """Clone; the folder appears only when it is complete. RefusedError if it exists."""
        _require_new(self.folder)
        with tempfile.TemporaryDirectory(prefix=".rdo-clone-", dir=self.folder.parent) as scratch:
            place = Path(scratch, "clone")
            made = clone(self.url, place, branch=self.branch, depth=self.depth)
            self._set_up(made)
            place.rename(self.folder)
        return Clone(self.folder)

    def make_branches(self) -> list[str]:
        """Make one clone per branch, in folders named like them; return the branches.

        Later clones share objects with the first one. Raises NotFoundError for a repository without
        branches, RefusedError for a folder that exists.
        """
        _require_new(self.folder)
        with tempfile.TemporaryDirectory(prefix=".rdo-clone-", dir=self.folder.parent) as scratch:
            top = Path(scratch, "clones")
            top.mkdir()
            first = clone(self.url, Path(scratch, "first"), depth=self.depth)
            listed = first.plumb("for-each-ref", "--format=%(refname)", "refs/remotes/origin")
            refs = (ref.removeprefix("refs/remotes/origin/") for ref in listed.splitlines())
            branches = [name for name in refs if name != "HEAD"]
            if not branches:
                raise NotFoundError(f"{self.url} has no branches")
            for branch in branches:
                place = top / branch
                place.parent.mkdir(parents=True, exist_ok=True)
                made = clone(str(first.path), place, branch=first.branch)
                made.set_remote_url("origin", self.url)
                made.plumb("fetch", "--quiet", "origin")
                made.plumb("checkout", "--quiet", "-B", branch, "--track", f"origin/{branch}")
                self._set_up(made)
            top.rename(self.folder)
        return branches

    def _set_up(self, made: Clone) -> None:
        """Record the site in the clone, and install the check before each push."""
        if not self.site:
            return
        made.plumb("config", "rdo.site", self.site)
        hook = made.common_dir / "hooks" / "pre-push"
        hook.parent.mkdir(exist_ok=True)
        if not hook.exists():
            hook.write_text(HOOK)
            hook.chmod(0o755)


def _require_new(folder: Path) -> None:
    if folder.exists() or folder.is_symlink():
        raise RefusedError(f"{folder} already exists")
