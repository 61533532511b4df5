"""Are a target's store, tree and mirrors whole?"""

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.trunk import target_option, targets_of
from rdo.trunk.care import verify as service
from rdo.trunk.care.verify import Verified
from rdo.trunk.context import open_trunk

_DAMAGED = 1


@click.command()
@target_option
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@output.json_option
@click.pass_context
def verify(ctx: click.Context, target: str | None, repair: bool, as_json: bool) -> None:
    """Say whether store, published tree and mirrors agree; every RPM is read.

    Exit code 0: all is well, or is again; 1: something is wrong.

    \b
    rdo trunk verify --target master-deb12
    rdo trunk verify --repair
    """
    app: App = ctx.obj
    done = [
        (service.repair if repair else service.verify)(open_trunk(app, name))
        for name in targets_of(app, target)
    ]
    rows = [_verified_row(one) for one in done]
    output.show(rows, as_json, "\n".join(line for one in done for line in _verified_lines(one)))
    ctx.exit(0 if all(one.is_clean for one in done) else _DAMAGED)


def _verified_row(one: Verified) -> dict[str, object]:
    findings = [
        {"kind": found.kind, "place": found.place, "what": found.what, "remedy": found.remedy,
         "is_left": found in one.left}
        for found in (*one.found, *(x for x in one.left if x not in one.found))
    ]  # fmt: skip
    return {
        "target": one.target,
        "is_clean": one.is_clean,
        "findings": findings,
        "failures": one.failures,
    }


def _verified_lines(one: Verified) -> list[str]:
    left = set(map(str, one.left))
    lines = []
    for found in one.found:
        mended = "" if str(found) in left else f" (mended: {found.remedy})"
        lines.append(f"{one.target}: {found.kind} {found.place}: {found.what}{mended}")
    known = set(map(str, one.found))
    lines += [
        f"{one.target}: {found.kind} {found.place}: {found.what}"
        for found in one.left
        if str(found) not in known
    ]
    lines += [f"{one.target}: cannot be mended: {failure}" for failure in one.failures]
    if one.is_clean:
        lines.append(f"{one.target}: store, tree and mirrors agree")
    elif one.left == one.found:
        lines.append(f"next: rdo trunk verify --repair --target {one.target}")
    return lines
