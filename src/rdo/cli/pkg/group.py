"""`rdo pkg`: the maintainer's verbs on a distgit, also installed as `rdopkg`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import complete, output
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.model.text.terminal_text import on_terminal

if TYPE_CHECKING:
    from rdo.app import App
    from rdo.distgit.verb.desk import Desk
    from rdo.distgit.verb.rehearsal import Effect

_AS_JSON = "rdo.cli.pkg.as_json"
_SETTING = "rdo.cli.pkg.setting"
SHOW, CHANGE = "rdo.cli.pkg.show", "rdo.cli.pkg.change"
REQUIREMENTS, CREATE = "rdo.cli.pkg.requirements", "rdo.cli.pkg.create"
REVIEW = "rdo.cli.pkg.review"
REMOTES, INFO = "rdo.cli.pkg.remotes", "rdo.cli.pkg.info"
LOOKASIDE, IDENTITY = "rdo.cli.pkg.everyday.lookaside", "rdo.cli.pkg.everyday.identity"
HISTORY, STAGES = "rdo.cli.pkg.everyday.history", "rdo.cli.pkg.everyday.stages"
FARMS, FORGE = "rdo.cli.pkg.everyday.farms", "rdo.cli.pkg.everyday.forge"
COPR = "rdo.cli.pkg.everyday.copr"
COMMIT, BUILD = "rdo.cli.pkg.commit", "rdo.cli.pkg.build"

VERBS: Mapping[str, Lazy] = {
    "mockbuild": Lazy(BUILD, "mockbuild", "Build this distgit in a fresh root."),
    "clone": Lazy(REMOTES, "clone", "Clone a distgit and add its remotes."),
    "co": Lazy(REMOTES, "clone", "Same as clone."),
    "pkgenv": Lazy(SHOW, "pkgenv", "Show what rdo knows about this distgit."),
    "patchlog": Lazy(SHOW, "patchlog", "Show the commits of the patches branch."),
    "get-patches": Lazy(CHANGE, "get_patches", "Check out the patches branch."),
    "fix": Lazy(CHANGE, "fix", "Edit the spec: new Release, changelog entry, commit."),
    "patch": Lazy(CHANGE, "patch", "Replace the patches with those of the patches branch."),
    "update-patches": Lazy(CHANGE, "update_patches", "Same as patch --local-patches --no-bump."),
    "import-patches": Lazy(
        COMMIT, "import_patches", "Create a patches branch from the spec's patches."
    ),
    "new-version": Lazy(CHANGE, "new_version", "Update to another upstream version."),
    "amend": Lazy(COMMIT, "amend", "Add all changes to the last commit."),
    "squash": Lazy(COMMIT, "squash", "Merge the last commit into the one before it."),
    "undo": Lazy(COMMIT, "undo", "Undo what the last verb changed."),
    "get-source": Lazy(BUILD, "get_source", "Download the source archive."),
    "sources": Lazy(LOOKASIDE, "sources", "Download the files of the lookaside cache."),
    "upload": Lazy(LOOKASIDE, "upload", "Upload files, and add them to `sources`."),
    "new-sources": Lazy(LOOKASIDE, "new_sources", "Upload files, and list only them in `sources`."),
    "sites": Lazy(LOOKASIDE, "show_sites", "List the known dist-git sites."),
    "import": Lazy(LOOKASIDE, "import_srpm", "Import the files of a source RPM."),
    "verrel": Lazy(IDENTITY, "verrel", "Print name, version and release."),
    "gimmespec": Lazy(IDENTITY, "gimmespec", "Print the name of the spec."),
    "giturl": Lazy(IDENTITY, "giturl", "Print the URL of this commit for Koji."),
    "clog": Lazy(IDENTITY, "clog", "Write the newest changelog entry into the file clog."),
    "unused-patches": Lazy(IDENTITY, "unused_patches", "List patches that the spec does not use."),
    "pre-push-check": Lazy(IDENTITY, "pre_push_check", "Check that others can get every source."),
    "commit": Lazy(HISTORY, "commit", "Commit the changes of tracked files."),
    "ci": Lazy(HISTORY, "commit", "Same as commit."),
    "diff": Lazy(HISTORY, "diff", "Show the changes that are not committed."),
    "new": Lazy(HISTORY, "new", "Show what has changed since the newest tag."),
    "tag": Lazy(HISTORY, "tag", "Tag HEAD with name, version and release."),
    "push": Lazy(HISTORY, "push", "Push, if others can get every source."),
    "pull": Lazy(HISTORY, "pull", "Fetch and integrate new commits."),
    "switch-branch": Lazy(HISTORY, "switch_branch", "Check out a branch, local or of origin."),
    "clean": Lazy(HISTORY, "clean", "Remove the files that git does not track."),
    "retire": Lazy(HISTORY, "retire", "Remove all files, and leave the reason."),
    "srpm": Lazy(STAGES, "srpm", "Make the source RPM."),
    "prep": Lazy(STAGES, "prep", "Unpack and patch the sources."),
    "compile": Lazy(STAGES, "compile_", "Build up to %build, in a fresh root."),
    "install": Lazy(STAGES, "install", "Build up to %install and %check, in a fresh root."),
    "verify-files": Lazy(STAGES, "verify_files", "Check the %files sections in a fresh root."),
    "local": Lazy(STAGES, "local", "Build the RPMs into this folder, in a fresh root."),
    "build": Lazy(FARMS, "build", "Build the pushed commit on a farm."),
    "scratch-build": Lazy(FARMS, "scratch_build", "Make a scratch build on a farm."),
    "chain-build": Lazy(FARMS, "chain_build", "Build packages on a farm one after the other."),
    "copr-build": Lazy(FARMS, "copr_build", "Build at Copr."),
    "coprbuild": Lazy(
        COPR, "coprbuild", "Build for a release in Copr, and add the build to an update."
    ),
    "kojibuild": Lazy(FARMS, "kojibuild", "Build at Koji."),
    "cbsbuild": Lazy(FARMS, "cbsbuild", "Build in CentOS's build system."),
    "releases-info": Lazy(FORGE, "releases_info", "List the releases that are maintained."),
    "request-repo": Lazy(FORGE, "request_repo", "Request a new repository from a site."),
    "request-branch": Lazy(FORGE, "request_branch", "Request a new branch from a site."),
    "vendor-crates": Lazy(
        "rdo.cli.pkg.crates",
        "vendor_crates",
        "Make an archive of the crates that a Rust source needs.",
    ),
    "tag-patches": Lazy(COMMIT, "tag_patches", "Tag the patches branch."),
    "set-magic-comment": Lazy(COMMIT, "set_magic_comment", "Set a magic comment in the spec."),
    "remotes": Lazy(
        REMOTES, "check_remotes", "Compare the remotes with the metadata, or fix them."
    ),
    "info": Lazy(INFO, "info", "Show the releases and packages in the metadata."),
    "info-tags-diff": Lazy(INFO, "info_tags_diff", "Show which tags changed in the metadata."),
    "info-attr-diff": Lazy(INFO, "info_attr_diff", "Show which packages changed an attribute."),
    "findpkg": Lazy(INFO, "findpkg", "Find a package by name, project or URL."),
    "lint": Lazy(SHOW, "lint", "Check the spec for problems."),
    "release": Lazy(INFO, "release", "Show the releases."),
    "reqdiff": Lazy(REQUIREMENTS, "reqdiff", "Show how upstream's requirements changed."),
    "reqcheck": Lazy(REQUIREMENTS, "reqcheck", "Compare upstream's requirements with the spec's."),
    "reqquery": Lazy(
        REQUIREMENTS, "reqquery", "Show which required versions the repositories have."
    ),
    "query": Lazy(REQUIREMENTS, "query", "Show which versions of a package the repositories have."),
    "review-patch": Lazy(REMOTES, "review_patch", "Send the patches branch to Gerrit."),
    "review-spec": Lazy(REMOTES, "review_spec", "Send the distgit's last commit to Gerrit."),
    "status": Lazy(SHOW, "status", "Show the action in progress."),
    "conf": Lazy(SHOW, "conf", "Show the settings."),
    "actions": Lazy(SHOW, "actions", "Show all actions and their steps."),
    "autocomplete": Lazy(SHOW, "autocomplete", "Show how to enable shell completion."),
    "doctor": Lazy(SHOW, "doctor", "Check that this machine has what the verbs need."),
    "create": Lazy(CREATE, "create", "Create a package from a project on PyPI or in git."),
    "review": Lazy(REVIEW, "review", "List what a new package still needs to be accepted."),
}
"""The verbs in the order of rdopkg's help; both programs have all of them."""

SECTIONS: Mapping[str, Sequence[str]] = {
    "Distgit": ("clone", "co", "remotes", "pkgenv", "status", "undo"),
    "New versions": ("new-version", "get-source", "vendor-crates"),
    "Lookaside cache": ("sources", "upload", "new-sources", "import", "sites"),
    "Spec and commits": ("fix", "amend", "squash", "set-magic-comment", "lint"),
    "Dist-git": (
        *("commit", "ci", "diff", "new", "tag", "push", "pull", "switch-branch", "clean", "retire"),
        *("verrel", "gimmespec", "giturl", "clog", "unused-patches", "pre-push-check"),
    ),
    "Builds in a root or sandbox": (
        *("srpm", "prep", "compile", "install", "verify-files", "local", "mockbuild"),
    ),
    "Patches": (
        "patch",
        "update-patches",
        "get-patches",
        "import-patches",
        "patchlog",
        "tag-patches",
    ),
    "Requirements": ("reqdiff", "reqcheck", "reqquery", "query"),
    "Builds at farms": (
        *("build", "scratch-build", "chain-build", "kojibuild", "cbsbuild", "copr-build"),
        "coprbuild",
    ),
    "Reviews": ("review-patch", "review-spec"),
    "New packages": ("create", "review", "request-repo", "request-branch"),
    "Metadata": ("info", "info-tags-diff", "info-attr-diff", "findpkg", "release", "releases-info"),
    "Settings and help": ("doctor", "conf", "actions", "autocomplete"),
}
"""The headings of the help, each with its verbs."""


class PkgGroup(LazyGroup):
    """A group that lists its verbs in the table's order, and accepts `--abort` anywhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return [*self.lazy, *self.commands]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for option in ("--abort", "--continue"):
            if option in args:
                rest = [arg for arg in args if arg in {"--dry-run", "--json"}]
                return super().parse_args(ctx, [option, *rest])
        return super().parse_args(ctx, args)


def dry_run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--dry-run`, which every verb that changes something has."""
    help_text = "Show the commands, diff and pushes without changing anything."
    return click.option("--dry-run", is_flag=True, help=help_text)(command)


def repositories_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--repo`: folders to search for requirements, besides a target's repositories."""
    return click.option(
        "--repo",
        "repositories",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Also look up requirements in this folder with repodata (repeatable).",
    )(command)


platform_option = click.option(
    "--platform",
    "-P",
    shell_complete=complete.platforms,
    default="deb12-x86_64",
    show_default=True,
    help="Platform to build on.",
)


def effect_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--dry-run` and `--json` to a verb that changes the distgit."""
    return dry_run_option(_json_option(command))


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    def heed(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.meta[_AS_JSON] = True  # shared with the contexts of the verbs

    option = click.option(
        "--json", is_flag=True, expose_value=False, callback=heed, help="Print the result as JSON."
    )
    return option(command)


def go_on_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that act on an action in progress, without a verb."""
    command = _json_option(command)
    command = click.option(
        "--dry-run",
        is_flag=True,
        help="Show what -c or --abort would do without doing it.",
    )(command)
    command = click.option(
        "--abort", is_flag=True, help="Cancel the action in progress and undo its changes."
    )(command)
    return click.option(
        "--continue", "-c", "go_on", is_flag=True, help="Continue the action in progress."
    )(command)


@click.group(cls=PkgGroup, lazy=VERBS, sections=SECTIONS, invoke_without_command=True)
@go_on_options
@click.pass_context
def pkg(ctx: click.Context, go_on: bool, abort: bool, dry_run: bool) -> None:
    """Work on a distgit: new versions, patches, fixes. Run it in the distgit's clone.

    \b
    rdo pkg new-version 1.2.3    update, and rebase the patches onto the new version
    rdo pkg patch                take the patches from the patches branch
    rdo pkg fix                  edit the spec, then run rdo pkg -c
    """
    serve(ctx, go_on=go_on, abort=abort, is_dry=dry_run)


def serve(ctx: click.Context, *, go_on: bool, abort: bool, is_dry: bool) -> None:
    """Without a verb, continue or abort the action in progress, or show the help."""
    if ctx.invoked_subcommand is not None:
        return
    from rdo.distgit.update import verbs
    from rdo.distgit.verb import actions

    if abort:
        actions.abort(desk(), is_dry=is_dry)
        # rdopkg exits with 1 even after success here, and scripts rely on that
        ctx.exit(1 if program() == "rdopkg" else 0)
    elif go_on:
        actions.go_on(desk(), verbs.ACTIONS, is_dry=is_dry)
    else:
        output.say(ctx.get_help())


def program() -> str:
    """Return the name that the user typed before the verb: `rdo pkg`, `rdopkg` or `fedpkg`."""
    root = click.get_current_context().find_root().info_name
    return root if root in {"rdopkg", "fedpkg"} else "rdo pkg"


def app_here() -> "App":
    """Return the factory of this command line; a verb may also run without one, as in rdopkg."""
    from rdo.app import App

    return click.get_current_context().find_object(App) or App()


def desk(folder: Path | None = None, *, as_json: bool = False) -> "Desk":
    """Return the distgit in a folder (default: the current one) and a way to ask the user.

    With JSON output the caller is a program: no question is asked, and stdout gets only the effect.
    """
    from rdo.distgit.verb.desk import Desk
    from rdo.distgit.verb.settings import load
    from rdo.tools.git.clone import Clone

    here = folder or Path(setting("path") or Path.cwd())
    is_program = as_json or click.get_current_context().meta.get(_AS_JSON, False)
    said: list[str] = []

    def answer(effect: "Effect") -> None:
        output.show(replace(effect, messages=tuple(said)), True)

    return Desk(
        folder=here,
        clone=Clone(here),
        say=said.append if is_program else output.say,
        answer=answer if is_program else None,
        ask=_ask if sys.stdout.isatty() and not is_program else None,
        now=lambda: datetime.now().astimezone(),
        settings=load(Path.home()),
        program=program(),
        name=setting("name"),
    )


def desk_in_git(*, as_json: bool = False) -> "Desk":
    """Return the distgit in the current folder; raises RefusedError unless it is a git clone."""
    here = desk(as_json=as_json)
    here.clone.check()
    return here


def set_setting(ctx: click.Context, name: str, value: str) -> None:
    """Store a value given before the verb: `path`, `name`, `namespace`, `user` …"""
    ctx.meta[f"{_SETTING}.{name}"] = value


def setting(name: str) -> str:
    """Return a value given before the verb; empty if there is none."""
    return str(click.get_current_context().meta.get(f"{_SETTING}.{name}") or "")


def _ask(question: str, default: bool) -> bool:
    """Ask as rdopkg does: `MSG [Yn] ` or `MSG [Ny] `."""
    try:
        answer = input(f"{on_terminal(question)} [{'Yn' if default else 'Ny'}] ").strip().lower()
    except EOFError:  # there is nobody to answer
        return False
    return answer in {"y", "yes"} or (default and not answer)
