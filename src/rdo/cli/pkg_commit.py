"""amend, squash, undo, and what else is about the last commit, its spec and its tags."""

from typing import TYPE_CHECKING

import click

from rdo.cli.pkg import desk, effect_options
from rdo.distgit.verb.state import Arguments

if TYPE_CHECKING:
    from rdo.distgit.verb.desk import Desk


@click.command()
@click.option(
    "--commit-header-file",
    "-H",
    default="",
    metavar="FILE",
    help="Begin the commit message with this file; - is stdin.",
)
@click.option("--message", "-m", default="", help="The message, where the spec has no changelog.")
@effect_options
def amend(commit_header_file: str, message: str, dry_run: bool) -> None:
    """Put all changes into the last commit, its message made anew from the changelog."""
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
    """Make the last commit part of the one before, whose message stays."""
    from rdo.distgit.update import spec_update
    from rdo.distgit.verb.actions import change

    change(desk(), "squash", spec_update.squash, is_dry=dry_run)


@click.command()
@effect_options
def undo(dry_run: bool) -> None:
    """Put back what the last verb changed: branches, tags, remotes, files.

    What was pushed stays pushed. A second undo goes back one verb more.
    """
    from rdo.distgit.verb import actions

    actions.undo(desk(), is_dry=dry_run)


@click.command()
@click.argument("name")
@click.argument("value")
@effect_options
def set_magic_comment(name: str, value: str, dry_run: bool) -> None:
    """Set a magic comment of the spec; an empty VALUE takes it out.

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
@click.option("--force", "-f", is_flag=True, help="Replace a tag with this name.")
@click.option("--push", "-p", is_flag=True, help="Push it to the patches remote.")
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
    "--local-patches-branch", "-P", default="", metavar="LOCAL_BRANCH", help="The branch to make."
)
@click.option("--force", "-f", is_flag=True, help="Make a branch anew that is there.")
@effect_options
def import_patches(local_patches_branch: str, force: bool, dry_run: bool) -> None:
    """Make a patches branch of the patches that the spec has.

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
