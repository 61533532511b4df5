"""Smaller verbs of `rdo pkg` with an effect: amend, squash, tags, sources, remotes, reviews."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.pkg import desk, dry_run_option, effect_options
from rdo.cli.pkg_info import info_file_option, load_metadata, local_info_option
from rdo.distgit.state import Arguments
from rdo.errors import RefusedError


@click.command()
@click.option("--commit-header-file", "-H", default="", metavar="FILE",
              help="Begin the commit message with this file; - is stdin.")  # fmt: skip
@click.option("--message", "-m", default="", help="The message, where the spec has no changelog.")
@effect_options
def amend(commit_header_file: str, message: str, dry_run: bool) -> None:
    """Put all changes into the last commit, its message made anew from the changelog."""
    from rdo.distgit import spec_update
    from rdo.distgit.actions import change

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
    from rdo.distgit import small_verbs
    from rdo.distgit.actions import change

    change(desk(), "squash", small_verbs.squash, is_dry=dry_run)


@click.command()
@click.option("--force", "-f", is_flag=True, help="Replace a tag with this name.")
@click.option("--push", "-p", is_flag=True, help="Push it to the patches remote.")
@effect_options
def tag_patches(force: bool, push: bool, dry_run: bool) -> None:
    """Tag the patches branch with the package's name, version and release."""
    from rdo.distgit import small_verbs
    from rdo.distgit.actions import change

    change(
        desk(),
        "tag-patches",
        lambda here: small_verbs.tag_patches(here, is_forced=force, is_pushed=push),
        is_dry=dry_run,
    )


@click.command()
@click.argument("name")
@click.argument("value")
@effect_options
def set_magic_comment(name: str, value: str, dry_run: bool) -> None:
    """Set a magic comment of the spec; an empty VALUE takes it out.

    \b
    rdo pkg set-magic-comment patches_base 1.0+2
    """
    from rdo.distgit import small_verbs
    from rdo.distgit.actions import change

    change(
        desk(),
        "set-magic-comment",
        lambda here: small_verbs.set_magic_comment(here, name, value),
        is_dry=dry_run,
    )


@click.command()
@click.option("--all", "-a", "is_all", is_flag=True, help="Every source that is missing here.")
@effect_options
def get_source(is_all: bool, dry_run: bool) -> None:
    """Download the source archive; with --all every source, and check its signature."""
    from rdo.distgit import sources
    from rdo.distgit.actions import change

    def act(here: Any) -> None:
        for file in sources.take(here, only_first=not is_all):
            here.say(file.name)
        if is_all and not dry_run:
            for line in sources.verify(here):
                here.say(line)

    change(desk(), "get-source", act, is_dry=dry_run)


@click.command()
@click.option("--local-patches-branch", "-P", default="", metavar="LOCAL_BRANCH",
              help="The branch to make.")  # fmt: skip
@click.option("--force", "-f", is_flag=True, help="Make a branch anew that is there.")
@effect_options
def import_patches(local_patches_branch: str, force: bool, dry_run: bool) -> None:
    """Make a patches branch of the patches that the spec has.

    \b
    rdo pkg import-patches
    rdo pkg new-version 1.2.3 -l
    """
    from rdo.distgit import adopt
    from rdo.distgit.actions import change, require_clean

    here = desk()
    here.clone.check()
    require_clean(here)
    args = Arguments(local_patches_branch=local_patches_branch, force=force)
    change(here, "import-patches", lambda x: adopt.import_patches(x, args), is_dry=dry_run)


@click.command()
@effect_options
def undo(dry_run: bool) -> None:
    """Put back what the last verb changed: branches, tags, remotes, files.

    What was pushed stays pushed. A second undo goes back one verb more.
    """
    from rdo.distgit import actions

    actions.undo(desk(), is_dry=dry_run)


@click.command()
@click.argument("package", metavar="PACKAGE|URL")
@click.option("--use-master-distgit", "-m", is_flag=True, help="The master-distgit of it.")
@click.option("--gerrit-remotes", "-g", is_flag=True, help="Add gerrit-origin, gerrit-patches.")
@click.option("--review-user", "-u", default="", metavar="USER", help="Your name on Gerrit.")
@click.option("--distro", "-d", default="", help="Whose metadata; RDO by default.")
@click.option("--extra-repo", "-e", default="", metavar="KEY", help="One more remote.")
@local_info_option
@info_file_option
@output.json_option
@dry_run_option
def clone(
    package: str,
    use_master_distgit: bool,
    gerrit_remotes: bool,
    review_user: str,
    distro: str,
    extra_repo: str,
    local_info: str,
    info_file: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Clone a package's distgit, with remotes for its patches and its upstream.

    \b
    rdo pkg clone openstack-nova
    rdo pkg clone https://example.org/nova-distgit.git
    """
    from rdo.distgit import remotes
    from rdo.metadata import queries
    from rdo.tools import clone as tool

    missing: Sequence[str] = ()
    if remotes.is_git_url(package):
        folder = Path(remotes.folder_of(package))
        plan = {"origin": package}
        has = plan if dry_run else tool.clone(package, folder).remotes()
    else:
        packages = load_metadata(local_info, info_file, distro=distro).entries()
        found = queries.find_package(packages, package, strict=True)
        if found is None:
            raise RefusedError(f"Package not found in distroinfo: {package}")
        options = remotes.CloneOptions(use_master_distgit, gerrit_remotes, review_user, extra_repo)
        folder, plan = Path(package), remotes.planned(found, options)
        missing = remotes.missing(plan)
        has = plan if dry_run else remotes.clone_package(plan, folder).remotes()
    for name in missing:
        click.echo(f"{name!r} remote information not available in distroinfo.", err=True)
    if as_json:
        output.show(remotes.Cloned(folder, dry_run, has, missing), True)
    elif dry_run:
        click.echo(f"git clone {plan.pop('origin')} {folder}")
        for name, url in plan.items():
            click.echo(f"git remote add {name} {url}")
    else:
        for name, url in has.items():
            click.echo(f"{name}\t{url}")


@click.command("remotes")
@click.option("--check", "act", flag_value="check", default=True, help="Compare.  [default]")
@click.option("--fix", "act", flag_value="fix", help="Add what is missing, set what differs.")
@click.option("--package", default="", help="The package, if the folder has another name.")
@click.option("--distro", "-d", default="", help="Whose metadata; RDO by default.")
@local_info_option
@info_file_option
@output.json_option
@dry_run_option
@click.pass_context
def check_remotes(
    ctx: click.Context,
    act: str,
    package: str,
    distro: str,
    local_info: str,
    info_file: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Compare the remotes of this clone with the metadata; --fix makes them so.

    --check ends with 1 if something is missing or different.
    """
    from rdo.distgit import remotes
    from rdo.distgit.actions import change
    from rdo.metadata import queries

    here = desk(as_json=as_json)
    here.clone.check()
    packages = load_metadata(local_info, info_file, distro=distro).entries()
    found = queries.find_package(packages, package or here.package, strict=True)
    if found is None:
        raise RefusedError(f"Package not found in distroinfo: {package or here.package}")
    if act == "fix":
        change(here, "remotes --fix", lambda x: _fix(x, found), is_dry=dry_run)
        return
    rows = remotes.compare(here.clone.remotes(), found)
    cells = [(x.name, x.state, x.url, x.expected) for x in rows]
    output.show(rows, as_json, output.Table(("remote", "state", "url", "expected"), cells))
    good = {remotes.RemoteState.OK, remotes.RemoteState.UNKNOWN}
    if any(x.state not in good for x in rows):
        ctx.exit(1)


def _fix(here: Any, found: Any) -> None:
    from rdo.distgit import remotes

    for remote in remotes.fix(here, found):
        here.say(f"{remote.name}: {remote.expected}")


@click.command()
@click.argument("patches_branch", metavar="[PATCHES_BRANCH]", default="")
@effect_options
def review_patch(patches_branch: str, dry_run: bool) -> None:
    """Send the patches branch to Gerrit."""
    from rdo.distgit import gerrit
    from rdo.distgit.actions import change

    change(desk(), "review-patch", lambda x: gerrit.send_patches(x, patches_branch), is_dry=dry_run)


@click.command()
@click.argument("branch", metavar="[DISTGIT_BRANCH]", default="")
@effect_options
def review_spec(branch: str, dry_run: bool) -> None:
    """Send the last commit of the distgit to Gerrit."""
    from rdo.distgit import gerrit
    from rdo.distgit.actions import change

    change(desk(), "review-spec", lambda x: gerrit.send_spec(x, branch), is_dry=dry_run)


@click.command()
@click.option("--platform", "-P", default="deb12-x86_64", show_default=True)
@click.option("--results", "-o", type=click.Path(path_type=Path), default=Path("results"),
              show_default=True, help="Where RPMs and logs go.")  # fmt: skip
@dry_run_option
@click.pass_context
def mockbuild(ctx: click.Context, platform: str, results: Path, dry_run: bool) -> None:
    """Build this distgit in a fresh root, as `rdo build` does; sources are taken first."""
    from rdo.cli.build import build
    from rdo.distgit import sources

    here = desk()
    sources.take(here if not dry_run else here.dry())
    if dry_run:
        click.echo(f"rdo build {here.spec.path.name} --platform {platform} --results {results}")
        return
    ctx.obj = ctx.find_object(App) or App()
    ctx.invoke(build, source=here.spec.path, platform=platform, results=results)
