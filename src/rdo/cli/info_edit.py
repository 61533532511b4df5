"""`rdo info add-package`, `set`, `tag`, `new-release` …: edits of the metadata's files."""

import functools
from collections.abc import Callable
from typing import Any

import click

from rdo.cli import output
from rdo.cli.info_options import Asked, metadata_options
from rdo.metadata import branching, edits
from rdo.metadata.branching import BranchRule
from rdo.metadata.draft import Draft


def edit_command(command: Callable[..., Any]) -> click.Command:
    """A command that is given a `draft`; its edits are shown, and written unless --dry-run."""

    @click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
    @metadata_options
    @functools.wraps(command)
    def edit(asked: Asked, dry_run: bool, **kwargs: Any) -> None:
        draft = asked.draft()
        command(draft=draft, **kwargs)
        diff = draft.diff()
        written = [] if dry_run else draft.write()
        output.show(None, False, diff.rstrip("\n") or "nothing to change")
        for path in written:
            click.echo(f"wrote {path}", err=True)

    return click.command()(edit)


@edit_command
@click.argument("project")
@click.option("--name", help="The package's name, if its config does not say it.")
@click.option("--conf", help="The package config it follows.")
@click.option("--upstream", multiple=True, help="The upstream's git URL, or pypi:NAME.")
@click.option("--distgit", help="The distgit's git URL.")
@click.option("--component", help="The component it belongs to.")
@click.option("--maintainer", "maintainers", multiple=True, help="Who looks after it.")
@click.option("--tag", "tags", multiple=True, help="A release, or under-review.")
@click.option("--into", default="", metavar="FILE", help="The file to add it to.")
def add_package(
    draft: Draft,
    project: str,
    upstream: tuple[str, ...],
    maintainers: tuple[str, ...],
    tags: tuple[str, ...],
    into: str,
    **values: str | None,
) -> None:
    """Add a package. A community package starts with --tag under-review.

    \b
    rdo info add-package oslo.new --conf rpmfactory-lib --maintainer me@example.org \\
        --tag flamingo --tag under-review
    """
    own: dict[str, Any] = {key: value for key, value in values.items() if value}
    if upstream:
        own["upstream"] = upstream[0] if len(upstream) == 1 else list(upstream)
    if maintainers:
        own["maintainers"] = list(maintainers)
    edits.add_package(draft, project, own, tags, into)


@edit_command
@click.argument("package")
def remove_package(draft: Draft, package: str) -> None:
    """Take a package out of all files."""
    edits.remove_package(draft, package)


@edit_command
@click.argument("package")
@click.argument("key")
@click.argument("values", nargs=-1)
@click.option("--tag", help="Set the override of this tag.")
@click.option("--unset", is_flag=True, help="Leave the value to the package's config.")
def set_value(
    draft: Draft, package: str, key: str, values: tuple[str, ...], tag: str | None, unset: bool
) -> None:
    """Set an attribute of a package, or an override of one of its tags.

    \b
    rdo info set nova component compute
    rdo info set nova maintainers one@example.org two@example.org
    rdo info set nova source-branch 31.0.0 --tag epoxy
    """
    if unset == bool(values):
        raise click.UsageError("give values, or --unset")
    new = None if unset else list(values)
    if tag:
        edits.set_override(draft, package, tag, key, new)
    else:
        edits.set_value(draft, package, key, new)


@edit_command
@click.argument("package")
@click.argument("tag")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", is_flag=True, help="Take the tag away.")
def tag(draft: Draft, package: str, tag: str, overrides: tuple[str, ...], remove: bool) -> None:
    """Give a package a tag with these overrides, or take it away.

    \b
    rdo info tag oslo.new flamingo source-branch=1.0.0
    rdo info tag oslo.new under-review --remove
    """
    pairs = [text.partition("=") for text in overrides]
    if any(not equals for _, equals, _ in pairs) or (remove and overrides):
        raise click.UsageError("overrides are KEY=VALUE, and none with --remove")
    if remove:
        edits.untag(draft, package, tag)
    else:
        edits.tag(draft, package, tag, {key: value for key, _, value in pairs})


@edit_command
@click.argument("name")
@click.option("--from", "old", required=True, metavar="OLD", help="The release to branch from.")
@click.option("--branch", help="Its distgit branch; without, that of OLD.")
@click.option("--upstream-branch", help="Its upstream branch; without, that of OLD.")
@click.option("--identifier", help="Such as 2026.1; without, it has none.")
@click.option("--status", default="development", show_default=True, help="Its status.")
@click.option("--old-status", help="The new status of OLD; one release may be in development.")
@click.option(
    "--source-branch",
    "rules",
    multiple=True,
    metavar="REGEX=REPLACEMENT",
    help="What becomes of a source-branch override; without a rule that fits it is not copied.",
)
def new_release(
    draft: Draft,
    name: str,
    old: str,
    branch: str | None,
    upstream_branch: str | None,
    identifier: str | None,
    status: str,
    old_status: str | None,
    rules: tuple[str, ...],
) -> None:
    """Branch a release: its entry, and its tag for every package that has the old one.

    \b
    rdo info new-release gazpacho --from flamingo --identifier 2026.1 \\
        --old-status maintained --source-branch 'stable/2025.2=stable/2026.1'
    """
    values: dict[str, str | None] = {"identifier": identifier, "status": status}
    values |= {"branch": branch} if branch else {}
    values |= {"upstream_branch": upstream_branch} if upstream_branch else {}
    branching.new_release(draft, name, old, values, [BranchRule.parse(text) for text in rules])
    if old_status:
        edits.set_release(draft, old, "status", old_status)


@edit_command
@click.argument("name")
def remove_release(draft: Draft, name: str) -> None:
    """Take a release out, and its tags from all packages."""
    branching.remove_release(draft, name)


@edit_command
@click.argument("name")
@click.argument("key")
@click.argument("value", required=False)
def set_release(draft: Draft, name: str, key: str, value: str | None) -> None:
    """Set a release's branch, status and so on; without VALUE it is taken away.

    \b
    Example: rdo info set-release epoxy status eol
    """
    edits.set_release(draft, name, key, value)
