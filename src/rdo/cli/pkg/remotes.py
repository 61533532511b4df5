"""Verbs of `rdo pkg` that deal with remotes: clone, remotes, and reviews on Gerrit."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.pkg.group import desk, desk_in_git, dry_run_option, effect_options, setting
from rdo.cli.pkg.info import info_file_option, load_metadata, local_info_option
from rdo.errors import RefusedError

if TYPE_CHECKING:
    from rdo.distgit.everyday.cloning import SiteClone


@click.command()
@click.argument("package", metavar="PACKAGE|URL")
@click.argument("target", metavar="[FOLDER]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--use-master-distgit", "-m", is_flag=True, help="Clone the package's master-distgit."
)
@click.option(
    "--gerrit-remotes", "-g", is_flag=True, help="Add the remotes gerrit-origin and gerrit-patches."
)
@click.option("--review-user", "-u", default="", metavar="USER", help="Your name on Gerrit.")
@click.option(
    "--distro", "-d", default="", help="Distribution whose metadata to use. Default: RDO."
)
@click.option(
    "--extra-repo",
    "-e",
    default="",
    metavar="KEY",
    help="Add one more remote: the URL that the package has as KEY.",
)
@click.option(
    "--site",
    default="",
    metavar="NAME",
    help="Clone from a dist-git site instead of asking the metadata; rdo pkg sites lists them.",
)
@click.option("--anonymous", "-a", is_flag=True, help="With --site: clone without an account.")
@click.option("--branch", "-b", default="", help="Check out this branch.")
@click.option(
    "--branches", "-B", is_flag=True, help="Make one clone for each branch, in FOLDER/BRANCH."
)
@click.option("--depth", type=click.IntRange(1), help="Fetch only this many commits of history.")
@local_info_option
@info_file_option
@output.json_option
@dry_run_option
def clone(
    package: str,
    target: Path | None,
    use_master_distgit: bool,
    gerrit_remotes: bool,
    review_user: str,
    distro: str,
    extra_repo: str,
    site: str,
    anonymous: bool,
    branch: str,
    branches: bool,
    depth: int | None,
    local_info: str,
    info_file: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Clone a package's distgit, and add remotes for its patches and its upstream.

    \b
    rdo pkg clone openstack-nova
    rdo pkg clone https://example.org/nova-distgit.git
    rdo pkg clone --site fedora --anonymous python-requests
    """
    from rdo.distgit import remotes
    from rdo.distgit.everyday.cloning import SiteClone
    from rdo.metadata import queries

    if (anonymous or branch or branches or depth) and not (site or remotes.is_git_url(package)):
        raise RefusedError("--anonymous, --branch, --branches and --depth need --site or a URL")
    if branch and branches:
        raise RefusedError("only one of --branch and --branches can be given")
    if site:
        package = _url_of(site, package, is_anonymous=anonymous)
    missing: Sequence[str] = ()
    if remotes.is_git_url(package):
        folder = target or Path(remotes.folder_of(package))
        plan = {"origin": package}
        has: Mapping[str, str] = plan
        if not dry_run:
            has = _cloned(SiteClone(package, folder, site, branch, depth), has_all=branches)
    else:
        packages = load_metadata(local_info, info_file, distro=distro).entries()
        found = queries.find_package(packages, package, strict=True)
        if found is None:
            raise RefusedError(f"Package not found in distroinfo: {package}")
        options = remotes.CloneOptions(use_master_distgit, gerrit_remotes, review_user, extra_repo)
        folder, plan = target or Path(package), remotes.planned(found, options)
        missing = remotes.missing(plan)
        has = plan if dry_run else remotes.clone_package(plan, folder).remotes()
    for name in missing:
        output.say(f"{name!r} remote information not available in distroinfo.", err=True)
    if as_json:
        output.show(remotes.Cloned(folder, dry_run, has, missing), True)
    elif dry_run:
        output.say(shlex.join(("git", "clone", plan.pop("origin"), str(folder))))
        for name, url in plan.items():
            output.say(shlex.join(("git", "remote", "add", name, url)))
    else:
        for name, url in has.items():
            output.say(f"{name}\t{url}")


def _cloned(wanted: "SiteClone", *, has_all: bool) -> Mapping[str, str]:
    """Make a clone, or one for each branch; return its remotes."""
    if not has_all:
        return wanted.make().remotes()
    for name in wanted.make_branches():
        output.say(f"cloned {wanted.folder / name}", err=True)
    return {"origin": wanted.url}


def _url_of(site: str, package: str, *, is_anonymous: bool) -> str:
    from rdo.distgit.everyday import sites

    given = setting("sites_file")
    known = sites.load(Path.home(), extra=Path(given) if given else None)
    chosen = known.get(site).in_namespace(setting("namespace"))
    return chosen.url_of(package, is_anonymous=is_anonymous, user=setting("user"))


@click.command("remotes")
@click.option("--check", "act", flag_value="check", default=True, help="Compare only.  [default]")
@click.option(
    "--fix", "act", flag_value="fix", help="Add missing remotes, and correct URLs that differ."
)
@click.option("--package", default="", help="Name of the package. Default: the folder's name.")
@click.option(
    "--distro", "-d", default="", help="Distribution whose metadata to use. Default: RDO."
)
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
    """Compare the remotes of this clone with the metadata; --fix makes them match.

    Exit code 1 of --check: a remote is missing or differs.
    """
    from rdo.distgit import remotes
    from rdo.distgit.verb.actions import change
    from rdo.metadata import queries

    here = desk_in_git(as_json=as_json)
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
    from rdo.distgit.patches import gerrit
    from rdo.distgit.verb.actions import change

    change(desk(), "review-patch", lambda x: gerrit.send_patches(x, patches_branch), is_dry=dry_run)


@click.command()
@click.argument("branch", metavar="[DISTGIT_BRANCH]", default="")
@effect_options
def review_spec(branch: str, dry_run: bool) -> None:
    """Send the last commit of the distgit to Gerrit."""
    from rdo.distgit.patches import gerrit
    from rdo.distgit.verb.actions import change

    change(desk(), "review-spec", lambda x: gerrit.send_spec(x, branch), is_dry=dry_run)
