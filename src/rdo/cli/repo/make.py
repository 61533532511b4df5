"""`rdo repo compose` and `rdo repo export`: repositories of chosen builds."""

from pathlib import Path, PurePosixPath

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.repo.options import opened, repository_argument, target_option
from rdo.promotion.compositions import Composition, change, find
from rdo.promotion.exporting import Exported, export

_PATH = click.Path(path_type=Path)
_URL = click.option(
    "--url", metavar="URL", default="", help="Where DIR will be served. Default: file://DIR."
)
_WITHOUT_DEPENDENCIES = click.option(
    "--without-dependencies", is_flag=True, help="Leave out the target's dependency repository."
)


@click.command()
@repository_argument("base", "REPOSITORY")
@target_option
@click.option(
    "--but",
    "instead",
    metavar="PACKAGE=BUILD",
    multiple=True,
    help="Take another build of PACKAGE: its number, REPOSITORY, or @TIME (repeatable).",
)
@click.option(
    "--without",
    metavar="PACKAGE",
    multiple=True,
    shell_complete=complete.packages,
    help="Leave PACKAGE out (repeatable).",
)
@click.option(
    "--scratch",
    metavar="PATH",
    type=_PATH,
    multiple=True,
    help="Take the RPMs of a scratch build, a file or a folder; needs --output (repeatable).",
)
@click.option(
    "--output",
    "folder",
    metavar="DIR",
    type=_PATH,
    help="Write to a new folder, not the tree.",
)
@_URL
@_WITHOUT_DEPENDENCIES
@click.option("--dry-run", is_flag=True, help="Show the builds that would be in it.")
@output.json_option
@click.pass_obj
def compose(
    app: App,
    base: str,
    target: str | None,
    instead: tuple[str, ...],
    without: tuple[str, ...],
    scratch: tuple[Path, ...],
    folder: Path | None,
    url: str,
    without_dependencies: bool,
    dry_run: bool,
    as_json: bool,
) -> None:  # one parameter per option
    """Compose a repository of the builds of REPOSITORY, with other builds of some packages.

    It is stored in the target's tree under the hash of its set of builds; no name moves. A later
    purge removes it like any repository that no name leads to.

    \b
    rdo repo compose @2026-11-20T10:00
    rdo repo compose current --but openstack-keystone=@2026-11-20
    rdo repo compose consistent --scratch results --output review
    """
    if scratch and folder is None:
        raise click.UsageError(
            "--scratch needs --output DIR: scratch builds are not added to the tree"
        )
    target_of = opened(app, target, reads_only=folder is not None or dry_run)
    found = change(target_of, find(target_of, base), instead, without)
    if dry_run:
        _show_builds(found, as_json)
    elif folder is not None:
        has_dependencies = not without_dependencies
        done = export(
            target_of, found, folder, url=url, scratch=scratch, with_dependencies=has_dependencies
        )
        _show_exported(done, as_json)
    else:
        made = target_of.tree.compose(found.build_ids, target_of.members)
        rows = [
            {
                "path": one.path,
                "component": one.component,
                "url": target_of.tree.site.url(PurePosixPath(one.path)),
            }
            for one in made
        ]
        lines = [f"{row['path']}\n  {row['url']}" for row in rows]
        output.show(
            {"packages": len(found.builds), "repositories": rows}, as_json, "\n".join(lines)
        )


@click.command("export")
@repository_argument()
@click.argument("folder", metavar="DIR", type=_PATH)
@target_option
@_URL
@_WITHOUT_DEPENDENCIES
@output.json_option
@click.pass_obj
def export_(
    app: App,
    repository: str,
    folder: Path,
    target: str | None,
    url: str,
    without_dependencies: bool,
    as_json: bool,
) -> None:
    """Copy REPOSITORY with all its RPMs and its dependencies into the new folder DIR.

    Its .repo file installs from DIR, or from --url where DIR will be served. The base system's
    repositories are not in it.

    \b
    rdo repo export consistent /srv/frozen --url https://example.test/frozen
    """
    target_of = opened(app, target)
    found = find(target_of, repository)
    done = export(target_of, found, folder, url=url, with_dependencies=not without_dependencies)
    _show_exported(done, as_json)


def _show_builds(found: Composition, as_json: bool) -> None:
    rows = [(name, one.nvr, one.id) for name, one in sorted(found.builds.items())]
    answer = [{"package": name, "nvr": nvr, "build": number} for name, nvr, number in rows]
    output.show(answer, as_json, output.Table(("package", "nvr", "build"), rows))


def _show_exported(done: Exported, as_json: bool) -> None:
    lines = [f"wrote {done.rpms} RPMs to {done.folder}"]
    lines += [f"  instead of the target's: {', '.join(done.replaced)}"] if done.replaced else []
    lines += [f"  dependencies: {done.folder}/deps"] if done.dependencies else []
    lines += [f"a host installs from it with {done.repo_file}"]
    output.show(done, as_json, "\n".join(lines))
