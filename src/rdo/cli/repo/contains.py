"""`rdo repo contains`: find the repositories with a commit, a fix, or a version of a package."""

from collections.abc import Iterator

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.repo.options import opened, target_option
from rdo.mirrors import Mirrors
from rdo.model.text.dates import minute
from rdo.promotion.containing import (
    Containing,
    RepositoryContaining,
    find_builds,
    repositories_containing,
)
from rdo.promotion.containing import (
    contains as names_containing,
)


@click.command()
@click.argument("what", metavar="COMMIT|FIX|PACKAGE")
@click.argument("version", metavar="[VERSION]", default="")
@target_option
@click.option("--all", "everything", is_flag=True, help="Also list every repository that has it.")
@output.json_option
@click.pass_obj
def contains(
    app: App, what: str, version: str, target: str | None, everything: bool, as_json: bool
) -> None:
    """Show which names lead to a repository with a commit, a fix or a version, and since when.

    COMMIT is the hash of a commit of an upstream or a distgit, FIX an id that a commit's message
    names, such as CVE-2026-1234, lp#1234567 or rhbz#1234567. Exit code 4: no repository has it.

    \b
    rdo repo contains 1a2b3c4d5e6f
    rdo repo contains CVE-2026-1234
    rdo repo contains openstack-nova 31.0.1
    """
    target_of = opened(app, target)
    builds = find_builds(target_of, Mirrors(app.settings.data / "mirrors"), what, version)
    found = names_containing(target_of, builds)
    listed = repositories_containing(target_of, builds, most=None)[0] if everything else ()
    answer: dict[str, object] = {"packages": [_row(one) for one in found]}
    if everything:
        answer["repositories"] = listed
    output.show(answer, as_json, "\n".join(_lines(found, listed)))


def _row(one: Containing) -> dict[str, object]:
    builds = [
        {
            "build": build.id,
            "commit": build.commit.upstream_hash,
            "distgit_commit": build.commit.distgit_hash,
        }
        for build in one.builds
    ]
    return {"package": one.package, "builds": builds, "names": one.names, "first": one.first}


def _lines(
    found: tuple[Containing, ...], listed: tuple[RepositoryContaining, ...]
) -> Iterator[str]:
    for each in found:
        first, *later = each.builds
        yield f"{each.package}: build {first.id}{f', and {len(later)} later' if later else ''}"
        for one in each.names:
            name = f"{one.component}/{one.name}" if one.component else one.name
            since = f"{minute(one.since)}{' or earlier' if one.at_the_latest else ''}"
            yield f"  {name} has it since {since}: {one.path} (build {one.build_id})"
        if not each.names:
            yield "  no name leads to a repository with it"
        if each.first:
            yield f"  first in {each.first.path}, {minute(each.first.created)}"
    yield from (f"in {one.path}, {minute(one.created)}" for one in listed)
