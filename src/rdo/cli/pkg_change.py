"""Verbs of `rdo pkg` that change the distgit: fix, patch, new-version and their like."""

from collections.abc import Callable
from typing import Any

import click

from rdo.cli.pkg import desk, dry_run_option
from rdo.distgit.state import Arguments


def _options(*options: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


patches_branch_options = _options(
    click.option("--patches-branch", "-p", default="", metavar="REMOTE/BRANCH",
                 help="The remote branch with the patches, instead of a guess."),
    click.option("--local-patches-branch", "-P", default="", metavar="LOCAL_BRANCH",
                 help="The local branch with the patches."),
)  # fmt: skip
gerrit_option = click.option(
    "--gerrit-patches-chain", "-g", default="", metavar="REVIEW_NUMBER",
    help="Take the patches from a review and those below it.",
)  # fmt: skip
force_option = click.option(
    "--force", "-f", is_flag=True, help="Take what CI has not validated, too."
)
local_option = click.option(
    "--local-patches", "-l", is_flag=True,
    help="Take the local patches branch as it is; nothing of a remote.",
)  # fmt: skip
bump_index_option = click.option(
    "--release-bump-index", "-R", default="", metavar="INDEX",
    help="Which part of Release goes up: 1, 2 … or MAJOR, MINOR, PATCH; 0 for none.",
)  # fmt: skip
message_options = _options(
    click.option("--commit-header-file", "-H", default="", metavar="FILE",
                 help="Begin the commit message with this file; - is stdin."),
    click.option("--changelog-user", "-u", default="", metavar="USER"),
    click.option("--changelog-email", "-e", default="", metavar="EMAIL"),
)  # fmt: skip
text_option = click.option(
    "--message", "-m", default="", metavar="TEXT",
    help="What the change is, for the changelog; where the spec has none, for the commit.",
)  # fmt: skip


@click.command()
@bump_index_option
@text_option
@click.option("--commit-header-file", "-H", default="", metavar="FILE", hidden=True)
@dry_run_option
def fix(dry_run: bool, **given: Any) -> None:
    """Change the spec: a new Release and changelog entry, your edits, a commit.

    \b
    rdo pkg fix
    (edit the spec)
    rdo pkg -c
    """
    from rdo.distgit import verbs

    verbs.fix(desk(), Arguments(**given), is_dry=dry_run)


def patch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of `patch`, given to the command as the fields of Arguments."""
    options = _options(
        click.option("--amend", "-a", is_flag=True, help="Change the last commit."),
        patches_branch_options,
        local_option,
        gerrit_option,
        force_option,
        bump_index_option,
        click.option("--no-bump", "-B", is_flag=True, help="No new Release, no changelog entry."),
        click.option(
            "--changelog",
            "-C",
            default="",
            metavar="{detect,count,plain}",
            help="How to find what the changelog says.  [detect]",
        ),
        message_options,
        text_option,
        dry_run_option,
    )
    return options(command)


@click.command()
@patch_options
def patch(dry_run: bool, **given: Any) -> None:
    """Take the patches of the patches branch into the distgit, and commit.

    \b
    rdo pkg patch       from the remote patches branch
    rdo pkg patch -l    from the local one
    """
    from rdo.distgit import verbs

    verbs.patch(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@patch_options
def update_patches(dry_run: bool, **given: Any) -> None:
    """Like patch --local-patches --no-bump."""
    from rdo.distgit import verbs

    verbs.update_patches(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@patches_branch_options
@gerrit_option
@force_option
@dry_run_option
def get_patches(dry_run: bool, **given: Any) -> None:
    """Check out the patches branch as it is on the remote."""
    from rdo.distgit import verbs

    verbs.get_patches(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@click.argument("new_version", metavar="[VERSION]", default="")
@patches_branch_options
@local_option
@click.option("--bump-only", "-b", is_flag=True, help="Leave the patches alone.")
@click.option("--no-diff", "-d", is_flag=True, help="Do not show what upstream changed.")
@click.option("--new-sources", "-N", is_flag=True, help="Put the new sources into lookaside.")
@click.option("--no-new-sources", "-n", is_flag=True, help="Leave the sources alone.")
@click.option("--unattended", "-U", is_flag=True, help="Ask nothing.")
@click.option("--no-push-patches", "-t", is_flag=True, help="Do not push the patches branch.")
@click.option("--push-patches", is_flag=True, help="Push the patches branch without asking.")
@click.option("--bug", "-B", default="", metavar="BUGS", help="Bugs it solves: rhbz#1,rhbz#2")
@click.option("--release-bump-index", "-R", default="", hidden=True)
@click.option("--force", "-f", is_flag=True, help="Fill in a Version that trunk builds fill in.")
@message_options
@dry_run_option
def new_version(dry_run: bool, **given: Any) -> None:
    """Update to another upstream version, with the patches put on top of it.

    \b
    rdo pkg new-version 1.2.3
    rdo pkg new-version 1.2.3 --dry-run
    """
    from rdo.distgit import verbs

    verbs.new_version(desk(), Arguments(**given), is_dry=dry_run)
