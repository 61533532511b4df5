"""Verbs of `rdo pkg` that change the distgit: fix, patch, new-version and the like."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import complete, output
from rdo.cli.pkg.group import desk, dry_run_option, effect_options, repositories_option
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
        help="Remote branch with the patches. Default: guessed from the distgit branch.",
    ),
    click.option(
        "--local-patches-branch",
        "-P",
        default="",
        metavar="LOCAL_BRANCH",
        help="Local branch with the patches. Default: named after the remote one.",
    ),
)
gerrit_option = click.option(
    "--gerrit-patches-chain",
    "-g",
    default="",
    metavar="REVIEW_NUMBER",
    help="Take the patches from a Gerrit review and the reviews it depends on.",
)
force_option = click.option(
    "--force", "-f", is_flag=True, help="Also accept patches that CI has not validated."
)
local_option = click.option(
    "--local-patches",
    "-l",
    is_flag=True,
    help="Use the local patches branch as it is, and ignore the remote.",
)
bump_index_option = click.option(
    "--release-bump-index",
    "-R",
    default="",
    metavar="INDEX",
    help="Part of Release to increase: 1, 2, … or MAJOR, MINOR, PATCH; 0 increases none.",
)
message_options = _options(
    click.option(
        "--commit-header-file",
        "-H",
        default="",
        metavar="FILE",
        help="Begin the commit message with the contents of FILE (- reads stdin).",
    ),
    click.option(
        "--changelog-user",
        "-u",
        default="",
        metavar="USER",
        help="Name in the changelog entry. Default: git's user.name.",
    ),
    click.option(
        "--changelog-email",
        "-e",
        default="",
        metavar="EMAIL",
        help="Address in the changelog entry. Default: git's user.email.",
    ),
)
text_option = click.option(
    "--message",
    "-m",
    default="",
    metavar="TEXT",
    help="Text for the changelog entry, or for the commit if the spec has no changelog.",
)


@click.command()
@bump_index_option
@text_option
@click.option("--commit-header-file", "-H", default="", metavar="FILE", hidden=True)
@effect_options
def fix(dry_run: bool, **given: Any) -> None:
    """Increase Release, add a changelog entry, let you edit the spec, and commit.

    \b
    rdo pkg fix
    (edit the spec)
    rdo pkg -c
    """
    from rdo.distgit.update import verbs

    verbs.fix(desk(), Arguments(**given), is_dry=dry_run)


def patch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all options of `patch`, named as the fields of Arguments."""
    options = _options(
        click.option("--amend", "-a", is_flag=True, help="Amend the last commit."),
        patches_branch_options,
        local_option,
        gerrit_option,
        force_option,
        bump_index_option,
        click.option("--no-bump", "-B", is_flag=True, help="Leave Release and changelog alone."),
        click.option(
            "--changelog",
            "-C",
            default="",
            metavar="{detect,count,plain}",
            help="How to describe the patches in the changelog.  [detect]",
        ),
        message_options,
        text_option,
        effect_options,
    )
    return options(command)


@click.command()
@patch_options
def patch(dry_run: bool, **given: Any) -> None:
    """Replace the distgit's patches with those of the patches branch, and commit.

    \b
    rdo pkg patch       from the remote patches branch
    rdo pkg patch -l    from the local one
    """
    from rdo.distgit.update import verbs

    verbs.patch(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@patch_options
def update_patches(dry_run: bool, **given: Any) -> None:
    """Do the same as patch --local-patches --no-bump."""
    from rdo.distgit.update import verbs

    verbs.update_patches(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@patches_branch_options
@gerrit_option
@force_option
@effect_options
def get_patches(dry_run: bool, **given: Any) -> None:
    """Check out the patches branch, reset to its state on the remote."""
    from rdo.distgit.update import verbs

    verbs.get_patches(desk(), Arguments(**given), is_dry=dry_run)


@click.command()
@click.argument("versions", metavar="[VERSION]", nargs=-1)
@patches_branch_options
@local_option
@click.option("--bump-only", "-b", is_flag=True, help="Leave the patches alone.")
@click.option("--no-diff", "-d", is_flag=True, help="Do not show upstream's changes.")
@click.option("--new-sources", "-N", is_flag=True, help="Upload the new sources to lookaside.")
@click.option("--no-new-sources", "-n", is_flag=True, help="Do not touch the sources.")
@click.option(
    "--take-sources",
    "-S",
    is_flag=True,
    help="Download the sources, check their signatures, and make the SRPM.",
)
@click.option("--unattended", "-U", is_flag=True, help="Do not ask any questions.")
@click.option("--no-push-patches", "-t", is_flag=True, help="Do not push the patches branch.")
@click.option("--push-patches", is_flag=True, help="Push the patches branch without asking.")
@click.option(
    "--bug",
    "-B",
    default="",
    metavar="BUGS",
    help="Bugs that this update fixes, e.g. rhbz#1,rhbz#2.",
)
@click.option(
    "--force", "-f", is_flag=True, help="Replace `Version: XXX`, which trunk builds normally set."
)
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="Update every distgit in the given folders. Default: all below the current folder.",
)
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Show whether this target's repositories meet the requirements.",
)
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
    """Update to another upstream version, and rebase the patches onto it.

    Default for VERSION: the newest release among upstream's tags or on PyPI. In that case it also
    downloads the sources, checks their signature if the spec names a key, and makes the SRPM.

    \b
    rdo pkg new-version 1.2.3
    rdo pkg new-version --target master-deb12
    rdo pkg new-version --all --dry-run
    """
    from rdo.cli.pkg.requirements import folders_of
    from rdo.distgit.update import verbs
    from rdo.distgit.verb import state
    from rdo.distgit.verb.problems import StoppedError

    folders = folders_of(target, [path.absolute() for path in repositories])
    given["repositories"] = tuple(str(folder) for folder in folders or ())
    if is_all:
        rows = _update_all(versions, Arguments(**given), dry_run, as_json)
        click.get_current_context().exit(1 if any(row.result == "needs you" for row in rows) else 0)
    if len(versions) > 1:
        raise click.UsageError(f"expected one VERSION, got {' '.join(versions)}")
    if given["new_sources"] and given["no_new_sources"]:
        raise click.UsageError("-N and -n cannot be used together")
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
    output.say(text, err=True)
