"""`rdo trunk`: follow the upstreams, build and publish."""

import contextlib
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.cli.progress import live
from rdo.errors import NotFoundError
from rdo.model.text.dates import minute
from rdo.trunk import rounds
from rdo.trunk.context import open_trunks
from rdo.trunk.loop import repeat, try_to
from rdo.trunk.views.following import following, has_ended
from rdo.trunk.views.side_by_side import cells_of, side_by_side, side_by_side_row
from rdo.trunk.views.state import PackageView, read_target
from rdo.trunk.views.status import (
    TargetStatus,
    find_named_build,
    log_file,
    remark,
    status,
    status_row,
)

_STEER, _ACK = "rdo.cli.trunk.steer", "rdo.cli.trunk.ack"
_IMPORT = "rdo.cli.trunk.import_dlrn"
_VERIFY, _PURGE = "rdo.cli.trunk.verify", "rdo.cli.trunk.purge"


@click.group(
    cls=LazyGroup,
    lazy={
        "queue": Lazy(_STEER, "queue", "Show queued and running builds, and what they wait for."),
        "recheck": Lazy(_STEER, "recheck", "Queue failed packages again."),
        "rebuild": Lazy(_STEER, "rebuild", "Rebuild the packages that require a package."),
        "cancel": Lazy(_STEER, "cancel", "End a queued or running build."),
        "hold": Lazy(_STEER, "hold", "Keep a package at a build; others stop waiting for it."),
        "release": Lazy(_STEER, "release", "End a hold."),
        "ack": Lazy(_ACK, "ack", "Say that you are working on a broken package."),
        "unack": Lazy(_ACK, "unack", "Say that nobody is working on a package any more."),
        "pause": Lazy(_STEER, "pause", "Build nothing until the target is resumed."),
        "resume": Lazy(_STEER, "resume", "End a pause."),
        "verify": Lazy(_VERIFY, "verify", "Check that store, tree and mirrors agree."),
        "purge": Lazy(_PURGE, "purge", "Remove old data that is no longer needed."),
        "delete-build": Lazy(_PURGE, "delete_build", "Remove one build completely."),
        "import-dlrn": Lazy(_IMPORT, "import_dlrn", "Take over a running DLRN instance."),
    },
    sections={
        "Rounds": ("run", "try"),
        "Looking": ("status", "queue", "log"),
        "People": ("ack", "unack"),
        "Steering": ("recheck", "rebuild", "cancel", "hold", "release", "pause", "resume"),
        "Care": ("verify", "purge", "delete-build", "import-dlrn"),
    },
)
def trunk() -> None:
    """Follow the upstreams: poll, build, publish."""


target_option = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target to use; '*' in it means anything. Default: all.",
)
one_target_option = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target to use. Optional if there is only one.",
)


@trunk.command()
@target_option
@click.option(
    "--package",
    "packages",
    metavar="P",
    shell_complete=complete.packages,
    multiple=True,
    help="Package to poll and build (repeatable). Default: all.",
)
@click.option("--head-only", is_flag=True, help="Build only the newest commit of each package.")
@click.option("--dry-run", is_flag=True, help="Print what would be built; change nothing.")
@click.option(
    "--stop",
    is_flag=True,
    help="Start no build after the first failure; the rest stays in the queue.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Number of builds at the same time, over all targets. Default: the configured workers.",
)
@click.option(
    "--loop",
    metavar="SECONDS",
    type=click.IntRange(1),
    help="Start a round every SECONDS, and after each push that `rdo serve` was told about, until"
    " SIGTERM or Ctrl-C. Default: one round.",
)
@output.json_option
@click.pass_context
def run(
    ctx: click.Context,
    target: str | None,
    packages: tuple[str, ...],
    head_only: bool,
    dry_run: bool,
    stop: bool,
    workers: int | None,
    loop: int | None,
    as_json: bool,
) -> None:
    """Do one round: poll, build and publish what is new.

    \b
    rdo trunk run
    rdo trunk run --target master-deb12 --package python-oslo-config --head-only
    rdo trunk run --loop 300
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end builds as on Ctrl-C
    request = rounds.RoundRequest(frozenset(packages), head_only, dry_run, workers or 0, stop)
    targets = ctx.obj.settings.chosen_targets(target)  # an error ends the loop at once
    if loop is None:
        ctx.exit(_round(ctx.obj, targets, request, as_json))

    def again() -> None:
        with contextlib.closing(ctx.obj.anew()) as app:
            _round(app, app.settings.chosen_targets(target), request, as_json, loop)

    def build(pushed: Sequence[str]) -> None:
        with contextlib.closing(ctx.obj.anew()) as app:
            _round(app, pushed, replace(request, polls=False), as_json)

    if dry_run:
        repeat(again, loop)
        return
    from rdo.trunk.announced.intake import Intake

    with Intake(
        ctx.obj.anew, targets, lambda pushed: try_to(lambda: build(pushed)), packages, head_only
    ) as intake:
        repeat(again, loop, sleep=intake.wait)


def _round(
    app: App, targets: Sequence[str], request: rounds.RoundRequest, as_json: bool, every: int = 0
) -> int:
    """Do a round of each target, show the results, and return the exit code."""
    with live() as watch:
        done = rounds.run_targets(app, targets, request, watch, every_seconds=every)
    output.show(list(map(rounds.as_row, done)), as_json, "\n".join(map(rounds.summary, done)))
    return rounds.exit_code(done)


@trunk.command("status")
@target_option
@click.option("--grid", is_flag=True, help="Show packages by target: a column for each target.")
@output.json_option
@click.pass_obj
def show_status(app: App, target: str | None, grid: bool, as_json: bool) -> None:
    """Show the state of each package, and what blocks `consistent`.

    \b
    rdo trunk status --target master-deb12
    rdo trunk status --target 'master-*' --grid
    """
    app.reads_only = True
    if grid:
        _show_grid(app, target, as_json)
        return
    found = list(map(status, open_trunks(app, target)))
    if as_json:
        output.show([status_row(one) for one in found], as_json)
        return
    for one in found:
        _show_target(one)


def _show_grid(app: App, target: str | None, as_json: bool) -> None:
    views = list(map(read_target, open_trunks(app, target)))
    found = side_by_side([view.target for view in views], list(map(cells_of, views)))
    rows = [(name, *(cell.state if cell else "-" for cell in cells)) for name, cells in found.rows]
    table = output.Table(("package", *found.targets), rows)
    output.show(side_by_side_row(found), as_json, table)


@trunk.command()
@click.argument("build", shell_complete=complete.builds)
@target_option
@click.option("--cause", is_flag=True, help="Print only the lines around the cause, and mark it.")
@click.option("--follow", "-f", is_flag=True, help="Print new lines until the build ends.")
@output.json_option
@click.pass_obj
def log(app: App, build: str, target: str | None, cause: bool, follow: bool, as_json: bool) -> None:
    """Print the log of BUILD: a number, a package, or the first digits of an upstream hash.

    BUILD may also be the path of a log file. The log of a running build is printed as far as it
    has been written.

    \b
    rdo trunk log 17
    rdo trunk log python-oslo-config --cause
    rdo trunk log ./build.log --cause
    rdo trunk log python-oslo-config --follow
    """
    if as_json and not cause:
        raise click.UsageError("--json needs --cause: a log itself is text")
    file, found = Path(build), None
    if "/" in build and not file.is_file():
        raise NotFoundError(f"there is no file {build}")
    if "/" not in build:
        app.reads_only = True
        found = find_named_build(app, target, build)
        file = log_file(app.settings.target_folder(found.target), found)
    if cause:
        _show_cause(file, as_json)
        return
    is_over = partial(has_ended, app, found) if follow and found else lambda: True
    for line in following(file, is_over):
        output.show(line.rstrip("\n").expandtabs(), as_json=False)


def _show_cause(file: Path, as_json: bool) -> None:
    from rdo.logs.reader import read_log_file

    reading = read_log_file(file)
    lines = [f"{'>' if x.is_cause else ' '}{x.number:6} | {x.text}" for x in reading.lines]
    output.show(reading, as_json, "\n".join([reading.says or "no known cause", *lines]))


@trunk.command("try")
@click.argument("package", shell_complete=complete.packages)
@one_target_option
@click.option(
    "--source",
    metavar="DIR|REF",
    help="Upstream to build: a work tree or a git ref. Default: the branch the target follows.",
)
@click.option(
    "--distgit",
    metavar="DIR|REF",
    help="Distgit to build with: a work tree or a git ref. Default: the branch the target follows.",
)
@click.option(
    "--with",
    "more",
    metavar="BUILD",
    multiple=True,
    help="Another build to use: a number, package, hash, or folder of RPMs (repeatable).",
)
@output.results_option("Folder for RPMs, logs and a repository.")
@output.json_option
@click.pass_context
def try_(
    ctx: click.Context,
    package: str,
    target: str | None,
    source: str | None,
    distgit: str | None,
    more: tuple[str, ...],
    results: Path,
    as_json: bool,
) -> None:
    """Build a change of PACKAGE against `current`, without storing or publishing anything.

    Uncommitted changes in a work tree are included. A side you do not name comes from the branch
    the target follows. Exit code 1: the change fails to build; 6: something else prevented the
    build.

    \b
    rdo trunk try python-oslo-config --source ~/src/oslo.config
    rdo trunk try python-oslo-config --distgit refs/changes/42/4242/3 --with python-oslo-i18n
    """
    from rdo.trunk import try_change as service
    from rdo.trunk.scratch import ScratchRequest

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the build as on Ctrl-C
    name = ctx.obj.settings.only_target(target)
    request = ScratchRequest(package, source, distgit)
    with live(f"trying {package}"):
        tried = service.try_change(ctx.obj, name, request, results=results, more=more)
    output.show(service.as_row(tried), as_json, service.summary(tried))
    ctx.exit(tried.exit_code)


def _show_target(found: TargetStatus) -> None:
    view = found.view
    rows = [
        (one.package, one.state, one.commit, _when(one.since), _build(one), remark(one))
        for one in view.packages.values()
    ]
    columns = ("package", "condition", "commit", "since", "build", "remark")
    output.show(found, as_json=False, people=output.Table(columns, rows))
    lines = [f"{name} -> {place}" for name, place in found.names.items()]
    lines += [str(view.pause)] if view.pause else []
    lines += ["a round is running"] if view.in_round else []
    lines += [
        f"consistent is blocked by {one.package}: {one.reason}"
        + (f", since {_when(one.since)}" if one.since else "")
        for one in found.blocked
    ]
    output.show(found, as_json=False, people="\n".join([f"{view.target}:", *lines]))


def _build(view: PackageView) -> str:
    """Return the published build of a package; for a held package also the newest build."""
    held = view.facts.hold.build_id if view.facts.hold else None
    newest = "" if view.build_id is None else str(view.build_id)
    return newest if held is None or str(held) == newest else f"{held} (newest: {newest})"


def _when(moment: datetime | None) -> str:
    return minute(moment) if moment else ""
