"""`rdo repo deps`: what a target takes from others, in which version, since when and why."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.cli.repo.options import opened, target_option
from rdo.errors import ConfigError
from rdo.model.text.dates import minute
from rdo.promotion import dependencies
from rdo.promotion.checking import Subject, Surroundings, surroundings
from rdo.promotion.compositions import find
from rdo.publish.names import CURRENT


@click.command()
@click.argument("repository", default=CURRENT, shell_complete=complete.repositories)
@target_option
@click.option("--all", "everything", is_flag=True, help="List what only other dependencies need.")
@click.option(
    "--against",
    metavar="REPOSITORY",
    shell_complete=complete.repositories,
    help="Show instead what has changed since this repository of the target.",
)
@click.option(
    "--newest",
    is_flag=True,
    help="Show instead what would change if all of it were chosen anew today; changes nothing.",
)
@click.option("--contract", is_flag=True, help="Print instead a contract with what is required.")
@output.json_option
@click.pass_obj
def deps(
    app: App,
    repository: str,
    target: str | None,
    everything: bool,
    against: str | None,
    newest: bool,
    contract: bool,
    as_json: bool,
) -> None:
    """Show what REPOSITORY takes from its dependency repository: what, why and since when.

    Without REPOSITORY it is `current`.

    \b
    rdo repo deps
    rdo repo deps consistent --against consistent@2026-11-20
    rdo repo deps --newest
    rdo repo deps --contract
    """
    if sum(map(bool, (against, newest, contract))) > 1:
        raise ConfigError("--against, --newest and --contract exclude each other")
    target_of = opened(app, target)
    if newest:
        _show_newest(app, target_of, as_json)
        return
    found = find(target_of, repository)
    if against:
        alone = Surroundings("")
        before = Subject(target_of, find(target_of, against), alone)
        changed = dependencies.changes(before, Subject(target_of, found, alone))
        _show_changes(changed, as_json)
        return
    with live("reading the dependency repository"):
        taken = dependencies.taken(Subject(target_of, found, surroundings(app, target_of)))
    if contract:
        url = app.settings.tree_url(target_of.name)
        text = dependencies.contract_text(target_of.name, url, taken)
        output.show({"contract": text}, as_json, text)
        return
    shown = [one for one in taken if everything or one.uses]
    rows = [
        (
            one.name,
            one.version,
            one.origin,
            f"{minute(one.since)}{' or earlier' if one.at_the_latest else ''}",
            f"{one.uses[0].by.name} requires {one.uses[0].need}" if one.uses else "",
            f"and {len(one.uses) - 1} more" if len(one.uses) > 1 else "",
        )
        for one in shown
    ]
    table = output.Table(("package", "version", "from", "since", "because", ""), rows)
    output.show(shown, as_json, table if rows else f"{repository} takes nothing from others")


def _show_newest(app: App, target: OpenTarget, as_json: bool) -> None:
    from rdo.bridge.lock_file import version_changes

    folder = app.settings.data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="deps-") as scratch, live("choosing"):
        before, after = app.bridges.scratch(target.name, Path(scratch) / "bridge").update()
    found = [
        dependencies.TakenChange(one.name, one.before, one.after)
        for one in version_changes(before, after)
    ]
    _show_changes(found, as_json)


def _show_changes(found: Sequence[dependencies.TakenChange], as_json: bool) -> None:
    lines = [f"{one.name}: {one.before or 'new'} -> {one.after or 'gone'}" for one in found]
    output.show(found, as_json, "\n".join(lines) or "nothing changes")
