"""rdopkg's verbs of 2015 about updates; `rdo update` offers the same and more."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.log_lines import configure_logging
from rdo.cli.update import (
    DEFAULT_FILE,
    UPDATE_HELP,
    Submission,
    push_updates,
    repository_at,
    submit_file,
)
from rdo.errors import NotFoundError, RefusedError

_HEADINGS = {
    "updates": "under review (being smoke-tested)",
    "ready": "passed smoke test, ready for push",
    "pushed": "pushed",
    "failed": "failed",
    "rollback": "rollback",
}
_repository = click.option(
    "--update-repo",
    "-u",
    "folder",
    metavar="DIR",
    envvar="RDO_UPDATE_REPO",
    type=click.Path(path_type=Path),
    default=Path(),
    help=UPDATE_HELP,
)


@contextlib.contextmanager
def _app() -> Iterator[App]:
    with contextlib.closing(App()) as app:
        yield app


@click.command()
@click.argument("file", required=False, default=DEFAULT_FILE, type=click.Path(path_type=Path))
@_repository
@click.option(
    "--no-available-check", "-a", is_flag=True, help="Do not look for builds in their sources."
)
def update(file: Path, folder: Path, no_available_check: bool) -> None:
    """Check an update FILE (up.yml) and put it up for review; up.yml itself is removed.

    On a terminal, an editor opens while its notes say FILLME.
    """
    from rdo.updates.update_file import TO_FILL

    if file.is_file() and TO_FILL in file.read_text(errors="replace") and sys.stdin.isatty():
        click.edit(filename=str(file))
    with _app() as app:
        done = submit_file(
            app,
            Submission(
                file,
                folder,
                asks_sources=not no_available_check,
                is_review=True,
                is_kept=file.name != DEFAULT_FILE,
            ),
        )
    output.say("\n".join([*map(str, done.findings), f"{done.update.id}: {done.where}"]))


@click.command()
@_repository
@click.option(
    "--local-repo",
    "-l",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The same as --update-repo.",
)
@click.option("--reviews", "-r", is_flag=True, help="Also list updates that are up for review.")
@click.option("--only-reviews", "-R", is_flag=True, help="List those that are up for review alone.")
def list_updates(folder: Path, local_repo: Path | None, reviews: bool, only_reviews: bool) -> None:
    """List the updates of a repository, by state."""
    repository = repository_at(local_repo or folder)
    groups = []
    if reviews or only_reviews:
        groups.append(("up for review", repository.proposed()))
    if not only_reviews:
        updates = repository.updates()
        groups += [
            (heading, [one for one in updates if one.state == state])
            for state, heading in _HEADINGS.items()
        ]
    for heading, found in groups:
        if found:
            output.say(f"\n{heading}:")
        for one in found:
            builds = dict.fromkeys(build.id for build in one.file.builds) if one.file else ()
            output.say(f"  {one.id}  {', '.join(builds) or one.fault}")


@click.command()
@click.argument("folder", metavar="UPDATE_REPO", type=click.Path(path_type=Path))
@click.argument("base", metavar="DEST_BASE")
@click.option("--files", "-f", multiple=True, metavar="FILE", help="Push these only (repeatable).")
@click.option("--overwrite", "-w", is_flag=True, help="Refused: users' RPMs are never replaced.")
@click.option("--debug", is_flag=True, help="Log everything.")
@click.pass_context
def push_updates_(
    ctx: click.Context,
    folder: Path,
    base: str,
    files: tuple[str, ...],
    overwrite: bool,
    debug: bool,
) -> None:
    """Push the updates that are ready into the yum repositories whose paths begin with DEST_BASE.

    A push that was interrupted is repeated.
    """
    configure_logging(debug=debug)
    if overwrite:
        raise RefusedError(
            "an RPM that users have is never replaced", hint="build it again with a higher Release"
        )
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}")
    with _app() as app:
        done = push_updates(app, folder, base, files)
    for one in done:
        output.say(f"{one.id}: {one.fault or 'pushed'}")
    failed = [one for one in done if one.fault]
    output.say(f"{len(done) - len(failed)} good, {len(failed)} failed")
    if failed:
        ctx.exit(1)
