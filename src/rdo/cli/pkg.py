"""`rdo pkg`: the maintainer's verbs on a distgit, also installed as `rdopkg`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.lazy import Lazy, LazyGroup

if TYPE_CHECKING:
    from rdo.distgit.verb.desk import Desk
    from rdo.distgit.verb.journal import Effect

_AS_JSON = "rdo.cli.pkg.as_json"
SHOW, CHANGE = "rdo.cli.pkg_show", "rdo.cli.pkg_change"
REQUIREMENTS, CREATE = "rdo.cli.pkg_requirements", "rdo.cli.pkg_create"
REVIEW = "rdo.cli.pkg_review"
REMOTES, INFO = "rdo.cli.pkg_remotes", "rdo.cli.pkg_info"
COMMIT, BUILD = "rdo.cli.pkg_commit", "rdo.cli.pkg_build"

VERBS: Mapping[str, Lazy] = {
    "mockbuild": Lazy(BUILD, "mockbuild", "Build in a fresh root."),
    "clone": Lazy(REMOTES, "clone", "Clone a distgit, with its remotes."),
    "pkgenv": Lazy(SHOW, "pkgenv", "Show what is known of this distgit."),
    "patchlog": Lazy(SHOW, "patchlog", "Show the commits of the patches branch."),
    "get-patches": Lazy(CHANGE, "get_patches", "Check out the patches branch."),
    "fix": Lazy(CHANGE, "fix", "Change the spec: new Release, changelog, commit."),
    "patch": Lazy(CHANGE, "patch", "Take the patches of the patches branch."),
    "update-patches": Lazy(CHANGE, "update_patches", "Like patch -l --no-bump."),
    "import-patches": Lazy(COMMIT, "import_patches", "Make a branch of the spec's patches."),
    "new-version": Lazy(CHANGE, "new_version", "Update to another upstream version."),
    "amend": Lazy(COMMIT, "amend", "Put changes into the last commit."),
    "squash": Lazy(COMMIT, "squash", "Make the last commit part of the one before."),
    "undo": Lazy(COMMIT, "undo", "Put back what the last verb changed."),
    "get-source": Lazy(BUILD, "get_source", "Download the source archive."),
    "tag-patches": Lazy(COMMIT, "tag_patches", "Tag the patches branch."),
    "set-magic-comment": Lazy(COMMIT, "set_magic_comment", "Set a magic comment of the spec."),
    "remotes": Lazy(REMOTES, "check_remotes", "Compare the remotes with the metadata."),
    "info": Lazy(INFO, "info", "Show releases and packages of the metadata."),
    "info-tags-diff": Lazy(INFO, "info_tags_diff", "Show tags that changed in the metadata."),
    "info-attr-diff": Lazy(INFO, "info_attr_diff", "Show attributes that changed there."),
    "findpkg": Lazy(INFO, "findpkg", "Find a package by name, project or URL."),
    "lint": Lazy(SHOW, "lint", "Show faults of the spec."),
    "release": Lazy(INFO, "release", "Show the releases."),
    "reqdiff": Lazy(REQUIREMENTS, "reqdiff", "Show how upstream's requirements change."),
    "reqcheck": Lazy(REQUIREMENTS, "reqcheck", "Compare upstream's requirements with the spec's."),
    "reqquery": Lazy(REQUIREMENTS, "reqquery", "Show what repositories have of requirements."),
    "query": Lazy(REQUIREMENTS, "query", "Show what repositories have of a package."),
    "review-patch": Lazy(REMOTES, "review_patch", "Send the patches branch to Gerrit."),
    "review-spec": Lazy(REMOTES, "review_spec", "Send the distgit's last commit to Gerrit."),
    "status": Lazy(SHOW, "status", "Show the action in progress."),
    "conf": Lazy(SHOW, "conf", "Show the settings."),
    "actions": Lazy(SHOW, "actions", "Show all actions and their steps."),
    "autocomplete": Lazy(SHOW, "autocomplete", "Say how a shell completes the commands."),
    "doctor": Lazy(SHOW, "doctor", "Say what the verbs lack on this machine."),
    "create": Lazy(CREATE, "create", "Make a package of a project on PyPI or in git."),
    "review": Lazy(REVIEW, "review", "Say what a new package lacks for acceptance."),
}
"""The verbs in the order of rdopkg's help; both programs have all of them."""

SECTIONS: Mapping[str, Sequence[str]] = {
    "Start": ("clone", "remotes", "pkgenv", "status", "undo"),
    "New versions": ("new-version", "get-source"),
    "Spec and commits": ("fix", "amend", "squash", "set-magic-comment", "lint"),
    "Patches": (
        "patch",
        "update-patches",
        "get-patches",
        "import-patches",
        "patchlog",
        "tag-patches",
    ),
    "Requirements": ("reqdiff", "reqcheck", "reqquery", "query"),
    "Builds and reviews": ("mockbuild", "review-patch", "review-spec"),
    "New packages": ("create", "review"),
    "Metadata": ("info", "info-tags-diff", "info-attr-diff", "findpkg", "release"),
    "This program": ("doctor", "conf", "actions", "autocomplete"),
}
"""The verbs below the headings of the help."""


class PkgGroup(LazyGroup):
    """Verbs in the table's order; `--abort` and `--continue` count wherever they stand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return [*self.lazy, *self.commands]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for option in ("--abort", "--continue"):
            if option in args:
                rest = [arg for arg in args if arg in {"--dry-run", "--json"}]
                return super().parse_args(ctx, [option, *rest])
        return super().parse_args(ctx, args)


def dry_run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that every verb with an effect has."""
    help_text = "Show the commands, the diff and the pushes, and change nothing."
    return click.option("--dry-run", is_flag=True, help=help_text)(command)


def repositories_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where requirements are looked for besides a target's repositories."""
    return click.option(
        "--repo",
        "repositories",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="A folder with repodata to look for requirements in, too.",
    )(command)


def effect_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb that changes the distgit; `desk` heeds `--json`."""
    return dry_run_option(_json_option(command))


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    def heed(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.meta[_AS_JSON] = True  # shared with the contexts of the verbs below

    option = click.option(
        "--json", is_flag=True, expose_value=False, callback=heed, help="Answer in JSON."
    )
    return option(command)


def go_on_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What can be asked of an action in progress, before any verb."""
    command = _json_option(command)
    command = click.option(
        "--dry-run",
        is_flag=True,
        help="Show what -c or --abort would do, and do nothing.",
    )(command)
    command = click.option(
        "--abort", is_flag=True, help="Give up the action in progress and put things back."
    )(command)
    return click.option(
        "--continue", "-c", "go_on", is_flag=True, help="Go on with the action in progress."
    )(command)


@click.group(cls=PkgGroup, lazy=VERBS, sections=SECTIONS, invoke_without_command=True)
@go_on_options
@click.pass_context
def pkg(ctx: click.Context, go_on: bool, abort: bool, dry_run: bool) -> None:
    """Work on a distgit: new versions, patches, fixes. Run it in the distgit's clone.

    \b
    rdo pkg new-version 1.2.3    update, with the patches put on the new version
    rdo pkg patch                take patches from the patches branch
    rdo pkg fix                  change the spec, then rdo pkg -c
    """
    serve(ctx, go_on=go_on, abort=abort, is_dry=dry_run)


def serve(ctx: click.Context, *, go_on: bool, abort: bool, is_dry: bool) -> None:
    """What the programs do themselves when no verb is given."""
    if ctx.invoked_subcommand is not None:
        return
    from rdo.distgit.update import verbs
    from rdo.distgit.verb import actions

    if abort:
        actions.abort(desk(), is_dry=is_dry)
        # rdopkg says 1 even when it did what was asked, and scripts know that
        ctx.exit(1 if program() == "rdopkg" else 0)
    elif go_on:
        actions.go_on(desk(), verbs.ACTIONS, is_dry=is_dry)
    else:
        click.echo(ctx.get_help())


def program() -> str:
    """How the verbs are called here: `rdo pkg` or `rdopkg`."""
    root = click.get_current_context().find_root().info_name
    return "rdopkg" if root == "rdopkg" else "rdo pkg"


def desk(folder: Path | None = None, *, as_json: bool = False) -> "Desk":
    """The distgit in a folder, by default the current one, and the person at the terminal.

    Who wants JSON is a program: nothing is asked, and only the verb's effect goes to stdout.
    """
    from rdo.distgit.verb.desk import Desk
    from rdo.distgit.verb.settings import load
    from rdo.tools.clone import Clone

    here = folder or Path.cwd()
    is_program = as_json or click.get_current_context().meta.get(_AS_JSON, False)
    said: list[str] = []

    def answer(effect: "Effect") -> None:
        output.show(replace(effect, messages=tuple(said)), True)

    return Desk(
        folder=here,
        clone=Clone(here),
        say=said.append if is_program else click.echo,
        answer=answer if is_program else None,
        ask=_ask if sys.stdout.isatty() and not is_program else None,
        now=lambda: datetime.now().astimezone(),
        settings=load(Path.home()),
        program=program(),
    )


def _ask(question: str, default: bool) -> bool:
    """rdopkg's question: `MSG [Yn] ` or `MSG [Ny] `."""
    try:
        answer = input(f"{question} [{'Yn' if default else 'Ny'}] ").strip().lower()
    except EOFError:  # nobody is there after all
        return False
    return answer in {"y", "yes"} or (default and not answer)
