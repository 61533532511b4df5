"""A new git repository: one branch with one commit."""

from collections.abc import Sequence
from pathlib import Path

from rdo.run import Runner, run
from rdo.tools.git.mirror import ENVIRONMENT


def user_settings(folder: Path, *, runner: Runner = run) -> tuple[str, str]:
    """Return the name and address that git uses in a folder; empty if not set."""
    asked = (("git", "-C", folder, "config", "--get", key) for key in ("user.name", "user.email"))
    name, email = (runner(*ask, env=ENVIRONMENT, ok=(0, 1)).stdout.strip() for ask in asked)
    return name, email


def commit_new(
    folder: Path,
    branch: str,
    files: Sequence[str],
    user: tuple[str, str],
    message: str,
    *,
    runner: Runner = run,
) -> None:
    """Make `folder` a repository whose `branch` has one commit of these files, by `user`."""
    name, email = user
    roles = ("AUTHOR", "COMMITTER")
    who = {
        f"GIT_{role}_{what}": value
        for role in roles
        for what, value in (("NAME", name), ("EMAIL", email))
    }
    env = {**ENVIRONMENT, **who}
    git = ("git", "-C", folder)
    runner("git", "init", "--quiet", f"--initial-branch={branch}", "--", folder, env=env)
    runner(*git, "add", "--force", "--", *files, env=env)
    runner(*git, "commit", "--quiet", "--no-verify", "-F", "-", env=env, stdin=message.encode())
