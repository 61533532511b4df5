"""The names of a commit and checks of it: `verrel`, `gimmespec`, `giturl`, `clog` and others."""

from typing import Any

import click

from rdo.cli import output
from rdo.cli.pkg.everyday.lookaside import known_site, site_of, site_option
from rdo.cli.pkg.group import desk, desk_in_git, effect_options, setting

_release = click.option(
    "--release",
    metavar="BRANCH",
    default="",
    help="Branch whose distribution to assume, such as f42 or epel9. Default: the current one.",
)


@click.command()
@_release
@site_option
@output.json_option
def verrel(release: str, site: str, as_json: bool) -> None:
    """Print name, version and release of the spec, with the dist of the branch."""
    from rdo.distgit.everyday.identity import verrel as read

    here = desk_in_git(as_json=as_json)
    found = read(here, known_site(here, site), release, user=setting("user"))
    output.show(found, as_json, found.nvr)


@click.command()
@output.json_option
def gimmespec(as_json: bool) -> None:
    """Print the name of the spec."""
    name = desk().spec.path.name
    output.show({"spec": name}, as_json, name)


@click.command()
@site_option
@output.json_option
def giturl(site: str, as_json: bool) -> None:
    """Print the URL of this commit, in Koji's form."""
    from rdo.distgit.everyday.identity import git_url

    here = desk_in_git()
    url = git_url(here, site_of(here, site))
    output.show({"url": url}, as_json, url)


@click.command()
@click.option("--raw", is_flag=True, help="Keep the hyphens of the entry.")
@effect_options
def clog(raw: bool, dry_run: bool) -> None:
    """Write the newest changelog entry into the file clog, for a commit message."""
    from rdo.distgit.everyday.commit_text import commit_message, newest_changes
    from rdo.distgit.verb.actions import change

    def act(there: Any) -> None:
        from rdo.atomic import write_file

        lines = newest_changes(there, is_raw=raw)
        text = commit_message(lines).encode(errors="surrogateescape")
        there.clone.will_write(there.folder / "clog", text)
        write_file(there.folder / "clog", text)
        there.say("wrote clog")

    change(desk(), "clog", act, is_dry=dry_run)


@click.command()
@output.json_option
def unused_patches(as_json: bool) -> None:
    """List the patch files that git tracks and the spec does not use."""
    from rdo.distgit.everyday.sources import unused

    here = desk_in_git(as_json=as_json)
    found = unused(here)
    if found or as_json:
        output.show(found, as_json, "\n".join(found))
    else:
        output.say("all patch files are used", err=True)


@click.command()
@click.argument("ref", required=False, default="HEAD")
@click.option("--offline", is_flag=True, help="Do not ask the lookaside cache.")
@site_option
@output.json_option
@click.pass_context
def pre_push_check(ctx: click.Context, ref: str, offline: bool, site: str, as_json: bool) -> None:
    """Check that a commit can be built elsewhere: each source is in git or in the cache.

    \b
    Exit codes, as fedpkg's: 1 no such commit, 3 the spec cannot be read,
    4 a source is in neither, 5 the cache lacks a file.
    """
    from rdo.distgit.everyday.push_check import check

    here = desk_in_git()
    found = check(here, ref, None if offline else site_of(here, site))
    if as_json:
        output.show(found, True)
    for line in found.lines if not as_json else ():
        output.say(line, err=True)
    ctx.exit(found.code)
