"""`rdo repo push`: copy repositories to places outside."""

import logging

import click

from rdo.app import App
from rdo.app.outside import push_places
from rdo.cli import output
from rdo.cli.repo.options import opened, target_option
from rdo.errors import UserError
from rdo.publish.pushing.push import PushSummary, push

log = logging.getLogger(__name__)


@click.command("push")
@click.argument("places", metavar="[PLACE]...", nargs=-1)
@target_option
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--look", is_flag=True, help="List the files on the mirrors, even if nothing is new.")
@output.json_option
@click.pass_obj
def push_(
    app: App,
    places: tuple[str, ...],
    target: str | None,
    dry_run: bool,
    look: bool,
    as_json: bool,
) -> None:  # one parameter per option
    """Push the target's repositories to PLACE, a mirror named in rdo.toml; default: to all.

    Sends missing files first and moves names last, so that a name on the mirror always leads to a
    complete repository. The next push completes an interrupted one. Without changes the mirror is
    not contacted; --look finds files that it has lost.

    \b
    rdo repo push
    rdo repo push europe --dry-run
    """
    chosen = opened(app, target, reads_only=False)
    done: list[PushSummary] = []
    failed: list[UserError] = []
    asked = push_places(app.settings, chosen.name, places)
    for place in asked:
        try:
            done.append(push(chosen.tree, chosen.store, place, dry_run=dry_run, looks=look))
        except UserError as error:
            failed.append(error)
            if len(asked) > 1:
                log.warning("%s: %s", place.name, error)
    if done or as_json:
        output.show(done, as_json, "\n".join(map(_line, done)))
    if failed:
        raise failed[0]


def _line(done: PushSummary) -> str:
    if done.is_nothing:
        return f"{done.place}: has everything"
    return (
        f"{done.place}: {done.files} files ({done.size / 1e6:.1f} MB), {done.links} links, "
        f"{done.removed} old folders removed"
    )
