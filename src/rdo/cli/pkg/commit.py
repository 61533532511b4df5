"""Verbs of `rdo pkg` that work on commits, magic comments and tags: amend, squash, undo …"""

from typing import TYPE_CHECKING

import click

from rdo.cli.pkg.group import desk, effect_options
from rdo.distgit.verb.state import Arguments

if TYPE_CHECKING:
    from rdo.distgit.verb.desk import Desk


@click.command()
@click.option(
    "--commit-header-file",
    "-H",
    default="",
    metavar="FILE",
    help="Begin the commit message with the contents of FILE (- reads stdin).",
)
@click.option(
    "--message", "-m", default="", help="Commit message to use if the spec has no changelog."
)
@effect_options
def amend(commit_header_file: str, message: str, dry_run: bool) -> None:
    """Add all changes to the last commit, and rewrite its message from the changelog."""
    from rdo.distgit.update import spec_update
    from rdo.distgit.verb.actions import change

    change(
        desk(),
        "amend",
        lambda here: spec_update.amend(here, commit_header_file, message),
        is_dry=dry_run,
    )


@click.command()
@effect_options
def squash(dry_run: bool) -> None:
    """Merge the last commit into the one before it, and keep that one's message."""
    from rdo.distgit.update import spec_update
    from rdo.distgit.verb.actions import change

    change(desk(), "squash", spec_update.squash, is_dry=dry_run)


@click.command()
@effect_options
def undo(dry_run: bool) -> None:
    """Undo what the last verb changed: branches, tags, remotes, files.

    Everything else stays; if you have changed the same since, it refuses and lists what it would
    lose. Pushed commits and tags stay pushed. Running it again undoes the verb before.
    """
    from rdo.distgit.verb import actions

    actions.undo(desk(), is_dry=dry_run)


@click.command()
@click.argument("name")
@click.argument("value")
@effect_options
def set_magic_comment(name: str, value: str, dry_run: bool) -> None:
    """Set a magic comment in the spec; an empty VALUE removes it.

    \b
    rdo pkg set-magic-comment patches_base 1.0+2
    """
    from rdo.distgit.update import spec_update
    from rdo.distgit.verb.actions import change

    change(
        desk(),
        "set-magic-comment",
        lambda here: spec_update.set_magic_comment(here, name, value),
        is_dry=dry_run,
    )


@click.command()
@click.option("--force", "-f", is_flag=True, help="Replace an existing tag of that name.")
@click.option("--push", "-p", is_flag=True, help="Push the tag to the patches remote.")
@effect_options
def tag_patches(force: bool, push: bool, dry_run: bool) -> None:
    """Tag the patches branch with the package's name, version and release."""
    from rdo.distgit.patches import patches_branch
    from rdo.distgit.verb.actions import change

    change(
        desk(),
        "tag-patches",
        lambda here: patches_branch.tag_patches(here, is_forced=force, is_pushed=push),
        is_dry=dry_run,
    )


@click.command()
@click.option(
    "--local-patches-branch",
    "-P",
    default="",
    metavar="LOCAL_BRANCH",
    help="Name of the branch to create. Default: BRANCH-patches.",
)
@click.option("--force", "-f", is_flag=True, help="Replace an existing branch.")
@effect_options
def import_patches(local_patches_branch: str, force: bool, dry_run: bool) -> None:
    """Create a patches branch from the patches in the spec.

    \b
    rdo pkg import-patches
    rdo pkg new-version 1.2.3 -l
    """
    from rdo.distgit.patches import import_patches as adopt
    from rdo.distgit.verb.actions import change

    args = Arguments(local_patches_branch=local_patches_branch, force=force)

    def act(here: "Desk") -> None:
        adopt.import_patches(here, args)

    change(desk(), "import-patches", act, is_dry=dry_run, is_clean=True)
