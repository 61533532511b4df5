"""`rdo db`: backup, restore and check of the database."""

from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output

_DAMAGED = 1
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def db() -> None:
    """Back up, restore and check the database."""


@db.command()
@click.argument("file", type=_FILE)
@output.json_option
@click.pass_obj
def backup(app: App, file: Path, as_json: bool) -> None:
    """Copy the database to FILE, also while a round is running.

    FILE is always one SQLite file, so a backup of PostgreSQL can be restored into SQLite and the
    reverse. An older backup in FILE is replaced when the new one is complete.

    \b
    rdo db backup /backup/rdo-$(date +%F).sqlite
    """
    from rdo.app import stores

    done = stores.backup(app, file)
    people = f"{done.file}: {done.builds} builds, {done.repositories} repositories"
    output.show(done, as_json, people)


@db.command()
@click.argument("file", type=_FILE)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@output.json_option
@click.pass_obj
def restore(app: App, file: Path, yes: bool, as_json: bool) -> None:
    """Replace the database by the backup in FILE, and keep the replaced one beside it.

    Refused while a round is running. The restored database does not know what was built and
    published after the backup; `rdo trunk verify --repair` makes the published trees agree with it.

    \b
    rdo db restore /backup/rdo-2026-08-01.sqlite
    """
    from rdo.app import stores

    found = stores.inspect_backup(file)
    content = f"{found.builds} builds, {found.repositories} repositories"
    output.confirm(f"replace the database by {file} ({content})?", yes=yes)
    done = stores.restore(app, file)
    lines = [f"restored {content}"]
    lines += [f"the replaced database is {done.kept}"] if done.kept else []
    lines += ["next: rdo db check, then rdo trunk verify --repair"]
    output.show(done, as_json, "\n".join(lines))


@db.command()
@click.argument("file", type=_FILE, required=False)
@output.json_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, as_json: bool) -> None:
    """Check the database, or the backup in FILE: its data, its schema, and the published names.

    Exit code 0: no fault; 1: at least one. `rdo trunk verify` also reads every published RPM.

    \b
    rdo db check
    rdo db check /backup/rdo-2026-08-01.sqlite
    """
    from rdo.app import stores

    done = stores.check(ctx.obj, file)
    lines = [f"{done.database}: {fault}" for fault in done.faults]
    output.show(done, as_json, "\n".join(lines or [f"{done.database}: no fault"]))
    ctx.exit(_DAMAGED if done.faults else 0)
