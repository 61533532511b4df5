"""Verbs of `rdo pkg` that change the distgit: fix, patch, new-version and their like."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.pkg import desk, dry_run_option, effect_options, repositories_option
from rdo.distgit.verb.state import Arguments

if TYPE_CHECKING:
    from rdo.distgit.update.many import Updated


def _options(*options: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


patches_branch_options = _options(
    click.option(
        "--patches-branch",
        "-p",
        default="",
        metavar="REMOTE/BRANCH",
        help="The remote branch with the patches, instead of a guess.",
    ),
    click.option(
        "--local-patches-branch",
        "-P",
        default="",
        metavar="LOCAL_BRANCH",
        help="The local branch with the patches.",
    ),
)
gerrit_option = click.option(
    "--gerrit-patches-chain",
    "-g",
    default="",
    metavar="REVIEW_NUMBER",
    help="Take the patches from a review and those below it.",
)
force_option = click.option(
    "--force", "-f", is_flag=True, help="Take what CI has not validated, too."
)
local_option = click.option(
    "--local-patches",
    "-l",
    is_flag=True,
    help="Take the local patches branch as it is; nothing of a remote.",
)
bump_index_option = click.option(
    "--release-bump-index",
    "-R",
    default="",
    metavar="INDEX",
    help="Which part of Release goes up: 1, 2 … or MAJOR, MINOR, PATCH; 0 for none.",
)
message_options = _options(
    click.option(
        "--commit-header-file",
        "-H",
        default="",
        metavar="FILE",
        help="Begin the commit message with this file; - is stdin.",
    ),
    click.option("--changelog-user", "-u", default="", metavar="USER"),
    click.option("--changelog-email", "-e", default="", metavar="EMAIL"),
)
text_option = click.option(
    "--message",
    "-m",
    default="",
    metavar="TEXT",
    help="What the change is, for the changelog; where the spec has none, for the commit.",
)


@click.command()
@bump_index_option
@text_option
@click.option("--commit-header-file", "-H", default="", metavar="FILE", hidden=True)
@effect_options
def fix(dry_run: bool, **given: Any) -> None:
    """Change the spec: a new Release and changelog entry, your edits, a commit.

    \b
    rdo pkg fix
    (edit the spec)
    rdo pkg -c
    """
    from rdo.distgit.update import verbs

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
        effect_options,
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
    from rdo.distgit.update import verbs

    verbs.patch(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@patch_options
def update_patches(dry_run: bool, **given: Any) -> None:
    """Like patch --local-patches --no-bump."""
    from rdo.distgit.update import verbs

    verbs.update_patches(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@patches_branch_options
@gerrit_option
@force_option
@effect_options
def get_patches(dry_run: bool, **given: Any) -> None:
    """Check out the patches branch as it is on the remote."""
    from rdo.distgit.update import verbs

    verbs.get_patches(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@click.argument("versions", metavar="[VERSION]", nargs=-1)
@patches_branch_options
@local_option
@click.option("--bump-only", "-b", is_flag=True, help="Leave the patches alone.")
@click.option("--no-diff", "-d", is_flag=True, help="Do not show what upstream changed.")
@click.option("--new-sources", "-N", is_flag=True, help="Put the new sources into lookaside.")
@click.option("--no-new-sources", "-n", is_flag=True, help="Leave the sources alone.")
@click.option(
    "--take-sources",
    "-S",
    is_flag=True,
    help="Download the sources, check their signature, make the SRPM.",
)
@click.option("--unattended", "-U", is_flag=True, help="Ask nothing.")
@click.option("--no-push-patches", "-t", is_flag=True, help="Do not push the patches branch.")
@click.option("--push-patches", is_flag=True, help="Push the patches branch without asking.")
@click.option("--bug", "-B", default="", metavar="BUGS", help="Bugs it solves: rhbz#1,rhbz#2")
@click.option("--force", "-f", is_flag=True, help="Fill in a Version that trunk builds fill in.")
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="Update the distgits in these folders, by default those below this one.",
)
@click.option("--target", metavar="T", help="Say what its repositories have of requirements.")
@repositories_option
@message_options
@dry_run_option
@output.json_option
def new_version(
    versions: tuple[str, ...],
    target: str | None,
    repositories: tuple[Path, ...],
    is_all: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Update to another upstream version, with the patches put on top of it.

    Without VERSION it is the newest release, by upstream's tags or PyPI; then the sources are
    taken too, their signature is checked where the spec names a key, and the SRPM is made.

    \b
    rdo pkg new-version 1.2.3
    rdo pkg new-version --target master-deb12
    rdo pkg new-version --all --dry-run
    """
    from rdo.cli.pkg_requirements import folders_of
    from rdo.distgit.update import verbs
    from rdo.distgit.verb import state
    from rdo.distgit.verb.problems import StoppedError

    folders = folders_of(target, [path.absolute() for path in repositories])
    given["repositories"] = tuple(str(folder) for folder in folders or ())
    if is_all:
        rows = _update_all(versions, Arguments(**given), dry_run, as_json)
        click.get_current_context().exit(1 if any(row.result == "needs you" for row in rows) else 0)
    if len(versions) > 1:
        raise click.UsageError(f"one VERSION, not {' '.join(versions)}")
    if given["new_sources"] and given["no_new_sources"]:
        raise click.UsageError("-N and -n do not go together")
    here = desk()
    args = Arguments(new_version="".join(versions), **given)
    if not versions and not here.is_rdopkg and not args.no_new_sources:
        args = replace(args, take_sources=True)
    if not as_json:
        verbs.new_version(here, args, is_dry=dry_run)
        return
    here = replace(here, say=_to_stderr, ask=None)
    try:
        args = verbs.new_version(here, args, is_dry=dry_run)
    except StoppedError:
        if found := state.load(here.folder):
            _show_update(found.arguments, is_finished=False)
        raise
    _show_update(args, is_finished=True)


def _show_update(args: Arguments, *, is_finished: bool) -> None:
    answer = {
        "package": args.package,
        "old": args.version,
        "new": args.new_version,
        "finished": is_finished,
        "changelog": args.changes,
        "patches": args.report,
    }
    output.show(answer, True)


def _update_all(
    folders: tuple[str, ...], args: Arguments, is_dry: bool, as_json: bool
) -> list["Updated"]:
    from rdo.distgit.update import many

    places = [Path(name) for name in folders] or many.distgits(Path.cwd())
    quiet = [replace(desk(place.absolute()), say=_to_stderr, ask=None) for place in places]
    args = replace(args, unattended=True, no_diff=True, take_sources=not args.no_new_sources)
    rows = many.update_all(
        quiet, args, lambda row: _to_stderr(f"{row.package}: {row.result}"), is_dry=is_dry
    )
    cells = [(x.package, x.result, x.old, x.new, x.reason) for x in rows]
    output.show(rows, as_json, output.Table(("package", "result", "from", "to", "why"), cells))
    return rows


def _to_stderr(text: str) -> None:
    click.echo(text, err=True)
