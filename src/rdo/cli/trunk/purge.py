"""`rdo trunk purge` and `delete-build`: remove what targets no longer need, or one build."""

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.trunk.group import one_target_option, target_option
from rdo.trunk.care import purge as service
from rdo.trunk.care.purge import FactoryPurge, Purged


@click.command()
@target_option
@click.option(
    "--older-than",
    "days",
    metavar="DAYS",
    type=click.FloatRange(0),
    help="Keep what is younger than DAYS. Default: keep-days of [retention].",
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and its size.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@output.json_option
@click.pass_obj
def purge(
    app: App, target: str | None, days: float | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove old repositories, RPMs, builds, logs, snapshots and mirrors that nothing needs.

    Keeps every repository a name points to, each package's newest builds, and everything those
    refer to. Mirrors are removed only when all targets are purged. Waits for a running round to
    finish.

    \b
    rdo trunk purge --dry-run
    rdo trunk purge --older-than 30 --yes
    """
    found = service.purge_factory(app, target, days=days, dry_run=True)
    is_done = dry_run or found.is_empty
    if not (is_done or as_json):
        _show(found)
    if not is_done:
        output.confirm("remove all this?", yes=yes)
        found = service.purge_factory(app, target, days=days, dry_run=False)
        if not as_json:
            output.say(f"removed {_in_words(found)}")
    if as_json:
        output.show(service.as_row(found), as_json)
    elif is_done:
        _show(found)


@click.command()
@click.argument("build", shell_complete=complete.builds)
@one_target_option
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and its size.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@output.json_option
@click.pass_obj
def delete_build(
    app: App, build: str, target: str | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove BUILD, a number, with its logs, its RPMs and every repository that holds these.

    Refused while a name leads to such a repository, while a package's published build is BUILD or
    the build of such a repository, or while a running build may read one. To take a build away
    from the names first, use `rdo trunk hold`. Waits for a running round to finish.

    \b
    rdo trunk delete-build 42 --dry-run
    rdo trunk delete-build 42 --yes
    """
    from rdo.trunk.context import open_trunk
    from rdo.trunk.views.status import find_build

    if not build.isdecimal():
        raise click.UsageError(f"{build!r} is not the number of a build: rdo trunk status shows it")
    chosen = find_build(app.store, app.settings.chosen_targets(target), build)
    trunk = open_trunk(app, chosen.target)
    found = service.delete_build(trunk, chosen, dry_run=True)
    if not as_json:
        paths = "\n".join(f"  {path}" for path in found.purge.repositories)
        said = f"build {chosen.id} of {chosen.package}: {_in_words(FactoryPurge((found,)))}"
        output.say("\n".join(filter(None, [said, paths])))
    if not dry_run:
        output.confirm("remove all this?", yes=yes)
        found = service.delete_build(trunk, chosen, dry_run=False)
        if not as_json:
            output.say(f"removed build {chosen.id}")
    if as_json:
        output.show({"build": chosen.id, **service.target_row(found)}, as_json)


def _show(found: FactoryPurge) -> None:
    columns = ("target", "repositories", "kept", "rpms", "builds", "logs", "snapshots", "frees")
    rows = [_cells(one) for one in found.targets]
    output.show(found, as_json=False, people=output.Table(columns, rows))
    unused = found.mirrors
    lines = [f"mirror that no target follows: {path.name}" for path in unused.paths]
    lines += [f"mirrors: {output.size(unused.freed)}"] if unused.paths else []
    if lines:
        output.show(found, as_json=False, people="\n".join(lines))


def _in_words(found: FactoryPurge) -> str:
    """Return in one line what a purge has removed."""
    purges = [one.purge for one in found.targets]
    parts = []
    for name, word in _WORDS.items():
        if count := sum(len(getattr(one, name)) for one in purges):
            parts.append(f"{count} {word if count == 1 else name}")
    if found.mirrors.paths:
        count = len(found.mirrors.paths)
        parts.append(f"{count} {'mirror' if count == 1 else 'mirrors'}")
    freed = sum(one.freed for one in purges) + found.mirrors.freed
    return f"{', '.join(parts)}: {output.size(freed)}"


_WORDS = {
    "repositories": "repository",
    "rpms": "RPM",
    "builds": "build",
    "logs": "log",
    "snapshots": "snapshot",
}


def _cells(one: Purged) -> tuple[object, ...]:
    found = one.purge
    lists = (found.rpms, found.builds, found.logs, found.snapshots)
    sizes = map(len, lists)
    return one.target, len(found.repositories), found.kept, *sizes, output.size(found.freed)
