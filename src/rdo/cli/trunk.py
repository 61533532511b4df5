"""`rdo trunk`: follow the upstreams, build and publish."""

import signal
from datetime import datetime
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.cli.progress import live
from rdo.errors import ConfigError
from rdo.trunk import rounds
from rdo.trunk.context import open_trunk
from rdo.trunk.loop import repeat
from rdo.trunk.views.report import as_row, summary
from rdo.trunk.views.status import PackageStatus, TargetStatus, find_build, log_file, status

_STEER = "rdo.cli.trunk_steer"
_VERIFY, _PURGE = "rdo.cli.trunk_verify", "rdo.cli.trunk_purge"


@click.group(
    cls=LazyGroup,
    lazy={
        "queue": Lazy(_STEER, "queue", "Show what is queued or runs, and what it waits for."),
        "recheck": Lazy(_STEER, "recheck", "Build again what failed."),
        "rebuild": Lazy(_STEER, "rebuild", "Build again what needs a package."),
        "cancel": Lazy(_STEER, "cancel", "End a queued or running build."),
        "hold": Lazy(_STEER, "hold", "Keep a package at a build, and wait for it no more."),
        "release": Lazy(_STEER, "release", "End a hold."),
        "pause": Lazy(_STEER, "pause", "Build nothing until somebody resumes."),
        "resume": Lazy(_STEER, "resume", "End a pause."),
        "verify": Lazy(_VERIFY, "verify", "Say whether store, tree and mirrors agree."),
        "purge": Lazy(_PURGE, "purge", "Remove what is old and not needed."),
    },
)
def trunk() -> None:
    """Follow the upstreams: poll, build, publish."""


target_option = click.option(
    "--target", metavar="T", help="A target of rdo.toml; all in turn if left out."
)


@trunk.command()
@target_option
@click.option("--package", "packages", metavar="P", multiple=True, help="Only this one; repeat.")
@click.option("--head-only", is_flag=True, help="Only the newest commit of each package.")
@click.option("--dry-run", is_flag=True, help="Say what would be built, and change nothing.")
@click.option("--workers", type=click.IntRange(1), help="Builds at a time.")
@click.option(
    "--loop",
    metavar="SECONDS",
    type=click.IntRange(1),
    help="Begin a round every so many seconds, until SIGTERM or Ctrl-C.",
)
@output.json_option
@click.pass_context
def run(
    ctx: click.Context,
    target: str | None,
    packages: tuple[str, ...],
    head_only: bool,
    dry_run: bool,
    workers: int | None,
    loop: int | None,
    as_json: bool,
) -> None:
    """Do one round: build and publish what is new.

    \b
    rdo trunk run
    rdo trunk run --target master-deb12 --package python-oslo-config --head-only
    rdo trunk run --loop 300
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end builds as on Ctrl-C
    asked = rounds.RoundRequest(frozenset(packages), head_only, dry_run, workers or 0)
    if loop is None:
        ctx.exit(_round(ctx.obj, target, asked, as_json))
    targets_of(ctx.obj, target)  # what is wrong from the start ends it

    def again() -> None:
        app = ctx.obj.anew()
        try:
            _round(app, target, asked, as_json)
        finally:
            app.close()

    repeat(again, loop)


def _round(app: App, target: str | None, asked: rounds.RoundRequest, as_json: bool) -> int:
    """Do a round of each target, show what came of it, and return the exit code."""
    with live() as watch:
        done = rounds.run_targets(app, targets_of(app, target), asked, watch)
    rows = [
        {"target": one.target, "error": str(one.error), "exit_code": one.error.exit_code}
        if isinstance(one, rounds.Unfinished)
        else as_row(one)
        for one in done
    ]
    people = "\n".join(
        f"{one.target}: {one.error}" if isinstance(one, rounds.Unfinished) else summary(one)
        for one in done
    )
    output.show(rows, as_json, people)
    return rounds.exit_code(done)


@trunk.command("status")
@target_option
@output.json_option
@click.pass_obj
def show_status(app: App, target: str | None, as_json: bool) -> None:
    """Show where each package stands and what blocks `consistent`.

    \b
    rdo trunk status --target master-deb12
    """
    found = [status(open_trunk(app, name)) for name in targets_of(app, target)]
    if as_json:
        output.show(found, as_json)
        return
    for one in found:
        _show_target(one)


@trunk.command()
@click.argument("build")
@target_option
@click.option("--cause", is_flag=True, help="Only the lines that matter, the first marked.")
@click.pass_obj
def log(app: App, build: str, target: str | None, cause: bool) -> None:
    """Print the log of BUILD: a number, a package, or an upstream hash's first digits.

    It may also be a log file, of any build.

    \b
    rdo trunk log 17
    rdo trunk log python-oslo-config --cause
    rdo trunk log ./build.log --cause
    """
    file = Path(build)
    if not ("/" in build and file.is_file()):
        found = find_build(app.store, targets_of(app, target), build)
        file = log_file(app.settings.target_folder(found.target), found)
    if cause:
        _show_cause(file)
        return
    with file.open(errors="replace") as lines:
        for line in lines:
            output.show(line.rstrip("\n").expandtabs(), as_json=False)


def _show_cause(file: Path) -> None:
    from rdo.notify.log_reader import read_log_file

    reading = read_log_file(file)
    lines = [f"{'>' if x.is_cause else ' '}{x.number:6} | {x.text}" for x in reading.lines]
    output.show(None, as_json=False, people="\n".join([reading.says or "no rule knows", *lines]))


@trunk.command("try")
@click.argument("package")
@click.option("--target", metavar="T", help="A target of rdo.toml; needed if there are several.")
@click.option("--source", metavar="DIR|REF", help="The upstream: a work tree, or a ref of it.")
@click.option("--distgit", metavar="DIR|REF", help="The distgit: a work tree, or a ref of it.")
@click.option(
    "--with",
    "more",
    metavar="BUILD",
    multiple=True,
    help="Use this build too: a number, package, hash, or folder of RPMs; repeat.",
)
@click.option(
    "--results",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where RPMs, logs and a repository go.",
)
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
    """Build a change of PACKAGE against `current`; nothing is stored, nothing published.

    A work tree counts with what is uncommitted in it. What is not named is what the target
    follows. Exit code 1: the change does not build; 6: something outside of it is in the way.

    \b
    rdo trunk try python-oslo-config --source ~/src/oslo.config
    rdo trunk try python-oslo-config --distgit refs/changes/42/4242/3 --with python-oslo-i18n
    """
    from rdo.trunk import try_change as attempt
    from rdo.trunk.scratch import ScratchRequest

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the build as on Ctrl-C
    name = only_target(ctx.obj, target)
    asked = ScratchRequest(package, source, distgit)
    tried = attempt.try_change(ctx.obj, name, asked, results=results, more=more)
    output.show(attempt.as_row(tried), as_json, attempt.summary(tried))
    ctx.exit(tried.exit_code)


def only_target(app: App, target: str | None) -> str:
    """The target that is meant, for what is done to one at a time."""
    names = targets_of(app, target)
    if len(names) > 1:
        raise ConfigError(f"which target? there are {', '.join(names)}", hint="say --target")
    return names[0]


def targets_of(app: App, target: str | None) -> list[str]:
    """The target that is named, or else all."""
    if target:
        app.settings.target(target)
        return [target]
    if not app.settings.targets:
        raise app.settings.no_target()
    return list(app.settings.targets)


def _show_target(found: TargetStatus) -> None:
    rows = [
        (one.package, one.condition, one.commit, _when(one.since), one.build_id, _remark(one))
        for one in found.packages
    ]
    columns = ("package", "condition", "commit", "since", "build", "remark")
    output.show(found, as_json=False, people=output.Table(columns, rows))
    lines = [f"{name} -> {place}" for name, place in found.names.items()]
    lines += [f"paused {found.paused}"] if found.paused else []
    lines += [
        f"consistent is blocked by {one.package}: {one.reason}"
        + (f", since {_when(one.since)}" if one.since else "")
        for one in found.blocked
    ]
    output.show(found, as_json=False, people="\n".join([f"{found.target}:", *lines]))


def _remark(one: PackageStatus) -> str:
    waiting = f"waits for {', '.join(one.waiting_for)}" if one.waiting_for else ""
    stale = f"stale since {_when(one.stale_since)}: {one.stale}" if one.stale else ""
    untested = f"tests are not run: {one.skip_tests}" if one.skip_tests else ""
    held = f"held {one.held}" if one.held else ""
    return "; ".join(part for part in (held, waiting, one.detail, stale, untested) if part)


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
