"""`rdo notify`: messages to maintainers, and the queue in which they wait."""

from dataclasses import fields

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.errors import ConfigError, NotFoundError, OutsideError, RefusedError


@click.group()
def notify() -> None:
    """Notify people of packages that fail to build or are fixed, by mail, review or webhook."""


@notify.command()
@output.json_option
@click.pass_obj
def queue(app: App, as_json: bool) -> None:
    """List the messages that wait to be sent, and why each was not sent yet."""
    from rdo.notify.outbox import QueuedMessage, queued_messages

    app.reads_only = True
    found = queued_messages(app.store)
    columns = [field.name for field in fields(QueuedMessage)]
    rows = [[getattr(one, name) for name in columns] for one in found]
    people = output.Table(columns, rows) if found else "nothing waits to be sent"
    output.show(found, as_json, people)


@notify.command()
@output.json_option
@click.pass_context
def send(ctx: click.Context, as_json: bool) -> None:
    """Send the messages that are due; `rdo trunk run` does so after each round.

    Needed for digests at their hour, or after a mail server was unreachable. Exit code 6: some
    messages are left.
    """
    from rdo.trunk.telling.ways import outbox

    done = outbox(ctx.obj).run()
    people = f"{done.sent} sent, {done.refused} given up, {done.left} left to retry"
    output.show(done, as_json, people)
    ctx.exit(OutsideError.exit_code if done.left else 0)


@notify.command()
@click.argument("address", required=False)
@output.json_option
@click.pass_context
def test(ctx: click.Context, address: str | None, as_json: bool) -> None:
    """Send a test mail to ADDRESS, and a test event to each webhook.

    If Gerrit is configured, its server is asked for one repository; no review is made. Exit code 5:
    something was refused; 6: only servers cannot be reached.

    \b
    rdo notify test me@example.org
    """
    from rdo.trunk.telling.trial import try_ways

    with live("contacting the servers"):
        done = try_ways(ctx.obj, address or "")
    lines = [f"{one.way}: {one.error or one.detail}" for one in done]
    output.show(done, as_json, "\n".join(lines))
    failed = [one for one in done if one.error]
    if failed:
        is_away = all(one.is_away for one in failed)
        ctx.exit(OutsideError.exit_code if is_away else RefusedError.exit_code)


@notify.command()
@click.argument("package", shell_complete=complete.packages)
@click.option(
    "--target",
    shell_complete=complete.targets,
    metavar="T",
    help="Target of the message. Default: the first that has a message about PACKAGE.",
)
@click.option("--html", is_flag=True, help="Print the HTML part instead of the text.")
@output.json_option
@click.pass_obj
def show(app: App, package: str, target: str | None, html: bool, as_json: bool) -> None:
    """Print the newest message about PACKAGE, as it is or was sent.

    \b
    rdo notify show python-oslo-config
    """
    from rdo.notify.newest import as_html, as_text, newest_story
    from rdo.trunk.views.status import package_name

    app.reads_only = True
    targets = app.settings.chosen_targets(target)
    try:
        story = newest_story(app.store, targets, package)
    except NotFoundError as unknown:  # a package that has left the release still has its messages
        try:
            name = package_name(app, targets, package)
        except ConfigError:  # the metadata cannot be read, but this command does not need it
            raise unknown from None
        story = newest_story(app.store, targets, name)
    if html:
        output.show(as_html(story), as_json=False)
    else:
        output.show(story.to_json(), as_json, as_text(story))
