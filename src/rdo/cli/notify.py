"""`rdo notify`: what maintainers are told, and the queue in which it waits."""

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import NotFoundError, OutsideError


@click.group()
def notify() -> None:
    """Tell people of breaks and mends: mail, reviews, webhooks."""


@notify.command()
@output.json_option
@click.pass_obj
def queue(app: App, as_json: bool) -> None:
    """List what waits to be sent, and why it was not sent yet."""
    with app.store.read() as at:
        waiting = at.deliveries.open()
    rows = [
        (
            one.event.target, one.event.package, one.event.kind, one.way, one.recipient,
            f"{one.due:%F %R}", one.tries, one.error,
        )
        for one in waiting
    ]  # fmt: skip
    columns = ("target", "package", "event", "way", "to", "due", "tries", "error")
    output.show([dict(zip(columns, row, strict=True)) for row in rows], as_json,
                output.Table(columns, rows))  # fmt: skip


@notify.command()
@output.json_option
@click.pass_context
def send(ctx: click.Context, as_json: bool) -> None:
    """Send what is due; `rdo trunk run` does so after each round.

    For a digest at its hour, or after a mail server was away. Exit code 6: something is left.
    """
    from rdo.trunk.telling.ways import outbox

    done = outbox(ctx.obj).run()
    people = f"{done.sent} sent, {done.refused} given up, {done.left} left for another try"
    output.show(done, as_json, people)
    ctx.exit(OutsideError.exit_code if done.left else 0)


@notify.command()
@click.argument("package")
@click.option("--target", metavar="T", help="A target of rdo.toml; the first that has it if not.")
@click.option("--html", is_flag=True, help="The HTML part instead of the text.")
@output.json_option
@click.pass_obj
def show(app: App, package: str, target: str | None, html: bool, as_json: bool) -> None:
    """Print the newest message about PACKAGE, as it is or was sent.

    \b
    rdo notify show python-oslo-config
    """
    from rdo.notify import mail, words
    from rdo.notify.story import Audience, Story

    targets = [target] if target else list(app.settings.targets)
    for name in targets:
        app.settings.target(name)
        with app.store.read() as at:
            event = at.events.newest_of(name, package)
        if event is None:
            continue
        story = Story.from_json(event.payload)
        if html:
            output.show(str(mail.html_of(story)), as_json=False)
            return
        is_operators = story.audience is Audience.OPERATOR
        to = "the operator" if is_operators else ", ".join(story.maintainers)
        people = f"Subject: {words.subject(story)}\nTo: {to}\n\n{mail.text_of(story)}"
        output.show(story.to_json(), as_json, people.rstrip())
        return
    raise NotFoundError(f"nobody was told anything about {package} yet")
