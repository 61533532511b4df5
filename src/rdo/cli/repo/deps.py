"""`rdo repo deps`: what a target takes from others, in which version, since when and why."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.cli.promotion.contract import breach_lines
from rdo.cli.repo.options import opened, target_option
from rdo.config.depending import BRIDGED
from rdo.errors import ConfigError
from rdo.model.text.dates import minute
from rdo.promotion import dependencies
from rdo.promotion.checking import Subject, Surroundings, surroundings
from rdo.promotion.compositions import find
from rdo.promotion.contracts.contract_check import ContractAnswer
from rdo.promotion.contracts.of_target import TargetSides
from rdo.publish.names import CURRENT


@click.command()
@click.argument("repository", default=CURRENT, shell_complete=complete.repositories)
@target_option
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also list packages that only other dependencies need.",
)
@click.option(
    "--against",
    metavar="REPOSITORY",
    shell_complete=complete.repositories,
    help="Show instead what has changed since this repository of the target.",
)
@click.option(
    "--newest",
    is_flag=True,
    help="Show instead what would change, and break, if all packages were chosen again today;"
    " change nothing.",
)
@click.option(
    "--contract",
    is_flag=True,
    help="Print instead a contract with the requirements that were found.",
)
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
    """Show which packages REPOSITORY takes from its dependency repositories, why and since when.

    For each dependency repository it shows whether its contract holds. Default for REPOSITORY:
    `current`.

    \b
    rdo repo deps
    rdo repo deps consistent --against consistent@2026-11-20
    rdo repo deps --newest
    rdo repo deps --contract
    """
    if sum(map(bool, (against, newest, contract))) > 1:
        raise ConfigError("--against, --newest and --contract exclude each other")
    target_of = opened(app, target)
    found = find(target_of, repository)
    if against:
        alone = Surroundings("")
        before = Subject(target_of, find(target_of, against), alone)
        changed = dependencies.changes(before, Subject(target_of, found, alone))
        output.show({"changes": changed}, as_json, _change_lines(changed))
        return
    subject = Subject(target_of, found, surroundings(app, target_of))
    sides = TargetSides(app.settings, subject)
    if newest:
        _show_newest(app, sides, as_json)
        return
    with live("reading the dependency repositories"):
        taken = dependencies.taken(sides)
    if contract:
        text = dependencies.contract_text(sides)
        output.show({"contract": text}, as_json, text)
        return
    with _scratch(app) as scratch, live("checking contracts"):
        answer = sides.check(scratch)
    shown = [one for one in taken if everything or one.uses]
    states = [_state(sides, side, answer) for side in sides.sides]
    output.show(
        {"packages": shown, "repositories": states, "breaches": answer.breaches},
        as_json,
        _table(shown) if shown else f"{repository} takes nothing from others",
    )
    if not as_json:
        lines = [_state_line(one) for one in states]
        others = [one for one in answer.breaches if one.fault not in sides.sides]
        lines += [line for one in others for line in breach_lines(one, sides.contracts())]
        output.say("\n".join(["", *lines]))


def _table(shown: Sequence[dependencies.TakenPackage]) -> output.Table:
    """Return a table of what a target takes from others."""
    rows = [
        (
            one.name,
            one.version,
            one.side,
            one.origin,
            f"{minute(one.since)}{' or earlier' if one.at_the_latest else ''}",
            f"{one.uses[0].by.name} requires {one.uses[0].need}" if one.uses else "",
            f"and {len(one.uses) - 1} more" if len(one.uses) > 1 else "",
        )
        for one in shown
    ]
    return output.Table(("package", "version", "repository", "from", "since", "because", ""), rows)


def _state(sides: TargetSides, side: str, answer: ContractAnswer) -> dict[str, object]:
    """Return whether a dependency repository keeps its promises and what others take from it."""
    broken = [one.what for one in answer.breaches if one.fault == side]
    has_contract = sides.has_contract(side)
    return {"side": side, "contract": has_contract, "holds": not broken, "broken": broken}


def _state_line(state: dict[str, object]) -> str:
    broken = state["broken"]
    if isinstance(broken, list) and broken:
        return f"{state['side']}: broken: {'; '.join(broken)}"
    told = "its contract holds" if state["contract"] else "has no contract; nothing is broken"
    return f"{state['side']}: {told}"


@contextmanager
def _scratch(app: App) -> Iterator[Path]:
    folder = app.settings.data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="deps-") as scratch:
        yield Path(scratch)


def _show_newest(app: App, sides: TargetSides, as_json: bool) -> None:
    """Show what would change in each dependency repository, and what that would break."""
    from rdo.bridge.lock_file import version_changes

    changed, answers = [], []
    with _scratch(app) as scratch:
        with live("choosing"):
            bridge = app.bridges.scratch(sides.target, scratch / "bridge")
            before, after = bridge.update()
        changed += [
            dependencies.TakenChange(one.name, one.before, one.after)
            for one in version_changes(before, after)
        ]
        with live("checking contracts"):
            if changed and (snapshot := bridge.repository()):
                candidate = sides.candidate(BRIDGED, str(snapshot), scratch)
                answers.append(sides.check(scratch, candidate))
            for side, one in app.settings.target(sides.target).neighbours.items():
                assert one.target
                other = app.target(one.target)
                candidate = sides.candidate(side, one.leads, scratch, other)
                moved = dependencies.package_changes(
                    sides.known.repositories[side], candidate.repositories
                )
                changed += moved
                if moved:
                    answers.append(sides.check(scratch, candidate))
    breaches = [one for answer in answers for one in answer.breaches]
    lines = [_change_lines(changed)]
    lines += [line for one in breaches for line in breach_lines(one, sides.contracts())]
    output.show({"changes": changed, "breaches": breaches}, as_json, "\n".join(lines))


def _change_lines(found: Sequence[dependencies.TakenChange]) -> str:
    lines = [f"{one.name}: {one.before or 'new'} -> {one.after or 'gone'}" for one in found]
    return "\n".join(lines) or "nothing changes"
