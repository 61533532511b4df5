"""`rdo trunk ack` and `unack`: record who is working on a broken package."""

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.trunk.group import one_target_option
from rdo.trunk.care import acks
from rdo.trunk.context import open_trunk
from rdo.trunk.views.status import ack_row


@click.command()
@click.argument("package", shell_complete=complete.packages)
@click.option(
    "--because",
    metavar="TEXT",
    required=True,
    help="What you are doing about it, shown to everyone in status, mails and pages.",
)
@click.option("--link", metavar="URL", default="", help="Bug or review where others can follow it.")
@one_target_option
@output.json_option
@click.pass_obj
def ack(app: App, package: str, because: str, link: str, target: str | None, as_json: bool) -> None:
    """Say that you are working on PACKAGE, which fails, waits or cannot be followed.

    Status, `rdo why`, mails, pages and the API show it until the package is good again; then it
    ends by itself. It replaces an earlier ack of the package.

    \b
    rdo trunk ack python-oslo-log --because "fix in review" --link https://review.example.org/42
    """
    trunk = open_trunk(app, app.settings.only_target(target))
    done = acks.acknowledge(trunk, package, by=app.user, why=because, link=link)
    row = {"target": trunk.name, "package": done.package, "ack": ack_row(done)}
    people = f"{done.by} is working on {done.package} until it is good again"
    output.show(row, as_json, people)


@click.command()
@click.argument("package", shell_complete=complete.packages)
@one_target_option
@output.json_option
@click.pass_obj
def unack(app: App, package: str, target: str | None, as_json: bool) -> None:
    """Say that nobody is working on PACKAGE any more, although it is not good yet.

    \b
    rdo trunk unack python-oslo-log
    """
    trunk = open_trunk(app, app.settings.only_target(target))
    done = acks.take_back(trunk, package, by=app.user)
    row = {"target": trunk.name, "package": done.package, "ack": None}
    output.show(row, as_json, f"nobody is working on {done.package} now; it was {done.by}")
