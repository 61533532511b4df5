"""`rdo pkg releases-info`, `request-repo` and `request-branch`: ask a site's forge."""

from pathlib import Path
from typing import NoReturn

import click

from rdo.cli import output
from rdo.cli.pkg.everyday.lookaside import known_site, site_option
from rdo.cli.pkg.group import desk
from rdo.cli.pkg.info import info_file_option, load_metadata, local_info_option
from rdo.errors import RefusedError

_OURS = (
    "for your own site, add the package and its branches to the metadata, then run rdo distgit"
    " sync; for Fedora, ask at https://pagure.io/releng/fedora-scm-requests"
)


@click.command()
@click.option("--join", "-j", is_flag=True, help="Print all names in one line.")
@local_info_option
@info_file_option
@output.json_option
def releases_info(join: bool, local_info: str, info_file: str, as_json: bool) -> None:
    """List the releases of the metadata that are maintained or developed."""
    known = load_metadata(local_info, info_file).dump()["releases"]
    found = [str(one["name"]) for one in known if one.get("status") != "eol"]
    output.show(found, as_json, (" " if join else "\n").join(found))


@click.command()
@click.argument("name")
@click.argument("bug", required=False, default="")
@site_option
@output.json_option
def request_repo(name: str, bug: str, site: str, as_json: bool) -> None:  # noqa: ARG001 - it only refuses
    """Request the repository of a new package from a site; no site that rdo knows supports this."""
    _refuse(f"the repository {name}", site)


@click.command()
@click.argument("branch", required=False, default="")
@click.option("--repo", default="", metavar="NAME", help="Package. Default: the one here.")
@site_option
@output.json_option
def request_branch(branch: str, repo: str, site: str, as_json: bool) -> None:  # noqa: ARG001 - so, too
    """Request a new branch of a package from a site; no site that rdo knows supports this."""
    _refuse(f"the branch {branch or 'that is checked out'} of {repo or Path.cwd().name}", site)


def _refuse(what: str, site: str) -> NoReturn:
    here = desk()
    found = known_site(here, site) if site or (here.folder / ".git").exists() else None
    title = found.title if found and found.title else "this site"
    raise RefusedError(f"{title} has no forge that rdo can ask for {what}", hint=_OURS)
