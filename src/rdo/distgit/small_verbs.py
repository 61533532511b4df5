"""Verbs that do one thing: patchlog, squash, tag-patches, set-magic-comment."""

from dataclasses import dataclass

from rdo.distgit.desk import Desk
from rdo.distgit.environment import package_env
from rdo.distgit.message import bugs
from rdo.distgit.patches_branch import ensure_patches_branch, get_package_env, patches_ref
from rdo.distgit.state import Arguments
from rdo.errors import RefusedError
from rdo.spec.file import Expected
from rdo.spec.magic import PatchesBase, get_magic, set_magic
from rdo.tools.clone import PatchCommit, Push


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
    """The patches branch: the remote one, or the local one if there is no other."""
    env = package_env(desk)
    branch = env.patches_branch
    if not desk.clone.has_remote_branch(branch):
        branch = env.local_patches_branch
    for ref in (env.base_ref, branch):
        if not desk.clone.resolve(ref):
            raise RefusedError(f"Invalid git reference: {ref}")
    excluded = PatchesBase.parse(get_magic(desk.spec.text(), "patches_base")).excluded
    commits = tuple(reversed(desk.clone.commits(env.base_ref, branch)))
    return PatchLog(branch, env.version, env.base_ref, excluded, commits)


def squash(desk: Desk) -> None:
    """Make the last commit part of the one before."""
    if not desk.clone.resolve("HEAD~"):
        raise RefusedError("there is no commit below the last one to squash it into")
    desk.clone.squash()


def tag_patches(desk: Desk, *, is_forced: bool, is_pushed: bool) -> None:
    """Tag the local patches branch with the package's name, version and release."""
    args = get_package_env(desk, Arguments())
    if not desk.clone.has_branch(args.local_patches_branch):
        args = ensure_patches_branch(desk, args)
    name = f"{args.package}-{desk.spec.reading().vr_only}"
    if desk.clone.has_tag(name) and not is_forced:
        raise RefusedError(f"there is a tag {name} already; -f replaces it")
    desk.clone.tag(name, patches_ref(desk, args), force=is_forced)
    remote = args.patches_branch.partition("/")[0]
    if not is_pushed:
        desk.say(f'Not pushing tag. Run "git push {remote} {name}" by hand.')
        return
    desk.clone.push(Push(remote, f"refs/tags/{name}", f"refs/tags/{name}"))


def set_magic_comment(desk: Desk, name: str, value: str) -> None:
    """Write a magic comment, or take it out."""
    text = desk.spec.text()
    if not value and get_magic(text, name):
        desk.say(f"Dropping {name}")
    desk.spec.write(set_magic(text, name, value), Expected())
