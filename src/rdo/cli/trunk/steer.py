"""`rdo trunk queue`, `recheck`, `rebuild`, `cancel`, `hold`, `pause` and their opposites."""

from collections.abc import Collection, Iterator
from itertools import groupby
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.trunk.group import one_target_option, target_option
from rdo.errors import ConfigError
from rdo.publish.contents import COMPOSED
from rdo.publish.names import CONSISTENT, CURRENT
from rdo.trunk.care import steering
from rdo.trunk.context import Trunk, open_trunk, open_trunks
from rdo.trunk.views import dependents
from rdo.trunk.views.dependents import Rebuild

_REASON = "Reason, shown to everyone in status and pages."
_DEPENDENTS = "Rebuild every package whose build requires PACKAGE."
_because = click.option("--because", metavar="TEXT", required=True, help=_REASON)
_next_round = "the next round builds it: rdo trunk run --target {0}"


def _open(app: App, target: str | None) -> Trunk:
    return open_trunk(app, app.settings.only_target(target))


@click.command()
@target_option
@output.json_option
@click.pass_obj
def queue(app: App, target: str | None, as_json: bool) -> None:
    """Show queued and running builds, in the order they were planned, and what each waits for.

    \b
    rdo trunk queue --target master-deb12
    """
    from rdo.trunk.views.queue import as_line, as_row, open_builds

    app.reads_only = True
    found = open_builds(open_trunks(app, target))
    columns = ("target", "build", "package", "commit", "state", "try", "since", "why")
    people = output.Table(columns, list(map(as_line, found))) if found else "the queue is empty"
    output.show(list(map(as_row, found)), as_json, people)


@click.command()
@click.argument("packages", metavar="[PACKAGE]...", nargs=-1, shell_complete=complete.packages)
@click.option("--all-failed", is_flag=True, help="Recheck every package that fails to build.")
@click.option(
    "--since",
    metavar="WHEN",
    help="With --all-failed: only failures since this time, such as 3d or 2026-08-01.",
)
@click.option("--force", is_flag=True, help="Recheck packages that build, too.")
@target_option
@output.json_option
@click.pass_obj
def recheck(
    app: App,
    packages: tuple[str, ...],
    all_failed: bool,
    since: str | None,
    force: bool,
    target: str | None,
    as_json: bool,
) -> None:
    """Queue the newest commit of PACKAGE once more; the next round builds it.

    A package that is queued already stays queued, but no longer waits for its next try. With
    --all-failed all targets are used unless you name one.

    \b
    rdo trunk recheck python-oslo-config
    rdo trunk recheck --all-failed --since 2d
    """
    if all_failed == bool(packages):
        raise ConfigError("nothing to recheck: name packages or use --all-failed")
    if since and not all_failed:
        raise ConfigError("--since can only be used with --all-failed")
    if all_failed:
        done = steering.recheck_failed(open_trunks(app, target), since, force=force)
    else:
        done = steering.recheck(_open(app, target), packages, force=force)
    working = {one.name for one in open_trunks(app, target) if one.in_round} if done else set()
    people = "\n".join(_recheck_lines(done, working)) or "no package fails to build"
    output.show([steering.recheck_row(one) for one in done], as_json, people)


def _recheck_lines(done: list[steering.Rechecked], working: set[str]) -> Iterator[str]:
    for target, group in groupby(done, key=lambda one: one.build.target):
        for one in group:
            state = "queued" if one.is_new else "was queued before"
            yield f"{target}: {one.build.commit} {state}, build {one.build.id}"
        is_heard = target in working
        yield "the round that is running builds it" if is_heard else _next_round.format(target)


@click.command()
@click.option(
    "--dependents-of",
    "package",
    metavar="PACKAGE",
    required=True,
    shell_complete=complete.packages,
    help=_DEPENDENTS,
)
@click.option("--direct", is_flag=True, help="Leave out packages that require it only indirectly.")
@click.option("--dry-run", is_flag=True, help="Print order and cost; queue nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@one_target_option
@output.json_option
@click.pass_obj
def rebuild(
    app: App,
    package: str,
    direct: bool,
    dry_run: bool,
    yes: bool,
    target: str | None,
    as_json: bool,
) -> None:
    """Rebuild all packages whose builds require PACKAGE, after showing order and cost.

    \b
    rdo trunk rebuild --dependents-of python-pbr --dry-run
    """
    trunk = _open(app, target)
    plan = dependents.plan_rebuild(trunk, package, direct=direct)
    if not as_json:
        _show_rebuild(plan)
    queued = []
    if plan.dependents and not dry_run:
        output.confirm(f"queue {_builds(len(plan.dependents))} in {trunk.name}?", yes=yes)
        queued = dependents.queue_rebuild(trunk, plan)
    done = f"{len(queued)} queued; {_next_round.format(trunk.name)}" if queued else ""
    if as_json or done:
        output.show(dependents.as_row(trunk.name, plan, queued), as_json, done)


def _show_rebuild(plan: Rebuild) -> None:
    if not plan.dependents:
        output.show(plan, as_json=False, people=f"no build requires {plan.package}")
        return
    rows = [
        (
            one.step,
            one.package,
            one.commit.short_hash,
            f"{one.seconds:.0f}",
            ", ".join(one.needs),
            "queued already" if one.is_queued else "",
        )
        for one in plan.dependents
    ]
    columns = ("step", "package", "commit", "seconds", "needs", "remark")
    output.show(plan, as_json=False, people=output.Table(columns, rows))
    cost = (
        f"{_builds(len(rows))}, {plan.build_seconds:.0f} s of building, "
        f"at least {plan.seconds:.0f} s with {plan.workers} at a time"
    )
    output.show(plan, as_json=False, people=cost)


def _builds(count: int) -> str:
    return f"{count} build" if count == 1 else f"{count} builds"


@click.command()
@click.argument(
    "builds", metavar="BUILD...", nargs=-1, required=True, shell_complete=complete.builds
)
@click.option("--but-head", is_flag=True, help="Keep the newest commit of each package.")
@_because
@one_target_option
@output.json_option
@click.pass_obj
def cancel(
    app: App,
    builds: tuple[str, ...],
    but_head: bool,
    because: str,
    target: str | None,
    as_json: bool,
) -> None:
    """End each BUILD: a number, or a package or pattern whose open builds are all ended.

    A cancelled build does not come back by itself. The package's next commit is built as usual;
    `rdo trunk recheck` queues the same commit again.

    \b
    rdo trunk cancel 17 --because "the branch was wrong"
    rdo trunk cancel 'python-*client' --but-head --because "older commits do not matter"
    """
    found = steering.cancel(_open(app, target), builds, by=app.user, why=because, but_head=but_head)
    lines = [
        f"build {one.id} of {one.commit} "
        + ("is being ended by its round" if steering.is_ending(one) else "is cancelled")
        for one in found
    ]
    people = "\n".join(lines) or "nothing else is queued"
    output.show([steering.cancel_row(one) for one in found], as_json, people)


@click.command()
@click.argument("package", shell_complete=complete.packages)
@click.option(
    "--build",
    "build_id",
    metavar="N",
    type=int,
    help="Build to stay at. Default: the one that is published now.",
)
@_because
@one_target_option
@output.json_option
@click.pass_obj
def hold(
    app: App, package: str, build_id: int | None, because: str, target: str | None, as_json: bool
) -> None:
    """Keep PACKAGE at a build, and do not build its new commits, until `rdo trunk release`.

    Other packages stop waiting for it, and `consistent` moves without it. Its queued builds stay
    queued.

    \b
    rdo trunk hold python-oslo-log --build 41 --because "the new one breaks nova"
    """
    trunk = _open(app, target)
    done = steering.hold(trunk, package, build_id, by=app.user, why=because)
    place = f" at build {build_id}" if build_id is not None else ""
    name = done.hold.package
    lines = [f"{name} is held{place}; rdo trunk release {name} ends the hold"]
    lines += _moved(trunk, done.moved)
    if done.moved:
        lines.append("hosts that have a newer build must run: dnf distro-sync")
    output.show(done, as_json, "\n".join(lines))


@click.command()
@click.argument("package", shell_complete=complete.packages)
@one_target_option
@output.json_option
@click.pass_obj
def release(app: App, package: str, target: str | None, as_json: bool) -> None:
    """End the hold of PACKAGE: its newest good build is used again, and new ones are built.

    \b
    rdo trunk release python-oslo-log
    """
    trunk = _open(app, target)
    done = steering.release(trunk, package, by=app.user)
    lines = [f"{done.package} is no longer held", *_moved(trunk, done.moved)]
    output.show(done, as_json, "\n".join(lines))


def _moved(trunk: Trunk, places: Collection[Path]) -> list[str]:
    """Print which names point where now; the hash of a composed repository is shortened."""
    leading: dict[Path, list[str]] = {place: [] for place in places}
    for name in (CURRENT, CONSISTENT):
        for repository in trunk.tree.leads(name):
            place = trunk.tree.repos / repository.path
            if place in leading:
                leading[place].append(name)
    return [_leads(place.relative_to(trunk.tree.repos), names) for place, names in leading.items()]


def _leads(place: Path, names: Collection[str]) -> str:
    shown = str(place)
    if COMPOSED in place.parts:
        above = place.parts[: place.parts.index(COMPOSED) + 1]
        shown = str(Path(*above, place.name[:8]))
    verb = "leads" if len(names) == 1 else "lead"
    return f"{' and '.join(names) or 'names'} now {verb} to {shown}"


@click.command()
@_because
@target_option
@output.json_option
@click.pass_obj
def pause(app: App, because: str, target: str | None, as_json: bool) -> None:
    """Build nothing until `rdo trunk resume`; running builds are finished and published.

    A round of a paused target ends at once with exit code 5 and prints who paused it, and why.

    \b
    rdo trunk pause --because "moving to a new disk"
    """
    done = [steering.pause(one, by=app.user, why=because) for one in open_trunks(app, target)]
    output.show(done, as_json, "\n".join(f"{one.target} is paused" for one in done))


@click.command()
@target_option
@output.json_option
@click.pass_obj
def resume(app: App, target: str | None, as_json: bool) -> None:
    """End a pause.

    \b
    rdo trunk resume --target master-deb12
    """
    done = [steering.resume(one) for one in open_trunks(app, target)]
    lines = (f"{x.target} {'resumed' if x.was_paused else 'was not paused'}" for x in done)
    output.show(done, as_json, "\n".join(lines))
