"""`rdo info add-package`, `set`, `tag`, `new-release` …: edit the metadata's files."""

import functools
from collections.abc import Callable
from typing import Any

import click

from rdo.cli import complete, output
from rdo.cli.info.options import Asked, metadata_options
from rdo.metadata.editing import branching, edits
from rdo.metadata.editing.branching import BranchRule
from rdo.metadata.editing.draft import Draft


def edit_command(command: Callable[..., Any]) -> click.Command:
    """Turn a function that edits a `draft` into a command: it shows the diff and writes files."""

    @click.option("--dry-run", is_flag=True, help="Show the diff without changing anything.")
    @output.json_option
    @metadata_options
    @functools.wraps(command)
    def edit(asked: Asked, dry_run: bool, as_json: bool, **kwargs: Any) -> None:
        draft = asked.draft()
        command(draft=draft, **kwargs)
        diff = draft.diff()
        written = [] if dry_run else draft.write()
        answer = {"diff": diff, "written": written}
        output.show(answer, as_json, diff.rstrip("\n") or "nothing to change")
        for path in written:
            output.say(f"wrote {path}", err=True)

    return click.command()(edit)


@edit_command
@click.argument("project")
@click.option("--name", help="Name of the package, if its config does not give it.")
@click.option("--conf", help="Package config to use.")
@click.option(
    "--upstream", multiple=True, help="Git URL of the upstream, or pypi:NAME (repeatable)."
)
@click.option("--distgit", help="Git URL of the distgit.")
@click.option("--component", help="Component the package belongs to.")
@click.option(
    "--maintainer", "maintainers", multiple=True, help="Address of a maintainer (repeatable)."
)
@click.option(
    "--tag", "tags", multiple=True, help="Tag to add: a release, under-review … (repeatable)."
)
@click.option(
    "--into",
    default="",
    metavar="FILE",
    help="File to add the package to. Default: where most packages like it are.",
)
def add_package(
    draft: Draft,
    project: str,
    upstream: tuple[str, ...],
    maintainers: tuple[str, ...],
    tags: tuple[str, ...],
    into: str,
    **values: str | None,
) -> None:
    """Add a package. Start a community package with --tag under-review.

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
@click.argument("package", shell_complete=complete.entries)
def remove_package(draft: Draft, package: str) -> None:
    """Remove a package from all files."""
    edits.remove_package(draft, package)


@edit_command
@click.argument("package", shell_complete=complete.entries)
@click.argument("key")
@click.argument("values", nargs=-1)
@click.option("--tag", help="Set the override that this tag makes instead.")
@click.option(
    "--unset", is_flag=True, help="Remove the value, so that the package's config applies."
)
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
        raise click.UsageError("give either VALUES or --unset")
    new = None if unset else list(values)
    if tag:
        edits.set_override(draft, package, tag, key, new)
    else:
        edits.set_value(draft, package, key, new)


@edit_command
@click.argument("package", shell_complete=complete.entries)
@click.argument("tag")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", is_flag=True, help="Remove the tag.")
def tag(draft: Draft, package: str, tag: str, overrides: tuple[str, ...], remove: bool) -> None:
    """Add a tag with overrides to a package, or remove it.

    \b
    rdo info tag oslo.new flamingo source-branch=1.0.0
    rdo info tag oslo.new under-review --remove
    """
    pairs = [text.partition("=") for text in overrides]
    if any(not equals for _, equals, _ in pairs) or (remove and overrides):
        raise click.UsageError("write overrides as KEY=VALUE; --remove takes none")
    if remove:
        edits.untag(draft, package, tag)
    else:
        edits.tag(draft, package, tag, {key: value for key, _, value in pairs})


@edit_command
@click.argument("name")
@click.option("--from", "old", required=True, metavar="OLD", help="Release to branch from.")
@click.option("--branch", help="Distgit branch of the new release. Default: OLD's.")
@click.option("--upstream-branch", help="Upstream branch of the new release. Default: OLD's.")
@click.option("--identifier", help="Identifier such as 2026.1. Default: none.")
@click.option(
    "--status", default="development", show_default=True, help="Status of the new release."
)
@click.option("--old-status", help="New status of OLD; only one release can be in development.")
@click.option(
    "--source-branch",
    "rules",
    multiple=True,
    metavar="REGEX=REPLACEMENT",
    help="Rewrite source-branch overrides (repeatable); those that match no rule are dropped.",
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
    """Add a release, and tag every package of the old release with it.

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
    """Remove a release, and its tag from all packages."""
    branching.remove_release(draft, name)


@edit_command
@click.argument("name")
@click.argument("key")
@click.argument("value", required=False)
def set_release(draft: Draft, name: str, key: str, value: str | None) -> None:
    """Set an attribute of a release, such as branch or status; without VALUE, remove it.

    \b
    Example: rdo info set-release epoxy status eol
    """
    edits.set_release(draft, name, key, value)
