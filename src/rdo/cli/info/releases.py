"""`rdo info releases`, `release` and `distrepos`: the releases of the distribution."""

import click

from rdo.cli import output
from rdo.cli.info.options import Answer, Asked, answer_options, metadata_options
from rdo.metadata import ReleaseRepo, queries


@click.command()
@click.option("--status", metavar="STATUS", help="Show only releases with this status.")
@metadata_options
@answer_options
def releases(asked: Asked, status: str | None, answer: Answer) -> None:
    """Show the releases: base OS, branches and identifiers."""
    found = [x for x in asked.load().releases if status in (None, x.status)]
    rows = [
        (x.name, x.identifier, x.status, repo.name, repo.branch, x.upstream_branch, repo.buildsys)
        for x in found
        for repo in x.repos or (ReleaseRepo("", x.branch or ""),)
    ]
    columns = ("release", "id", "status", "base os", "branch", "upstream branch", "build system")
    answer.show(found, output.Table(columns, rows), (release.name for release in found))


@click.command()
@click.option(
    "--release-specified", "-r", "name", default="", metavar="NAME", help="Show only this release."
)
@click.option(
    "--repo", "-R", default="", metavar="BASE-OS", help="Show only releases for this base OS."
)
@click.option(
    "--phase-specified",
    "-s",
    "status",
    default="",
    metavar="STATUS",
    help="Show only releases with this status; prints their names unless --json is given.",
)
@metadata_options
@answer_options
def release(asked: Asked, name: str, repo: str, status: str, answer: Answer) -> None:
    """Show the releases in rdopkg's format, with the branches that it assumes.

    \b
    rdo info release -r flamingo
    rdo info release -s maintained
    """
    if name and repo:
        raise click.UsageError("--release-specified and --repo cannot be used together")
    found = queries.supposed_branches(asked.load().dump(), name, repo, status)
    if status:
        people = "\n".join(release.name for release in found)
    else:
        people = "\n\n".join(map(_lines, found))
    names = (release.name for release in found)
    answer.show(found, people or "no release matches", names)


def _lines(release: queries.SupposedBranches) -> str:
    values = {**output.plain(release), "repos": ", ".join(release.repos)}
    return "\n".join(f"{key}: {value}" for key, value in values.items() if value is not None)


@click.command()
@click.argument("release", metavar="RELEASE[/BASE-OS]")
@click.argument("base_os", required=False, default="", metavar="[BASE-OS]")
@metadata_options
@answer_options
def distrepos(asked: Asked, release: str, base_os: str, answer: Answer) -> None:
    """Show the yum repositories that belong to a release.

    \b
    Example: rdo info distrepos flamingo/el10s
    """
    name, _, after_slash = release.partition("/")
    found = queries.distrepos(asked.load().dump(), name, after_slash or base_os)
    # distroinfo's own format: (release, base OS, repositories)
    told = [(x.release, x.base_os, x.repos) for x in found]
    rows = [(x.base_os, repo.get("name"), repo.get("url")) for x in found for repo in x.repos]
    table = output.Table(("base os", "repository", "url"), rows)
    answer.show(told, table, (str(name) for _, name, _ in rows))
