"""`rdo trunk import-dlrn`: take over a running DLRN instance."""

from pathlib import Path

import click

from rdo.access.roles import Role
from rdo.app import App
from rdo.cli import output
from rdo.cli.progress import live
from rdo.cli.trunk.group import one_target_option
from rdo.trunk.takeover.taking_over import DlrnInstance, TakenOver, as_row, take_over

_MOST_LINES = 20


@click.command("import-dlrn")
@click.option(
    "--database",
    metavar="URL",
    required=True,
    help="DLRN's database, as database_connection of projects.ini names it.",
)
@click.option(
    "--tree",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="DLRN's published tree: its datadir, or the folder repos in it.",
)
@one_target_option
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMIN.value,
    show_default=True,
    help="What DLRN's users may do on the target. In DLRN each may do everything.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be taken over; change nothing.")
@output.json_option
@click.pass_context
def import_dlrn(
    ctx: click.Context,
    database: str,
    tree: Path,
    target: str | None,
    role: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take over a DLRN instance: builds, tree, users, votes and promotions.

    The command only reads DLRN's database, of any version, and its tree. It makes hard links to the
    files of the tree, or copies them if that is impossible. It skips everything that was taken over
    before, so you can repeat it, also after a kill. The target is paused meanwhile.

    Exit code 1: something was left out, and is listed.

    \b
    rdo trunk import-dlrn --database sqlite:////srv/dlrn/commits.sqlite --tree /srv/dlrn/data
    """
    app: App = ctx.obj
    with live("reading DLRN's database"):
        instance = DlrnInstance(database, tree, Role(role))
        done = take_over(app, target, instance, dry_run=dry_run)
    output.show(as_row(done), as_json, _summary(done))
    ctx.exit(done.exit_code)


def _summary(done: TakenOver) -> str:
    would = "would be taken over" if done.dry_run else "taken over"
    counts = [f"{number} {kind}" for kind, number in done.taken.items() if number]
    counts += [f"{done.users} users"] if done.users else []
    lines = [f"{done.target}: {would}: {', '.join(counts) or 'nothing new'}"]
    if done.known:
        lines.append(f"{done.known} builds had been taken over before")
    if done.repositories:
        how = f"{done.files} files, {done.copied} of them copied"
        lines.append(f"{done.repositories} directories of the tree: {how}")
    lines += [f"{name} -> {place}" for name, place in sorted(done.names.items())]
    lines += done.left_out[:_MOST_LINES]
    if more := len(done.left_out) - _MOST_LINES:
        lines += [f"and {more} more: --json lists all"] if more > 0 else []
    lines += [
        f"{package}: the tree has the RPMs of no build; rdo trunk recheck {package}"
        for package in done.lost
    ]
    if not done.dry_run:
        lines.append(f"next: rdo trunk run --target {done.target} --dry-run")
    return "\n".join(lines)
