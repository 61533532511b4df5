"""`rdo promotion contract`: check what the repositories of several SIGs owe each other."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.cli.repo.options import opened
from rdo.config.depending import BRIDGED
from rdo.errors import ConfigError
from rdo.promotion import checking, compositions
from rdo.promotion.contracts.contract_check import (
    ContractAnswer,
    ContractCandidate,
    candidate_at,
    candidate_of_target,
    check_contracts,
)
from rdo.promotion.contracts.contract_file import Contract, read_contract
from rdo.promotion.contracts.judging import ContractBreach
from rdo.promotion.contracts.of_target import TargetSides
from rdo.publish.names import CURRENT

_MOST_PACKAGES = 5
_file = click.Path(path_type=Path)


@click.group()
def contract() -> None:
    """Check contracts between the repositories of several SIGs.

    A contract is a TOML file: what a repository takes from others, and what it promises them.
    """


@contract.command()
@click.argument("files", metavar="[CONTRACT]...", type=_file, nargs=-1)
@click.option(
    "--candidate",
    metavar="NAME=REPOSITORY",
    help="The next repository of the side NAME: a folder or a URL, or with --target a repository "
    "of that target, or the next one of its dependency repository NAME. Default: all sides are "
    "checked as they are published.",
)
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target that the candidate is from, or that depends on NAME; its platform is the base "
    "system.",
)
@click.option(
    "--only-own-faults",
    is_flag=True,
    help="Exit with 0 if no break is the fault of the candidate's side.",
)
@output.json_option
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    candidate: str | None,
    target: str | None,
    only_own_faults: bool,
    as_json: bool,
) -> None:
    """Show which contracts in the CONTRACT files a candidate breaks, and whose fault that is.

    Exit code 1: something breaks that worked before.

    \b
    rdo promotion contract check cloud.toml virtualization.toml
    rdo promotion contract check cloud.toml virtualization.toml --candidate virtualization=next
    rdo promotion contract check *.toml --candidate cloud=current --target master-deb12
    rdo promotion contract check --target cloud-deb12 --candidate virtualization=consistent
    """
    contracts: Sequence[Contract] = [read_contract(file) for file in files]
    if not (contracts or target):
        raise click.UsageError("name CONTRACT files, or a target with --target")
    with tempfile.TemporaryDirectory(prefix="rdo-contract-") as scratch, live("checking"):
        if target and (sides := _sides(ctx.obj, candidate, target, contracts)):
            given = _next_dependency(ctx.obj, sides, candidate, Path(scratch))
            contracts = sides.contracts(contracts)
            answer = sides.check(Path(scratch), given, contracts)
        else:
            given = _candidate(ctx.obj, candidate, target, Path(scratch))
            answer = check_contracts(contracts, given, Path(scratch))
    people = "\n".join(_lines(answer, contracts))
    output.show({"passed": answer.passed, **output.plain(answer)}, as_json, people)
    counted = [
        one for one in answer.breaches if not only_own_faults or one.fault == answer.candidate
    ]
    ctx.exit(1 if counted else 0)


@contract.command()
@click.argument("files", metavar="CONTRACT...", type=_file, nargs=-1, required=True)
@output.json_option
def show(files: tuple[Path, ...], as_json: bool) -> None:
    """Show the content of CONTRACT files; an error in a file is printed with its line.

    \b
    rdo promotion contract show cloud.toml
    """
    contracts = [read_contract(file) for file in files]
    lines = [line for one in contracts for line in _contract_lines(one)]
    output.show(contracts, as_json, "\n".join(lines))


def _sides(
    app: App, candidate: str | None, target: str, files: Sequence[Contract]
) -> TargetSides | None:
    """Return the dependency repositories of a target; None if it is the candidate's own side."""
    side = _parsed(candidate)[0] if candidate else ""
    target_of = opened(app, target)
    if side and side in {one.name for one in files} | {target_of.name}:
        section = app.settings.target(target_of.name)
        if side not in {BRIDGED, *section.dependencies}:
            return None
    around = checking.surroundings(app, target_of)
    subject = checking.Subject(target_of, compositions.find(target_of, CURRENT), around)
    return TargetSides(app.settings, subject)


def _next_dependency(
    app: App, sides: TargetSides, candidate: str | None, scratch: Path
) -> ContractCandidate | None:
    if candidate is None:
        return None
    side, place = _parsed(candidate)
    section = app.settings.target(sides.target).neighbours.get(side)
    other = app.target(section.target) if section and section.target else None
    return sides.candidate(side, place, scratch, other)


def _parsed(text: str) -> tuple[str, str]:
    """Return the side and the place in a candidate `SIDE=PLACE`; raises ConfigError."""
    side, _, place = text.partition("=")
    if not (side and place):
        raise ConfigError(f"{text!r} is not a candidate", hint="write NAME=REPOSITORY")
    return side, place


def _candidate(
    app: App, text: str | None, target: str | None, scratch: Path
) -> ContractCandidate | None:
    if text is None:
        return None
    side, place = _parsed(text)
    if not target:
        return candidate_at(side, place, scratch)
    target_of = opened(app, target)
    around = checking.surroundings(app, target_of)
    found = checking.Subject(target_of, compositions.find(target_of, place), around)
    return candidate_of_target(side, found)


def _lines(answer: ContractAnswer, contracts: Sequence[Contract]) -> Iterator[str]:
    for one in answer.breaches:
        yield from breach_lines(one, contracts)
    new = [one for one in answer.replaced if one.is_new]
    for replaced in new if answer.candidate else answer.replaced:
        how = "obsoletes" if replaced.how == "obsoletes" else f"replaces by {replaced.how}"
        yield f"replaced: {replaced.by} {how} {replaced.what}"
    for earlier in answer.earlier:
        yield f"broken before: {earlier.what} (fault: {earlier.fault})"
    for broken in answer.undecided:
        yield f"undecided: {broken.package} requires {broken.need}, which no contract covers"
    if answer.assumed:
        some = ", ".join(answer.assumed[:3]) + (", …" if len(answer.assumed) > 3 else "")
        count = len(answer.assumed)
        met = "requirement is" if count == 1 else "requirements are"
        yield f"assumed: {count} {met} met elsewhere ({some})"
    sides = ", ".join(answer.sides)
    if answer.passed:
        yield f"passed: nothing breaks between {sides}"
    else:
        faults = ", ".join(dict.fromkeys(one.fault for one in answer.breaches))
        count = len(answer.breaches)
        yield f"failed: {count} break{'s' if count > 1 else ''} between {sides}; fault: {faults}"


def breach_lines(one: ContractBreach, contracts: Sequence[Contract]) -> Iterator[str]:
    """Yield the description of a breach for people."""
    yield f"broken: {one.what}"
    contact = next((side.contact for side in contracts if side.name == one.fault), "")
    yield f"  fault: {one.fault}{f' ({contact})' if contact else ''}: {one.why}"
    if one.harmed:
        yield f"  harmed: {', '.join(one.harmed)}"
    yield from (f"    {sentence}" for sentence in one.chain)
    more = [package.nevra for package in one.packages[1 : _MOST_PACKAGES + 1]]
    left = len(one.packages) - 1 - len(more)
    if more:
        yield f"  also: {', '.join(more)}" + (f" and {left} more" if left else "")


def _contract_lines(one: Contract) -> Iterator[str]:
    yield f"{one.name}" + (f" ({one.contact})" if one.contact else "")
    yield f"  published at {', '.join(one.repositories) or 'an unknown place'}"
    yield from (f"  promises {text}" for text in one.promises)
    for giver, consumed in one.consumes.items():
        yield from (f"  takes {text} from {giver}" for text in consumed.requires)
    yield from (f"  replaces {name}" for name in sorted(one.replaces))
