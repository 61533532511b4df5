"""What of a target is needed no more?"""

from datetime import timedelta

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.trunk import target_option, targets_of
from rdo.publish.retention import Rules
from rdo.trunk.care import purge as service
from rdo.trunk.care.purge import Purged, PurgedMirrors
from rdo.trunk.context import open_trunk


@click.command()
@target_option
@click.option(
    "--older-than", metavar="DAYS", type=click.FloatRange(0), help="Instead of keep-days."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, with sizes; change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@output.json_option
@click.pass_obj
def purge(
    app: App, target: str | None, older_than: float | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove repositories, RPMs, builds, logs, snapshots and mirrors that are old and not needed.

    Kept is what any name leads to, what says where a package stands, and all that a kept
    repository refers to. Waits for a round that is at work.

    \b
    rdo trunk purge --dry-run
    rdo trunk purge --older-than 30 --yes
    """
    retention = app.settings.retention
    keep = timedelta(days=retention.keep_days if older_than is None else older_than)
    rules = Rules(keep, retention.max_gb * 1_000_000_000)
    names = targets_of(app, target)
    trunks = [open_trunk(app, name) for name in names]
    planned = [service.purge(trunk, rules, dry_run=True) for trunk in trunks]
    remotes = trunks[0].remotes
    every = trunks if len(names) == len(app.settings.targets) else []

    def of_mirrors(*, rehearse: bool) -> PurgedMirrors:
        if not every:
            return PurgedMirrors()  # a target that is left out may follow them
        return service.purge_mirrors(remotes, every, keep, app.now(), dry_run=rehearse)

    unused = of_mirrors(rehearse=True)
    nothing = all(one.purge.is_empty for one in planned) and not unused.paths
    if not (dry_run or nothing):
        if not as_json:
            _show(planned, unused)
        output.confirm("remove all this?", yes=yes)
        planned = [service.purge(trunk, rules, dry_run=False) for trunk in trunks]
        unused = of_mirrors(rehearse=False)
    if as_json:
        rows = {"targets": [_purged_row(one) for one in planned], "mirrors": unused}
        output.show(rows, as_json)
    elif dry_run or nothing:
        _show(planned, unused)


def _purged_row(one: Purged) -> dict[str, object]:
    found = one.purge
    return {
        "target": one.target,
        "dry_run": one.dry_run,
        "kept_repositories": found.kept,
        "keep_days": found.keep.total_seconds() / 86400,
        "repositories": found.repositories,
        "logs": found.logs,
        "builds": found.builds,
        "rpms": found.rpms,
        "snapshots": found.snapshots,
        "aggregates": found.aggregates,
        "bootstrap": found.bootstrap,
        "freed_bytes": found.freed,
    }


def _show(planned: list[Purged], unused: PurgedMirrors) -> None:
    rows: list[tuple[object, ...]] = []
    for one in planned:
        found = one.purge
        rows.append(
            (one.target, len(found.repositories), found.kept, len(found.rpms), len(found.builds),
             len(found.logs), len(found.snapshots), _size(found.freed))
        )  # fmt: skip
    columns = ("target", "repositories", "kept", "rpms", "builds", "logs", "snapshots", "frees")
    output.show(planned, as_json=False, people=output.Table(columns, rows))
    lines = [f"mirror that no target follows: {path.name}" for path in unused.paths]
    lines += [f"mirrors: {_size(unused.freed)}"] if unused.paths else []
    if lines:
        output.show(unused, as_json=False, people="\n".join(lines))


def _size(count: int) -> str:
    """
    >>> _size(5_300_000), _size(12)
    ('5.3 MB', '0.0 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
