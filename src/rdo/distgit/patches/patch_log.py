"""`patchlog`: list the commits of a patches branch above the upstream version."""

from dataclasses import dataclass

from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import package_env
from rdo.distgit.verb.message import bugs
from rdo.errors import RefusedError
from rdo.spec.magic import PatchesBase, get_magic
from rdo.spec.patches import our_patches
from rdo.tools.git.cloned_history import PatchCommit


@dataclass(frozen=True, slots=True)
class PatchLog:
    """The commits of a patches branch, newest first; the last `excluded` get no patch file."""

    branch: str
    version: str
    base: str
    excluded: int
    commits: tuple[PatchCommit, ...]

    def __str__(self) -> str:
        lines = [
            f"\nPatches branch {self.branch} is at version {self.version}",
            f"\n{len(self.commits)} patches on top of {self.base}, {self.excluded} excluded\n",
        ]
        for commit in self.commits:
            named = " ".join(f"rhbz#{x}" for x in bugs([commit.subject, commit.body]))
            lines.append(f"{commit.short}  {commit.subject}" + (f" ({named})" if named else ""))
        return "\n".join(lines)


def patch_log(desk: Desk) -> PatchLog:
    """Return the commits of the remote patches branch, or of the local one if there is none.

    Raises RefusedError if the branch or the version below it is missing.
    """
    env = package_env(desk)
    branch = env.patches_branch
    if not desk.clone.has_remote_branch(branch):
        branch = env.local_patches_branch
    for ref in (env.base_ref, branch):
        if not desk.clone.resolve(ref):
            raise RefusedError(f"Invalid git reference: {ref}", hint=_advice(desk, ref, branch))
    excluded = PatchesBase.parse(get_magic(desk.spec.text(), "patches_base")).excluded
    commits = tuple(reversed(desk.clone.commits(env.base_ref, branch)))
    return PatchLog(branch, env.version, env.base_ref, excluded, commits)


def _advice(desk: Desk, ref: str, branch: str) -> str:
    if ref != branch:
        return "fetch upstream's versions: `git fetch upstream --tags`"
    if our_patches(desk.spec.text()):
        return f"create it from the patches in the .spec file: `{desk.program} import-patches`"
    return "there is no patches branch, either here or on a remote"
