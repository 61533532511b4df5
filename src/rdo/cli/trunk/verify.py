"""`rdo trunk verify`: check that the store, tree and mirrors of targets agree."""

from collections.abc import Iterator

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.progress import live
from rdo.cli.trunk.group import target_option
from rdo.trunk.care import verify as service
from rdo.trunk.care.verify import Verified
from rdo.trunk.context import open_trunks


@click.command()
@target_option
@click.option("--repair", is_flag=True, help="Repair what can be repaired.")
@output.json_option
@click.pass_context
def verify(ctx: click.Context, target: str | None, repair: bool, as_json: bool) -> None:
    """Check that store, published tree and mirrors agree; reads every RPM.

    Exit code 0: no damage, or all of it was repaired; 1: some damage is left; 7: all that is left
    are RPMs without a good copy, and builds of them are queued for the next round.

    \b
    rdo trunk verify --target master-deb12
    rdo trunk verify --repair
    """
    app: App = ctx.obj
    check = service.repair if repair else service.verify
    with live("checking every RPM"):
        done = [check(trunk) for trunk in open_trunks(app, target)]
    lines = [line for one in done for line in _lines(one)]
    output.show([service.as_row(one) for one in done], as_json, "\n".join(lines))
    codes = {one.exit_code for one in done} - {0}
    ctx.exit(min(codes, default=0))


def _lines(one: Verified) -> Iterator[str]:
    for found in one.findings:
        fixed = "" if found in one.left else f" (fixed: {found.remedy})"
        yield f"{one.target}: {found.kind} {found.place}: {found.what}{fixed}"
    yield from (f"{one.target}: cannot be fixed: {failure}" for failure in one.failures)
    yield from (f"{one.target}: {line}" for line in one.begun)
    if one.is_clean:
        yield f"{one.target}: store, tree and mirrors agree"
    elif one.begun:
        yield f"next: rdo trunk run --target {one.target}"
    elif one.left == one.found:
        yield f"next: rdo trunk verify --repair --target {one.target}"
