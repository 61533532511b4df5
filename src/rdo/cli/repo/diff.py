"""`rdo repo diff`: show how two repositories differ, with the commits between them."""

from collections.abc import Iterator

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.repo.options import opened, repository_argument, target_option
from rdo.promotion.compositions import find
from rdo.promotion.differences import (
    MOST_COMMITS,
    CommitsBetween,
    DifferenceKind,
    ListedCommit,
    PackageDifference,
    differences,
)


@click.command()
@repository_argument("before", "A")
@repository_argument("after", "B")
@target_option
@click.option(
    "--commits",
    "most",
    metavar="N",
    type=click.IntRange(0),
    default=MOST_COMMITS,
    show_default=True,
    help="Maximum number of commits to list for each package.",
)
@output.json_option
@click.pass_obj
def diff(app: App, before: str, after: str, target: str | None, most: int, as_json: bool) -> None:
    """Compare repositories A and B: packages, and the upstream commits that lead from A to B.

    Bugs and Gerrit changes that the commits' messages name are listed with them.

    \b
    rdo repo diff consistent current
    rdo repo diff @2026-11-20T10:00 current
    """
    target_of = opened(app, target)
    one, other = find(target_of, before), find(target_of, after)
    mirrors = app.settings.data / "mirrors"
    found = differences(target_of, mirrors, one, other, most_commits=most)
    lines = [line for row in found for line in _lines(row)]
    lines = lines or [f"{before} and {after} contain the same builds"]
    lines += ["", _summary(found)] if found else []
    output.show({"before": before, "after": after, "packages": found}, as_json, "\n".join(lines))


def _lines(row: PackageDifference) -> Iterator[str]:
    nvrs = " -> ".join(filter(None, (row.before, row.after)))
    yield f"{row.package} {row.kind}: {nvrs}"
    yield from _commits(row.upstream, "+")
    yield from _commits(row.lost, "-")
    yield from _commits(row.distgit, "+ distgit:")


def _commits(commits: CommitsBetween, sign: str) -> Iterator[str]:
    for commit in commits.newest:
        yield f"  {sign} {_line(commit)}"
    if more := commits.count - len(commits.newest):
        yield f"  {sign} {more} more"


def _line(commit: ListedCommit) -> str:
    ids = ", ".join((*commit.bugs, *commit.changes))
    return f"{commit.hash[:8]} {commit.subject} ({commit.author})" + (f" [{ids}]" if ids else "")


def _summary(found: tuple[PackageDifference, ...]) -> str:
    counts = {kind: sum(row.kind is kind for row in found) for kind in DifferenceKind}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
