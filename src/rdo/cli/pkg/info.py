"""rdopkg's verbs that query the metadata; `rdo info` offers the same and more."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app.metadata import user_cache
from rdo.cli import output
from rdo.cli.pkg.group import desk
from rdo.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from rdo.metadata import Distribution

local_info_option = click.option(
    "--local-info",
    "-l",
    default="",
    metavar="DIR",
    help="Folder with the metadata. Default: rdopkg's configuration.",
)
info_file_option = click.option(
    "--info-file",
    "-i",
    default="",
    metavar="FILE",
    help="Main file of the metadata. Default: rdopkg's configuration.",
)
fetch_option = click.option(
    "--force-fetch",
    "-f",
    is_flag=True,
    help="Fetch the metadata again even if the cached copy is fresh.",
)


def load_metadata(
    local_info: str = "",
    info_file: str = "",
    *,
    distro: str = "",
    ref: str = "",
    is_fresh: bool = False,
) -> "Distribution":
    """Return the metadata in a folder. Default: the place in rdopkg's configuration.

    Raises NotFoundError if the folder does not exist.
    """
    from rdo import metadata

    source, file = (local_info, "") if local_info else desk().settings.source(distro)
    if local_info and not Path(local_info).is_dir():
        raise NotFoundError(f"Not a directory: {local_info}")
    cache = user_cache() / "metadata"
    if is_fresh:
        return metadata.load(source, info_file or file, cache=cache, ref=ref, max_age=0.0)
    return metadata.load(source, info_file or file, cache=cache, ref=ref)


@click.command()
@click.argument("filters", nargs=-1, metavar="[ATTR:REGEX]...")
@click.option("--apply-tag", "-t", metavar="TAG", help="Apply the overrides of this tag.")
@fetch_option
@local_info_option
@info_file_option
@output.json_option
def info(
    filters: tuple[str, ...],
    apply_tag: str | None,
    force_fetch: bool,
    local_info: str,
    info_file: str,
    as_json: bool,
) -> None:
    """Show the releases and packages, or all attributes of packages that match the filters.

    \b
    rdopkg info nova
    rdopkg info conf:client maintainers:someone
    """
    from rdo.distgit import info_text
    from rdo.metadata import queries

    loaded = load_metadata(local_info, info_file, is_fresh=force_fetch)
    if not filters:
        answer = loaded.dump(apply_tag)
        output.show(answer, as_json, info_text.summary(answer))
        return
    parsed = [queries.Filter.parse(x if ":" in x else f"name:{x}") for x in filters]
    found = queries.filtered(loaded.dump(apply_tag)["packages"], parsed)
    output.show(found, as_json, info_text.packages(found))


@click.command()
@click.argument("query")
@click.option("--strict", "-s", is_flag=True, help="Match names, projects and URLs exactly.")
@fetch_option
@local_info_option
@info_file_option
@output.json_option
def findpkg(
    query: str, strict: bool, force_fetch: bool, local_info: str, info_file: str, as_json: bool
) -> None:
    """Find a package by its name, project or upstream URL."""
    from rdo.distgit import info_text
    from rdo.metadata import queries

    loaded = load_metadata(local_info, info_file, is_fresh=force_fetch)
    found = queries.find_package(loaded.dump()["packages"], query, strict=strict)
    if found is None:
        raise NotFoundError(f"No package found in distroinfo for query: {query}")
    output.show(found, as_json, info_text.package(found))


@click.command()
@click.argument("local_info", metavar="DIR")
@click.argument("info_file", metavar="[FILE]", default="")
@click.option(
    "--buildsys-tags", "-b", is_flag=True, help="Compare the tags of the build system instead."
)
@output.json_option
def info_tags_diff(local_info: str, info_file: str, buildsys_tags: bool, as_json: bool) -> None:
    """Show packages whose tags were added or changed since the commit before the last."""
    from rdo.metadata import queries

    old = load_metadata(local_info, info_file, ref="HEAD~1").dump()
    new = load_metadata(local_info, info_file).dump()
    diff = queries.tags_diff(old, new, "buildsys-tags" if buildsys_tags else "tags")
    _show_diff(diff, as_json, "tag")


@click.command()
@click.argument("local_info", metavar="DIR")
@click.argument("attribute", metavar="ATTR")
@click.argument("info_file", metavar="[FILE]", default="")
@output.json_option
def info_attr_diff(local_info: str, attribute: str, info_file: str, as_json: bool) -> None:
    """Show packages whose ATTR changed since the commit before the last."""
    from rdo.metadata import queries

    old = load_metadata(local_info, info_file, ref="HEAD~1").dump()
    new = load_metadata(local_info, info_file).dump()
    _show_diff(queries.attr_diff(old, new, attribute), as_json, "attribute")


def _show_diff(diff: list[tuple[str, list[str]]], as_json: bool, what: str) -> None:
    if as_json or diff:
        output.show(diff, as_json, "\n".join(f"{name} {changes}" for name, changes in diff))
    else:
        output.say(f"No {what} changes detected.", err=True)


@click.command()
@click.option(
    "--release-specified", "-r", default="", metavar="NAME", help="Show only this release."
)
@click.option("--repo", "-R", default="", help="Show only releases for this base OS.")
@click.option(
    "--phase-specified",
    "-s",
    default="",
    metavar="PHASE",
    help="Show only the names of the releases in this phase.",
)
@local_info_option
@info_file_option
@output.json_option
def release(
    release_specified: str,
    repo: str,
    phase_specified: str,
    local_info: str,
    info_file: str,
    as_json: bool,
) -> None:
    """Show the releases: phase, branches and repositories."""
    from rdo.distgit import info_text

    if release_specified and repo:
        raise RefusedError("The option -r and -R cannot be used at the same time")
    found = load_metadata(local_info, info_file).dump()["releases"]
    if release_specified:
        found = [x for x in found if x["name"] == release_specified]
    elif phase_specified:
        found = [x for x in found if x.get("status") == phase_specified]
    elif repo:
        found = [x for x in found if repo in {one.get("name") for one in x["repos"]}]
    if phase_specified and not release_specified:
        people = "\n".join(x["name"] for x in found) or "No release match your phase filter."
    else:
        people = "\n\n".join(map(info_text.release, found)) or "No release match your filter."
    output.show(found, as_json, people)
