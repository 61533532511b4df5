"""What a person tells a target, and the queue that it changes."""

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.trunk import only_target, target_option, targets_of
from rdo.errors import ConfigError
from rdo.trunk.care import steering
from rdo.trunk.context import Trunk, open_trunk
from rdo.trunk.views import dependents
from rdo.trunk.views.dependents import Rebuild
from rdo.trunk.views.why import Known, pending_step

_because = click.option(
    "--because", metavar="TEXT", required=True, help="Why; others will read it."
)
_next_round = "the next round builds it: rdo trunk run --target {0}"


@click.command()
@target_option
@output.json_option
@click.pass_obj
def queue(app: App, target: str | None, as_json: bool) -> None:
    """Show what is queued or runs, in the order of planning, and what each build waits for.

    \b
    rdo trunk queue --target master-deb12
    """
    rows = [row for name in targets_of(app, target) for row in _queue_rows(open_trunk(app, name))]
    columns = ("target", "build", "package", "commit", "state", "try", "since", "why")
    shown = [
        tuple(f"{row[name]:%Y-%m-%d %H:%M}" if name == "since" else row[name] for name in columns)
        for row in rows
    ]
    people = output.Table(columns, shown) if rows else "nothing is queued"
    output.show(rows, as_json, people)


def _queue_rows(trunk: Trunk) -> list[dict[str, object]]:
    known = Known.of(trunk)
    with trunk.store.read() as at:
        builds = (*at.builds.running(trunk.name), *at.builds.queue(trunk.name))
    rows: list[dict[str, object]] = []
    for build in builds:
        step = pending_step(known, build)
        rows.append(
            {
                "target": trunk.name,
                "build": build.id,
                "package": build.package,
                "commit": build.commit.short_hash,
                "state": step.state.value,
                "try": build.attempt,
                "bootstrap": build.bootstrap,
                "since": build.started or build.created,
                "why": build.to_cancel or step.why,
                "waits_for": step.waits_for,
            }
        )
    return rows


@click.command()
@click.argument("packages", metavar="[PACKAGE]...", nargs=-1)
@click.option("--all-failed", is_flag=True, help="Every package that does not build.")
@click.option(
    "--since", metavar="WHEN", help="Of these, what failed then or later: 3d, 2026-08-01."
)
@click.option("--force", is_flag=True, help="Also a package that builds.")
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

    What is queued already is left as it is, but no longer rests between its tries.

    \b
    rdo trunk recheck python-oslo-config
    rdo trunk recheck --all-failed --since 2d
    """
    if all_failed == bool(packages):
        raise ConfigError("what is to be checked again? name packages, or say --all-failed")
    if since and not all_failed:
        raise ConfigError("--since belongs to --all-failed")
    rows: list[dict[str, object]] = []
    lines: list[str] = []
    for name in targets_of(app, target) if all_failed else [only_target(app, target)]:
        trunk = open_trunk(app, name)
        moment = steering.parse_since(since, app.now()) if since else None
        chosen = steering.all_failed(trunk, moment) if all_failed else list(packages)
        for one in steering.recheck(trunk, chosen, force=force):
            state = "queued" if one.is_new else "was queued before"
            rows.append({"target": name, "package": one.build.package, "build": one.build.id,
                         "is_new": one.is_new})  # fmt: skip
            lines.append(f"{name}: {one.build.commit} {state}, build {one.build.id}")
        if chosen:
            lines.append(_next_round.format(name))
    output.show(rows, as_json, "\n".join(lines) or "nothing has failed")


@click.command()
@click.option("--dependents-of", "package", metavar="PACKAGE", required=True, help="Of what.")
@click.option("--direct", is_flag=True, help="Only what needs it itself, not through others.")
@click.option("--dry-run", is_flag=True, help="Show order and cost, and queue nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@target_option
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
    """Build again all packages whose builds need PACKAGE; order and cost are shown first.

    \b
    rdo trunk rebuild --dependents-of python-pbr --dry-run
    """
    name = only_target(app, target)
    trunk = open_trunk(app, name)
    plan = dependents.plan_rebuild(trunk, package, direct=direct)
    if not as_json:
        _show_rebuild(plan)
    queued: list[int] = []
    if plan.dependents and not dry_run:
        output.confirm(f"queue {_builds(len(plan.dependents))} in {name}?", yes=yes)
        queued = [build.id for build in dependents.queue_rebuild(trunk, plan)]
    rows = {
        "target": name,
        "dependents": plan.dependents,
        "build_seconds": plan.build_seconds,
        "seconds": plan.seconds,
        "queued": queued,
    }
    done = f"{len(queued)} queued; " + _next_round.format(name) if queued else ""
    if as_json or done:
        output.show(rows, as_json, done)


def _show_rebuild(plan: Rebuild) -> None:
    if not plan.dependents:
        output.show(plan, as_json=False, people=f"no build needs {plan.package}")
        return
    rows = [
        (one.step, one.package, one.commit.short_hash, f"{one.seconds:.0f}", ", ".join(one.needs),
         "is queued already" if one.is_queued else "")
        for one in plan.dependents
    ]  # fmt: skip
    columns = ("step", "package", "commit", "seconds", "needs", "remark")
    output.show(plan, as_json=False, people=output.Table(columns, rows))
    cost = (
        f"{_builds(len(rows))}, {plan.build_seconds:.0f} s of building, "
        f"{plan.seconds:.0f} s at least with {plan.workers} at a time"
    )
    output.show(plan, as_json=False, people=cost)


def _builds(count: int) -> str:
    return f"{count} build" if count == 1 else f"{count} builds"


@click.command()
@click.argument("build")
@click.option("--because", metavar="TEXT", default="", help="Why; others will read it.")
@target_option
@output.json_option
@click.pass_obj
def cancel(app: App, build: str, because: str, target: str | None, as_json: bool) -> None:
    """End BUILD, a number, or all of a package that is queued or runs.

    It does not come back by itself: the package's next commit is built, or `rdo trunk recheck`.

    \b
    rdo trunk cancel 17 --because "the branch was wrong"
    """
    trunk = open_trunk(app, only_target(app, target))
    found = steering.cancel(trunk, build, by=app.user, why=because)
    rows = [
        {"build": one.id, "package": one.package, "is_ending": steering.is_ending(one)}
        for one in found
    ]
    lines = [
        f"build {one.id} of {one.commit} "
        + ("is being ended by its round" if steering.is_ending(one) else "is cancelled")
        for one in found
    ]
    output.show(rows, as_json, "\n".join(lines))


@click.command()
@click.argument("package")
@click.option("--build", "build_id", metavar="N", type=int, help="The build that it is to stay at.")
@_because
@target_option
@output.json_option
@click.pass_obj
def hold(
    app: App, package: str, build_id: int | None, because: str, target: str | None, as_json: bool
) -> None:
    """Build nothing new of PACKAGE and keep it at a build: what is published now, or --build N.

    Nobody waits for it: `consistent` moves without it. Its queued builds stay queued.

    \b
    rdo trunk hold python-oslo-log --build 41 --because "the new one breaks nova"
    """
    trunk = open_trunk(app, only_target(app, target))
    found, moved = steering.hold(trunk, package, build_id, by=app.user, why=because)
    place = f" at build {build_id}" if build_id is not None else ""
    lines = [f"{package} is held{place}; rdo trunk release {package} ends that"]
    lines += [f"names lead to {path} now" for path in moved]
    if moved:
        lines.append("who has a newer one installed needs: dnf distro-sync")
    output.show({"hold": found, "moved": moved}, as_json, "\n".join(lines))


@click.command()
@click.argument("package")
@target_option
@output.json_option
@click.pass_obj
def release(app: App, package: str, target: str | None, as_json: bool) -> None:
    """End the hold of PACKAGE: its newest good build counts again, and new ones are made.

    \b
    rdo trunk release python-oslo-log
    """
    trunk = open_trunk(app, only_target(app, target))
    moved = steering.release(trunk, package, by=app.user)
    lines = [f"{package} is no longer held", *(f"names lead to {path} now" for path in moved)]
    output.show({"package": package, "moved": moved}, as_json, "\n".join(lines))


@click.command()
@_because
@target_option
@output.json_option
@click.pass_obj
def pause(app: App, because: str, target: str | None, as_json: bool) -> None:
    """Let rounds build nothing until `rdo trunk resume`; what runs is finished and published.

    A round of a paused target ends at once with exit code 5 and says who paused it, and why.

    \b
    rdo trunk pause --because "moving to a new disk"
    """
    names = targets_of(app, target)
    for name in names:
        steering.pause(open_trunk(app, name), by=app.user, why=because)
    lines = (f"{name} is paused" for name in names)
    output.show([{"target": name, "paused": True} for name in names], as_json, "\n".join(lines))


@click.command()
@target_option
@output.json_option
@click.pass_obj
def resume(app: App, target: str | None, as_json: bool) -> None:
    """End a pause.

    \b
    rdo trunk resume --target master-deb12
    """
    done = {name: steering.resume(open_trunk(app, name)) for name in targets_of(app, target)}
    lines = (f"{name} " + ("goes on" if was else "was not paused") for name, was in done.items())
    rows = [{"target": name, "was_paused": was} for name, was in done.items()]
    output.show(rows, as_json, "\n".join(lines))
