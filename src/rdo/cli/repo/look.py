"""`rdo repo list`, `show`, `files` and `whatprovides`: show the content of repositories."""

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.promotion.check import answer_lines
from rdo.cli.repo.options import opened, repository_argument, target_option
from rdo.model.text.dates import minute
from rdo.promotion import checked, listing
from rdo.promotion.compositions import find


@click.command("list")
@target_option
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Number of repositories; those with a name are always listed.",
)
@click.option("--all", "everything", is_flag=True, help="List every repository in the tree.")
@output.json_option
@click.pass_obj
def list_(app: App, target: str | None, limit: int, everything: bool, as_json: bool) -> None:
    """List the repositories in the tree, newest first, with the names that lead there.

    \b
    rdo repo list --target master-deb12
    """
    rows = listing.in_tree(opened(app, target), None if everything else limit)
    people = output.Table(
        ("repository", "created", "of", "names"),
        [
            (row.path, minute(row.created), row.of or "composed", ", ".join(row.names))
            for row in rows
        ],
    )
    output.show(rows, as_json, people if rows else "no repository yet; rdo trunk run makes one")


@click.command()
@repository_argument()
@target_option
@output.json_option
@click.pass_obj
def show(app: App, repository: str, target: str | None, as_json: bool) -> None:
    """Show the builds that REPOSITORY contains, and where it is.

    \b
    rdo repo show consistent
    rdo repo show consistent@2026-11-20T10:00
    """
    target_of = opened(app, target)
    found = find(target_of, repository)
    listed = {one.path: one for one in listing.in_tree(target_of)}
    places = [listed[one.path] for one in found.repositories]
    builds = [
        {
            "package": name,
            "build": one.id,
            "nvr": one.nvr,
            "commit": one.commit.upstream_hash,
            "distgit_commit": one.commit.distgit_hash,
            "component": one.commit.component,
            "release_date": one.release_date,
            "rpms": [stored.artifact.file_name for stored in one.artifacts],
        }
        for name, one in sorted(found.builds.items())
    ]
    lines = []
    for place in places:
        lines.append(f"{place.path}")
        lines.append(f"  created {minute(place.created)} UTC, of {place.of or 'a composition'}")
        lines.append(f"  {place.url}")
        lines += [f"  names: {', '.join(place.names)}"] if place.names else []
    width = max((len(str(one["package"])) for one in builds), default=0)
    lines += ["", f"{len(builds)} packages"]
    lines += [
        f"  {one['package']!s:<{width}}  {one['nvr']}  (build {one['build']})" for one in builds
    ]
    known = checked.known_answers(target_of, found)
    if known:
        lines += ["", "checks", *answer_lines(known)]
    answer = {"repository": repository, "places": places, "builds": builds, "checks": known}
    output.show(answer, as_json, "\n".join(lines))


@click.command()
@repository_argument()
@click.argument("rpm", required=False, metavar="[RPM]")
@target_option
@output.json_option
@click.pass_obj
def files(app: App, repository: str, rpm: str | None, target: str | None, as_json: bool) -> None:
    """List the RPMs of REPOSITORY, or the paths of the files in one RPM.

    RPM is the name of an RPM, or its file name.

    \b
    rdo repo files consistent
    rdo repo files consistent python3-oslo-config
    """
    target_of = opened(app, target)
    found = find(target_of, repository)
    if rpm:
        paths = listing.files_of(target_of, found, rpm)
        output.show(paths, as_json, "\n".join(paths))
        return
    rows = [
        {
            "rpm": stored.artifact.file_name,
            "package": stored.package,
            "size": stored.artifact.size,
            "sha256": stored.artifact.sha256,
        }
        for stored in listing.rpms(found)
    ]
    people = output.Table(
        ("rpm", "package", "bytes"), [(row["rpm"], row["package"], row["size"]) for row in rows]
    )
    output.show(rows, as_json, people)


@click.command()
@repository_argument()
@click.argument("what", metavar="CAPABILITY|PATH")
@target_option
@output.json_option
@click.pass_context
def whatprovides(
    ctx: click.Context, repository: str, what: str, target: str | None, as_json: bool
) -> None:
    """Show which RPMs of REPOSITORY provide a capability or a file.

    `*` and `?` are wildcards. Exit code 4: nothing provides it.

    \b
    rdo repo whatprovides consistent 'python3dist(oslo.config)'
    rdo repo whatprovides consistent '/usr/bin/nova-*'
    """
    target_of = opened(ctx.obj, target)
    found = listing.providers(target_of, find(target_of, repository), what)
    people = output.Table(
        ("rpm", "package", "provides"), [(row.nevra, row.package, row.provides) for row in found]
    )
    rows = [
        {"rpm": str(row.nevra), "package": row.package, "provides": row.provides} for row in found
    ]
    output.show(rows, as_json, people if found else f"nothing in {repository} provides {what}")
    ctx.exit(0 if found else 4)
